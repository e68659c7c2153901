/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_path.h
 * What differs between systems in how the paths of ssh_config and of profiles are written. Thread: any.
 */
#ifndef TRANSPORTS_SSH_PATH_H
#define TRANSPORTS_SSH_PATH_H

/** What may stand between the parts of a path: "/", or "/\\". */
extern const char ssh_path_separators[3];

/** Does a path begin at a root (`/…`; on Windows `C:\…`, `\\server\…` and `__PROGRAMDATA__\…` too)? */
int ssh_path_is_whole(const char *path);
/** Is it the file that keeps nothing: /dev/null; on Windows NUL, too? */
int ssh_path_is_null(const char *path);
/** The folder of ssh's settings for all users, and what ssh -G prints of its known_hosts files. On Windows they begin
 * with `__PROGRAMDATA__`, as ssh.exe has it. */
extern const char ssh_path_system_folder[];
extern const char ssh_path_global_known_hosts[];
/** May anybody make that folder, so that a file there counts only if none but administrators can have written it? */
extern const int ssh_path_system_is_open;
/** A copy of `path`, on Windows with `__PROGRAMDATA__` at its start replaced by that folder, and /dev/null by NUL. The
 * caller frees it; NULL: out of memory. */
char *ssh_path_rooted(const char *path);

#endif
