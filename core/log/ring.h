/* SPDX-License-Identifier: MIT */
/**
 * @file ring.h
 * The last records of the log, kept in memory for whoever asks a gateway that runs; the oldest go when there are too
 * many. Thread-safe.
 */
#ifndef PS_LOG_RING_H
#define PS_LOG_RING_H

#include <stddef.h>
#include <stdint.h>

#include "log/line.h"

/** So many records are kept at most, and so many bytes of them. */
#define PS_LOG_RING_RECORDS 500
#define PS_LOG_RING_BYTES   ((size_t)128 * 1024)

/** Keeps a record, a long text of it in part. */
void ps_log_ring_add(const ps_log_record *record);
/** The number of the last record; 0 = there was none. Numbers grow by one. */
uint64_t ps_log_ring_last(void);
/**
 * Shows the records that are kept, from number `after` + 1 on and `most` at most, the last ones, in their order. `each`
 * must not log.
 */
void ps_log_ring_each(uint64_t after, size_t most,
                      void (*each)(void *context, uint64_t number, const ps_log_record *record), void *context);
/** From now on `news` is called after each record, by the thread that logs; it must not log, nor wait. NULL: no more,
 * and none is running when this returns. */
void ps_log_ring_follow(void (*news)(void *context), void *context);

#endif
