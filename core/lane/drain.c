/* SPDX-License-Identifier: MIT */
/* Streams may finish before something ends: the lane (end.c), or the solver that they lead to (halt.c). */
#include "lane/internal.h"

static void on_end(uv_timer_t *timer) {
  ps_lane_later(timer->data);
}

void ps_drain_begin(ps_lane *lane, uint64_t drain_ms) {
  lane->drain.end_ns = uv_hrtime() + drain_ms * 1000000;
}

int ps_drain_waits(ps_lane *lane, uint64_t end_ns) {
  uint64_t now = uv_hrtime();
  if (now >= end_ns) {
    return 0;
  }
  (void)uv_timer_start(&lane->drain.timer, on_end, (end_ns - now) / 1000000 + 1, 0);
  return 1;
}

int ps_drain_runs(ps_lane *lane) {
  ps_lane_count(lane);
  return ps_lane_load(lane) > 0 && ps_drain_waits(lane, lane->drain.end_ns);
}
