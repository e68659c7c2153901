/* SPDX-License-Identifier: MIT */
/**
 * @file acl.h
 * Who else may do something with a file or folder, by its access list. "Else" is whoever is not this user, the system,
 * or an administrator, who can do everything anyway.
 *
 * Thread: any.
 */
#ifndef PS_ACL_H
#define PS_ACL_H

#include <stddef.h>

/**
 * May anybody else do any of `rights` (FILE_READ_DATA, WRITE_DAC …) with the open file or folder, or is somebody else
 * its owner? 1 with their name in `who`; 0; or -1 if it cannot be known (the handle lacks READ_CONTROL).
 */
int ps_acl_others(HANDLE file, ACCESS_MASK rights, char *who, size_t size);

/**
 * Writes the command that leaves a file to this user alone, as any shell takes it: the user is named, since %USERNAME%
 * is nothing to PowerShell.
 */
void ps_acl_write_remedy(char *text, size_t size, const char *path);

#endif
