/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_config_files.h
 * Files of ssh_config: which there are, and may they be believed? Thread: any; reading may block.
 */
#ifndef TRANSPORTS_SSH_CONFIG_FILES_H
#define TRANSPORTS_SSH_CONFIG_FILES_H

#include "common/ssh/config/ssh_config_words.h"

/**
 * Reads a file. `must_be_safe`: refuse one that belongs to somebody else or that others may write, as ssh does.
 * Returns 0 with `*text` (NUL-terminated, `*size` bytes, freed by the caller); PENSTOCK_E_NOT_FOUND if it is not
 * there; or another negative code with `error` (class CONFIG).
 */
int ssh_config_file_read(const char *path, int must_be_safe, char **text, size_t *size, penstock_error *error);

/** Adds the files that match `pattern` to `paths`, in the order of their names; it is no error if there are none.
 * Returns 0, or a negative code with `error`. */
int ssh_config_files_find(const char *pattern, ssh_words *paths, penstock_error *error);

#endif
