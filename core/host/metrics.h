/* SPDX-License-Identifier: MIT */
/**
 * @file metrics.h
 * The gateway's counters: one table for the whole process. Thread-safe, all of it.
 */
#ifndef PS_METRICS_H
#define PS_METRICS_H

#include <stdint.h>

/** Longest name of a counter, in bytes. */
#define PS_METRICS_NAME_MAX 64
/** How many counters there can be: a plugin that makes up names must not eat the memory. */
#define PS_METRICS_MAX 512

/**
 * Adds to a counter, which starts at 0. `name` ([a-z0-9_], copied). What a bad name or a full table drops is
 * counted in "metrics_dropped".
 */
void ps_metrics_add(const char *name, int64_t delta);
/** Value of a counter; 0 if nothing was ever added. */
int64_t ps_metrics_get(const char *name);
/** Shows every counter, in the order in which they came up. `each` must not call back into this file. */
void ps_metrics_each(void (*each)(void *context, const char *name, int64_t value), void *context);

#endif
