/* SPDX-License-Identifier: MIT */
/**
 * @file wide.h
 * Text for the system: UTF-16, and paths as it has them. Thread: any.
 */
#ifndef PS_WIDE_H
#define PS_WIDE_H

#include <wchar.h>

/** UTF-8 to UTF-16, to free(); NULL if it is no UTF-8, or memory is out. */
wchar_t *ps_wide(const char *text);
/** UTF-16 to UTF-8, to free(); NULL if memory is out. */
char *ps_narrow(const wchar_t *text);
/** A path with `/` between its parts, and without the prefix of long ones; to free(). */
char *ps_narrow_path(const wchar_t *path);
/** Makes the folders above a path that are missing. Of one that cannot be made, opening the file will tell. */
void ps_wide_make_folders(wchar_t *path);

#endif
