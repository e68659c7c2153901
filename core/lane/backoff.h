/* SPDX-License-Identifier: MIT */
/**
 * @file backoff.h
 * How long to wait before the next try: doubling from a minimum to a maximum, with jitter, so that many
 * gateways that lost the same host do not come back in step.
 */
#ifndef PS_BACKOFF_H
#define PS_BACKOFF_H

#include <stdint.h>

typedef struct ps_backoff {
  uint64_t min_ms;
  uint64_t max_ms;
  uint64_t step_ms; /**< the next delay before jitter */
  uint64_t random;  /**< state of the generator; never 0 */
} ps_backoff;

/** `seed` should differ between lanes and runs. */
void ps_backoff_init(ps_backoff *backoff, uint64_t min_ms, uint64_t max_ms, uint64_t seed);
/** The next delay in milliseconds: between half of the step and the step, which then doubles. */
uint64_t ps_backoff_next(ps_backoff *backoff);
/** A random delay of at least `low_ms` and at most `high_ms`, apart from the doubling. */
uint64_t ps_backoff_between(ps_backoff *backoff, uint64_t low_ms, uint64_t high_ms);
/** After a success: starts again at the minimum. */
void ps_backoff_reset(ps_backoff *backoff);

#endif
