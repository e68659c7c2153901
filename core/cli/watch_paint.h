/* SPDX-License-Identifier: MIT */
/**
 * @file watch_paint.h
 * From one page to the next on a terminal with as few bytes as that takes. Pages are lines with marks, the last without
 * an end; nothing here writes.
 */
#ifndef PS_WATCH_PAINT_H
#define PS_WATCH_PAINT_H

#include "base/text.h"

/** Adds what makes a terminal that shows `before` show `after`. `before` NULL: what it shows is not known. */
void ps_watch_paint(ps_text *out, const char *before, const char *after);

#endif
