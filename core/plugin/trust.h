/* SPDX-License-Identifier: MIT */
/**
 * @file trust.h
 * May this file decide what we do? Ownership and mode checks, shared by plugins and profile files.
 */
#ifndef PS_TRUST_H
#define PS_TRUST_H

#include <penstock/sdk.h>

/**
 * Refuses a file that anyone but root or the user could write, directly or by way of one of its folders
 * (links resolved; a sticky folder such as /tmp is fine as an ancestor, not as the folder itself unless the
 * file is owned by root or the user). `error` names the path, its owner and mode, and the command that mends it.
 */
int ps_trust_check_code(const char *path, penstock_error *error);

#endif
