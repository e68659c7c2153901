/* SPDX-License-Identifier: MIT */
/**
 * @file ini_text.h
 * Values written so that a profiles file gives them back as they were: with the quotes and escapes they need.
 */
#ifndef PS_INI_TEXT_H
#define PS_INI_TEXT_H

#include "base/text.h"

/**
 * Adds `key = text`, with the comment after it if there is one. Returns 0, or PENSTOCK_E_INVALID if no file can hold
 * the text: it has control characters, or is no UTF-8.
 */
int ps_ini_add_key(ps_text *out, const char *key, const char *text, const char *comment);
/** The same for the items of a LIST or ENV (NULL-terminated), one a line if there are several; the comment before. */
int ps_ini_add_list(ps_text *out, const char *key, const char *const *items, const char *comment);
/** Adds a comment on a line of its own, in one line whatever it holds. */
void ps_ini_add_comment(ps_text *out, const char *text);

#endif
