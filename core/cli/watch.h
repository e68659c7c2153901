/* SPDX-License-Identifier: MIT */
/**
 * @file watch.h
 * `penstock status --watch`.
 * Thread: the main thread.
 */
#ifndef PS_WATCH_H
#define PS_WATCH_H

#include <stdint.h>

typedef struct ps_watch_options {
  const char *wanted; /**< "lab", "lab@9090"; NULL = all gateways */
  int64_t interval_ms;
  int json; /**< a line for each change, instead of a view */
} ps_watch_options;

/** Shows the gateways until the user ends it. Standard output must be a terminal, but for JSON. Returns an exit code.
 */
int ps_watch(const ps_watch_options *options);

#endif
