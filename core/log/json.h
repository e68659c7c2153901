/* SPDX-License-Identifier: MIT */
/**
 * @file json.h
 * Texts, times and errors as JSON, the same in every output of ours.
 */
#ifndef PS_LOG_JSON_H
#define PS_LOG_JSON_H

#include <jansson.h>
#include <penstock/sdk.h>
#include <time.h>

/** Text as JSON; NULL becomes null, bytes that are no UTF-8 are escaped. A new reference. */
json_t *ps_json_text(const char *text);
/** A span of time in milliseconds, exact to the microsecond. A new reference. */
json_t *ps_json_ms(uint64_t nanoseconds);
/** A moment as the log writes it ("2026-01-31T12:00:00.123Z"). A new reference. */
json_t *ps_json_time(const struct timespec *when);
/** {"leg","class","what","next","detail"}; null for NULL. A new reference. */
json_t *ps_json_error(const penstock_error *error);
/**
 * `object` as one line without its end, and drops the reference. To free(); NULL if out of memory, or for NULL. ASCII
 * only: a terminal that shows it is not driven by what is in it.
 */
char *ps_json_dump(json_t *object);

#endif
