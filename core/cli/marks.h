/* SPDX-License-Identifier: MIT */
/**
 * @file marks.h
 * Styles inside of text that is not on its way to a terminal yet: a mark is a control character, which text that is
 * safe to show never has.
 */
#ifndef PS_MARKS_H
#define PS_MARKS_H

#include "base/text.h"
#include "cli/term.h"

#define PS_MARK_STRONG "\001"
#define PS_MARK_GOOD   "\002"
#define PS_MARK_WARN   "\003"
#define PS_MARK_BAD    "\004"
#define PS_MARK_FAINT  "\005"
#define PS_MARK_END    "\006"

/** Is the byte a mark? If so, *style is what it begins. */
int ps_mark_style(char byte, ps_style *style);
/** Adds `size` bytes of text as a terminal's stream gets them: with its codes for the marks, or without any. */
void ps_marks_apply(ps_text *out, ps_stream stream, const char *text, size_t size);

#endif
