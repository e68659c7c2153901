/* SPDX-License-Identifier: MIT */
/**
 * @file files.h
 * What the reader of profiles files asks of the system about files. Thread: any.
 */
#ifndef PS_CONFIG_FILES_H
#define PS_CONFIG_FILES_H

#include "config/config.h"

/** Warns if the open file may be read by others, and is the user's own to change. */
void ps_config_warn_of_readers(int fd, const char *path, ps_problems *problems);
/** Calls `each` for the files that a pattern (`*`, `?`, `[…]`) stands for, sorted. Returns 0; PENSTOCK_E_NOT_FOUND if
 * there are none; PENSTOCK_E_FAILED with errno if it could not be looked. */
int ps_config_each_match(const char *pattern, void (*each)(void *context, const char *path), void *context);

#endif
