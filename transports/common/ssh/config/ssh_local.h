/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_local.h
 * Who and where we are, as ssh sees it: the user database's entry of this user (not $USER and $HOME), on Windows the
 * account and the folder of its profile, and the name of this machine. Thread: any; looking up may block (a directory
 * service).
 */
#ifndef TRANSPORTS_SSH_LOCAL_H
#define TRANSPORTS_SSH_LOCAL_H

#include <penstock/sdk.h>

/** This user on this machine. Plain memory; nothing is to be freed. */
typedef struct ssh_local {
  char user[256];
  char home[1024];
  char machine[256];
  char id[24]; /**< the user's number; on Windows 0, as ssh.exe has it */
} ssh_local;

/** Looks it up. Returns 0, or a negative code with `error` if this user has no entry. */
int ssh_local_get(ssh_local *local, penstock_error *error);

/**
 * `path` with `~` or `~name` at its start replaced by that user's home, as ssh does; on Windows `__PROGRAMDATA__` by
 * its folder, too. The caller frees it. NULL with
 * `error` if there is no such user, or no memory.
 */
char *ssh_local_path(const ssh_local *local, const char *path, penstock_error *error);

/**
 * `path` with `~/` at its start replaced by the user's home as a profile means it: $HOME if that is set, on Windows the
 * folder of the user's profile. The caller frees it; NULL: out of memory.
 */
char *ssh_expand_home(const char *path);

/* --- of the system: ssh_local_unix.c, ssh_local_win.c ---------------------------------------------- */

/** The home of the user `name`. Returns 0, or a negative code if there is no such user, or their home is not known. */
int ssh_local_home_of(const ssh_local *local, const char *name, char *home, size_t size);
/** The home that ssh_expand_home puts in. Returns 0, or a negative code if it does not fit. */
int ssh_local_own_home(char *home, size_t size);

#endif
