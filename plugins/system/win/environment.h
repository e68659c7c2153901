/* SPDX-License-Identifier: MIT */
/**
 * @file environment.h
 * The environment of a program that is started. Thread: any.
 */
#ifndef PS_ENVIRONMENT_H
#define PS_ENVIRONMENT_H

#include <wchar.h>

/**
 * Ours, with entries NAME=value in place of what sets the same variables, as CreateProcessW() wants it. `added` ends
 * with NULL, and may be NULL. Case does not count in names; of two entries that set the same variable it is the later
 * that counts. To free(); NULL if an entry is no UTF-8, or memory is out.
 */
wchar_t *ps_environment(const char *const *added);

#endif
