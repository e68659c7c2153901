/* SPDX-License-Identifier: MIT */
/**
 * @file rate.h
 * How fast something goes, in the mean of the last two seconds. Only what goes costs something: nothing has to be
 * called while nothing does.
 * Thread: one at a time.
 */
#ifndef PS_RATE_H
#define PS_RATE_H

#include <stddef.h>
#include <stdint.h>

/** The mean is over so many slots, and the one that is not over yet. */
#define PS_RATE_SLOTS 8
/** Length of a slot in milliseconds. */
#define PS_RATE_SLOT_MS 250

/** Zero-initialise. */
typedef struct ps_rate {
  uint64_t slot; /**< number of the last slot in which something went */
  uint64_t sums[PS_RATE_SLOTS + 1];
} ps_rate;

/** So much goes at `now_ms`, a clock that never goes back. */
void ps_rate_add(ps_rate *rate, uint64_t now_ms, uint64_t amount);
/** How much goes in a second. */
uint64_t ps_rate_now(const ps_rate *rate, uint64_t now_ms);

#endif
