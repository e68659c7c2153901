/* SPDX-License-Identifier: MIT */
/**
 * @file expand.h
 * `${NAME}`, `${NAME:-otherwise}`, `$$`, `~` and `~user` in the texts of profiles.
 */
#ifndef PS_EXPAND_H
#define PS_EXPAND_H

#include "base/text.h"

/**
 * Adds `text` with the environment filled in. Only `${` begins an expansion and only `$$` is changed beside
 * it: any other `$` stays. Returns 0, or PENSTOCK_E_INVALID and `fault` says what is wrong (a variable that
 * is not set, a brace that is not closed).
 */
int ps_expand_environment(const char *text, ps_text *out, ps_text *fault);
/** Length of the expansion that starts at `text`, up to its closing brace; 0 if none starts there. */
size_t ps_expand_span(const char *text);
/** A name after a `$` without braces, which is no expansion though it may be meant as one; NULL if there is none. */
const char *ps_expand_bare_name(const char *text);
/** Adds `path` with a leading `~` or `~user` filled in. Returns 0, or PENSTOCK_E_INVALID with `fault`. */
int ps_expand_home(const char *path, ps_text *out, ps_text *fault);
/** The user's home folder; borrowed, NULL if it is not known. */
const char *ps_home(void);

#endif
