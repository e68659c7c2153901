/* SPDX-License-Identifier: MIT */
/**
 * @file mdoc.h
 * Text as mdoc(7), the language of manual pages, has it: what is special to roff means just itself.
 */
#ifndef PS_MDOC_H
#define PS_MDOC_H

#include "base/text.h"

/** Adds a line of running text; a `quoted` part is put in quotes. Blanks at its ends are left out, an empty one too. */
void ps_mdoc_line(ps_text *page, const char *text, size_t size);
/** The same for an example, where blanks and quotes stay as they are. */
void ps_mdoc_literal(ps_text *page, const char *text, size_t size);
/** Adds paragraphs: lines of text, empty ones between them; indented lines are examples. */
void ps_mdoc_paragraphs(ps_text *page, const char *text);
/** Adds a sentence that may lack its full stop. */
void ps_mdoc_sentence(ps_text *page, const char *text);
/** Adds a blank and one argument of a macro, which calls no other macro whatever it is. */
void ps_mdoc_argument(ps_text *page, const char *text);

#endif
