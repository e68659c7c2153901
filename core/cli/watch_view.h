/* SPDX-License-Identifier: MIT */
/**
 * @file watch_view.h
 * What `penstock status --watch` shows: gateways in, lines out. Nothing here knows of a terminal.
 */
#ifndef PS_WATCH_VIEW_H
#define PS_WATCH_VIEW_H

#include <jansson.h>

#include "cli/spark.h"

/** One gateway. Borrowed. */
typedef struct ps_watch_row {
  const char *label;           /**< "lab@9090" */
  const json_t *status;        /**< the last that it answered; NULL if it has not yet */
  const penstock_error *error; /**< it does not answer now; NULL: it does */
  int has_ended;
  uint64_t ended_ms; /**< … so long ago */
  const ps_spark *up;
  const ps_spark *down;
} ps_watch_row;

/** Where it is shown. */
typedef struct ps_watch_look {
  size_t columns;
  size_t lines;
  int unicode;        /**< else ASCII alone */
  const char *wanted; /**< the profile that is watched; NULL: all are */
} ps_watch_look;

/**
 * Adds the lines of the page, with marks: as much of each gateway as there is room for, none wider or more than there
 * is room for. The last line has no end.
 */
void ps_watch_render(ps_text *page, const ps_watch_row *rows, size_t count, const ps_watch_look *look);
/** Adds one line about a gateway, without its end, that changes only when something does: no times. */
void ps_watch_brief(ps_text *line, const ps_watch_row *row);

#endif
