/* SPDX-License-Identifier: MIT */
/**
 * @file request.h
 * A line of a client, read against the table of what can be asked. Whatever the line holds, the outcome is a request
 * that is right in all of its parts, or a fault that names the part that is not.
 * Thread: any.
 */
#ifndef PS_CONTROL_REQUEST_H
#define PS_CONTROL_REQUEST_H

#include "control/control.h"

/** A request. Free it with ps_control_request_clear, also after a fault. */
typedef struct ps_control_request {
  const ps_control_kind *kind; /**< NULL after a fault */
  json_t *id;                  /**< what the client calls it: a text, a number, or NULL; borrowed from `fields` */
  json_t *fields;              /**< the whole object; NULL if it could not be read */
} ps_control_request;

/** Reads a line without its end. Returns 0, or a negative code with `fault`; `id` may be known then too. */
int ps_control_request_read(ps_control_request *request, const ps_control_table *table, const char *line, size_t size,
                            ps_control_fault *fault);
void ps_control_request_clear(ps_control_request *request);

#endif
