/* SPDX-License-Identifier: MIT */
/**
 * @file json_out.h
 * Machine-readable output: one JSON object a line.
 */
#ifndef PS_JSON_OUT_H
#define PS_JSON_OUT_H

#include "config/config.h"
#include "log/json.h"

/** {"event":"problem","file","line","severity","text"}. A new reference. */
json_t *ps_json_problem(const ps_problem *problem);
/** Writes `object` as a line to standard output and drops the reference. NULL (out of memory) writes nothing. */
void ps_json_line(json_t *object);

#endif
