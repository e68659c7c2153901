/* SPDX-License-Identifier: MIT */
/**
 * @file histogram.h
 * How long something took, counted by ranges. Thread: one at a time.
 */
#ifndef PS_HISTOGRAM_H
#define PS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/** Ranges with an upper end; one more is for all beyond. */
#define PS_HISTOGRAM_BOUNDS 13

/** Zero-initialise. */
typedef struct ps_histogram {
  uint64_t counts[PS_HISTOGRAM_BOUNDS + 1]; /**< of each range by itself */
  uint64_t sum_ns;
} ps_histogram;

/** The upper end of a range, in milliseconds. */
double ps_histogram_bound_ms(size_t index);
void ps_histogram_add(ps_histogram *histogram, uint64_t ns);
/** Adds all of another one. */
void ps_histogram_merge(ps_histogram *histogram, const ps_histogram *other);

#endif
