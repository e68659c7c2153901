/* SPDX-License-Identifier: MIT */
/* May the solver be launched now, and by this lane: one lane at a time, within the limit of relaunches. */
#include "lane/internal.h"

/* Between two looks while another lane launches it. */
#define GATE_EVERY_MS     200
#define RESTART_WINDOW_NS (600ull * 1000000000)

void ps_launch_release_gate(ps_lane *lane) {
  if (lane->has_gate) {
    lane->has_gate = 0;
    lane->options.gate->released_ns = uv_hrtime();
    atomic_store(&lane->options.gate->busy, 0);
  }
}

/* 0 if another lane is at it. */
static int take_gate(ps_lane *lane) {
  if (!lane->has_gate && atomic_exchange(&lane->options.gate->busy, 1) == 0) {
    lane->has_gate = 1;
  }
  return lane->has_gate;
}

/* Forgets relaunches that are long ago. Is there room for another one? */
static int is_within_limit(ps_launch_gate *gate, const ps_settings *settings) {
  int64_t limit = ps_settings_int(settings, "restart_limit", 5);
  uint64_t now = uv_hrtime();
  size_t kept = 0;
  for (size_t i = 0; i < gate->launch_count; i++) {
    if (now - gate->launches[i] < RESTART_WINDOW_NS) {
      gate->launches[kept++] = gate->launches[i];
    }
  }
  gate->launch_count = kept;
  return (int64_t)kept < limit && kept < PS_LAUNCHES_MAX;
}

static int is_never(const ps_settings *settings) {
  const char *restart = ps_settings_string(settings, "restart");
  return restart && strcmp(restart, "never") == 0;
}

int ps_launch_allows(ps_launch_gate *gate, const ps_settings *settings) {
  if (is_never(settings) || atomic_exchange(&gate->busy, 1) != 0) {
    return 0;
  }
  int is_allowed = is_within_limit(gate, settings);
  atomic_store(&gate->busy, 0);
  return is_allowed;
}

/* A solver that ends again and again is not started for ever. */
static int within_restart_limit(ps_lane *lane, penstock_error *error) {
  ps_launch_gate *gate = lane->options.gate;
  if (!atomic_load(&gate->served)) { /* the first of all, or the first since the user has wanted it */
    gate->launch_count = 0;
    return 1;
  }
  if (is_never(lane->settings)) {
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "the solver has ended, and `restart = never` forbids to start it again");
    penstock_next(error, "start it by hand: it is found and served; or set `restart = always`");
    return 0;
  }
  if (!is_within_limit(gate, lane->settings)) {
    penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                  "the solver was started %zu times within 10 minutes and ended each time", gate->launch_count);
    penstock_next(error, "read its server.log; a solver started by hand is found and served; `restart_limit` sets "
                         "how often it is tried");
    return 0;
  }
  return 1;
}

void ps_launch_count(const ps_lane *lane) {
  ps_launch_gate *gate = lane->options.gate;
  if (atomic_load(&gate->served) && gate->launch_count < PS_LAUNCHES_MAX) {
    gate->launches[gate->launch_count++] = uv_hrtime();
  }
}

void ps_launch_begin(ps_lane *lane) {
  penstock_error error;
  if (!lane->may_launch) {
    const char *said = lane->probe.error.what; /* in the transport's words */
    penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "nothing listens at the solver's endpoint%s%s", said[0] ? ": " : "", said);
    int is_flag = lane->options.no_launch && strcmp(ps_settings_string(lane->settings, "launch"), "never") != 0;
    penstock_next(&error, lane->transport->launch && is_flag
                              ? "start the solver there, or leave out --no-launch so that penstock does"
                          : lane->transport->launch
                              ? "start the solver there, or set `launch = auto` so that penstock does"
                              : "start what should listen there; this transport only forwards");
    ps_retry_failed(lane, &error, 1);
    return;
  }
  if (!take_gate(lane)) {
    ps_supervise_ask_again(lane, GATE_EVERY_MS); /* another lane is at it: soon there will be a solver to find */
    return;
  }
  if (lane->options.gate->released_ns > lane->probe.started_ns) {
    ps_supervise_ask_again(lane, 0); /* another lane was at it since we looked */
    return;
  }
  atomic_store(&lane->options.gate->launched, 0); /* if we did before, that one is gone */
  if (!within_restart_limit(lane, &error)) {
    ps_retry_failed(lane, &error, 1);
    return;
  }
  ps_supervise_validate(lane);
}
