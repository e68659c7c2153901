/* SPDX-License-Identifier: MIT */
/**
 * @file trust.h
 * May this file decide what we do? Ownership and mode checks, shared by plugins and profile files.
 *
 * Thread: any.
 */
#ifndef PS_TRUST_H
#define PS_TRUST_H

#include <penstock/sdk.h>

/**
 * Refuses a file that anyone but root or the user could write or exchange: the file itself, each folder on
 * the way to it and each link that is followed must be owned by root or the user and be writable by nobody
 * else. (In a sticky folder such as /tmp others may add files but not exchange ours, so it may be written by
 * all.) `error` (leg LOCAL, class CONFIG) names the path, its owner and mode, and the command that mends it.
 * Returns 0 or a negative code; PENSTOCK_E_NOT_FOUND if there is no such file.
 */
int ps_trust_check_code(const char *path, penstock_error *error);

/**
 * The same, and keeps the file open: what is examined next through `*file` is the file that was checked.
 * `*resolved` is its absolute path with every link followed; it can only be changed by root or the user.
 * The caller closes *file and frees *resolved. On failure they are -1 and NULL.
 */
int ps_trust_open_code(const char *path, int *file, char **resolved, penstock_error *error);

#endif
