/* SPDX-License-Identifier: MIT */
/**
 * @file json_out.h
 * Machine-readable output: one JSON object a line.
 */
#ifndef PS_JSON_OUT_H
#define PS_JSON_OUT_H

#include <jansson.h>
#include <penstock/sdk.h>

#include "config/config.h"

/** Text as JSON; NULL becomes null, bytes that are no UTF-8 are escaped. A new reference. */
json_t *ps_json_text(const char *text);
/** A span of time in milliseconds, exact to the microsecond. A new reference. */
json_t *ps_json_ms(uint64_t nanoseconds);
/** {"leg","class","what","next","detail"}; null for NULL. A new reference. */
json_t *ps_json_error(const penstock_error *error);
/** {"event":"problem","file","line","severity","text"}. A new reference. */
json_t *ps_json_problem(const ps_problem *problem);
/** Writes `object` as a line to standard output and drops the reference. NULL (out of memory) writes nothing. */
void ps_json_line(json_t *object);

#endif
