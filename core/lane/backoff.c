/* SPDX-License-Identifier: MIT */
#include "lane/backoff.h"

void ps_backoff_init(ps_backoff *backoff, uint64_t min_ms, uint64_t max_ms, uint64_t seed) {
  backoff->min_ms = min_ms > 0 ? min_ms : 1;
  backoff->max_ms = max_ms > backoff->min_ms ? max_ms : backoff->min_ms;
  backoff->random = seed ? seed : 1;
  ps_backoff_reset(backoff);
}

/* xorshift64: good enough to spread delays, and needs nothing of the system. */
static uint64_t next_random(ps_backoff *backoff) {
  uint64_t x = backoff->random;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  backoff->random = x;
  return x;
}

uint64_t ps_backoff_between(ps_backoff *backoff, uint64_t low_ms, uint64_t high_ms) {
  return low_ms + next_random(backoff) % (high_ms - low_ms + 1);
}

uint64_t ps_backoff_next(ps_backoff *backoff) {
  uint64_t delay = ps_backoff_between(backoff, backoff->step_ms / 2, backoff->step_ms);
  backoff->step_ms = backoff->step_ms > backoff->max_ms / 2 ? backoff->max_ms : backoff->step_ms * 2;
  return delay;
}

void ps_backoff_reset(ps_backoff *backoff) {
  backoff->step_ms = backoff->min_ms;
}
