/* SPDX-License-Identifier: MIT */
#include "win/user.h"

PSID ps_user_of(HANDLE process, ps_user *room) {
  DWORD size = sizeof(*room);
  HANDLE token = NULL;
  if (!OpenProcessToken(process, TOKEN_QUERY, &token)) {
    return NULL;
  }
  BOOL is_known = GetTokenInformation(token, TokenUser, room, sizeof(*room), &size);
  (void)CloseHandle(token);
  return is_known ? room->user.User.Sid : NULL;
}
