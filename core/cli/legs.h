/* SPDX-License-Identifier: MIT */
/**
 * @file legs.h
 * One line for each leg of the way: `up` and `check --connect` show it alike.
 */
#ifndef PS_LEGS_H
#define PS_LEGS_H

#include <jansson.h>
#include <penstock/sdk.h>

/** Prints "  tcp         1.2 ms  gpu01:22", or that it failed; what failed is told by whoever has the outcome. */
void ps_legs_line(uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error);
/** {"event":"leg","leg":"tcp","ms":1.2,"text":…,"error":…}. A new reference. */
json_t *ps_legs_json(uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error);

#endif
