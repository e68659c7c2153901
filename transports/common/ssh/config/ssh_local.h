/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_local.h
 * Who and where we are, as ssh sees it: the user database's entry of this user (not $USER and $HOME) and the name of
 * this machine. Thread: any; looking up may block (a directory service).
 */
#ifndef TRANSPORTS_SSH_LOCAL_H
#define TRANSPORTS_SSH_LOCAL_H

#include <penstock/sdk.h>

/** This user on this machine. Plain memory; nothing is to be freed. */
typedef struct ssh_local {
  char user[256];
  char home[1024];
  char machine[256];
  char id[24]; /**< the user's number */
} ssh_local;

/** Looks it up. Returns 0, or a negative code with `error` if this user has no entry. */
int ssh_local_get(ssh_local *local, penstock_error *error);

/**
 * `path` with `~` or `~name` at its start replaced by that user's home, as ssh does. The caller frees it. NULL with
 * `error` if there is no such user, or no memory.
 */
char *ssh_local_path(const ssh_local *local, const char *path, penstock_error *error);

#endif
