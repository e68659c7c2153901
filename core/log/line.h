/* SPDX-License-Identifier: MIT */
/**
 * @file line.h
 * One record of the log as text or JSON. For log.c and its tests.
 */
#ifndef PS_LOG_LINE_H
#define PS_LOG_LINE_H

#include <jansson.h>
#include <time.h>

#include "base/text.h"

/** What a line says. All borrowed. */
typedef struct ps_log_record {
  struct timespec when;        /**< UTC */
  uint32_t level;              /**< enum penstock_log_level */
  const char *source;          /**< who speaks; NULL = the gateway */
  const char *text;            /**< what is said; for an error its `what` */
  const penstock_error *error; /**< where leg, class, next and detail come from; may be NULL */
} ps_log_record;

/** Adds a moment: "2026-01-31T12:00:00.123Z". */
void ps_log_line_time(ps_text *line, const struct timespec *when);
/** Adds what the record says, without moment and level, as ps_log_line_text does. */
void ps_log_line_body(ps_text *line, const ps_log_record *record);
/** Adds the record as text with its final new line; next step and detail follow as indented lines. */
void ps_log_line_text(ps_text *line, const ps_log_record *record, int colour);
/** The record as an object: "ts", "level", "source", "msg", and of an error "leg", "class", "next", "detail". A new
 * reference. */
json_t *ps_log_record_json(const ps_log_record *record);
/** Adds the record as one JSON object in ASCII, and a new line. */
void ps_log_line_json(ps_text *line, const ps_log_record *record);

#endif
