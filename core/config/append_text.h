/* SPDX-License-Identifier: MIT */
/**
 * @file append_text.h
 * The part of append.h that is the same on all systems. Private to core/config.
 */
#ifndef PS_APPEND_TEXT_H
#define PS_APPEND_TEXT_H

#include "base/text.h"

/** Adds `text` to what is in a file, behind an empty line, with line ends as the file has them. */
void ps_append_text(ps_text *bytes, const char *text);

#endif
