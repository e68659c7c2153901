/* SPDX-License-Identifier: MIT */
/** @file stats.h Counters for tests: what has been served, and how the last connections ended. Thread-safe. */
#ifndef DEMO_STATS_H
#define DEMO_STATS_H

#include <jansson.h>

#include "conn.h"

/** A connection begins; returns its number, from 1. */
uint64_t stats_begin(void);
/** The connection's `kind` is known now: it counts as being served. */
void stats_serving(const demo_conn *conn);
/** A connection has ended. */
void stats_end(const demo_conn *conn);
/** Requests that have been served, milliseconds since the start. */
uint64_t stats_requests(void);
uint64_t stats_uptime_ms(void);
/** All of it as a new JSON object. */
json_t *stats_json(void);

#endif
