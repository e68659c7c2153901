/* SPDX-License-Identifier: MIT */
/**
 * @file trust_unix.h
 * The verdict over one file, folder or link, apart from where its facts come from.
 */
#ifndef PS_TRUST_UNIX_H
#define PS_TRUST_UNIX_H

#include <penstock/sdk.h>
#include <sys/stat.h>

/**
 * Judges `facts` (as lstat or fstat gave them) of the regular file, folder or symbolic link at `path` for
 * `user`. Returns 0 or PENSTOCK_E_FAILED with `error`. Access lists need no look of their own: the kernel
 * shows the most that an access list lets others do as the group's bits.
 */
int ps_trust_judge(const char *path, const struct stat *facts, uid_t user, penstock_error *error);

#endif
