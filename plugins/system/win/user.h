/* SPDX-License-Identifier: MIT */
/**
 * @file user.h
 * Whom a process runs as. Thread: any.
 */
#ifndef PS_USER_H
#define PS_USER_H

#include <windows.h>

/** Room for a user, which ps_user_of() fills in. */
typedef union ps_user {
  TOKEN_USER user;
  BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
} ps_user;

/**
 * The user of a process, by a handle that may be asked for its token (PROCESS_QUERY_LIMITED_INFORMATION). Returns the
 * SID, which is in `room`, or NULL if it cannot be known.
 */
PSID ps_user_of(HANDLE process, ps_user *room);

#endif
