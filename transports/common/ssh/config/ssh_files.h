/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_files.h
 * File names in what `ssh -G` prints. Thread: any.
 */
#ifndef TRANSPORTS_SSH_FILES_H
#define TRANSPORTS_SSH_FILES_H

#include "common/ssh/config/ssh_settings.h"

/**
 * Takes a line of several file names apart and adds them to `files`; "none" adds nothing. ssh prints the names with a
 * blank between and quotes nothing, so "/a b" may be one name or two. It is read so: at each place, the longest run of
 * words that is the name of an existing file; if there is none, all up to the next word that begins with a slash. After
 * a whole path, only another whole path begins a name: nothing is looked for in the working directory because a name
 * has a blank in it.
 * Returns 0, or a negative code if there is no memory.
 */
int ssh_files_split(ssh_texts *files, const char *line);

#endif
