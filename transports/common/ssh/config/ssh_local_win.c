/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_local.h"

#include <stdlib.h>

#include <userenv.h>

/* To UTF-8, with `/` between the parts of a path. Returns 0, or a negative code if it does not fit. */
static int keep(char *to, size_t size, const wchar_t *text, int is_path) {
  if (WideCharToMultiByte(CP_UTF8, 0, text, -1, to, (int)size, NULL, NULL) == 0) {
    to[0] = '\0';
    return PENSTOCK_E_FAILED;
  }
  for (char *at = to; *at && is_path; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  return 0;
}

static int fail(penstock_error *error, const char *what) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "%s cannot be had: error %lu of Windows",
                       what, GetLastError());
}

/* Of the account that we run as, whatever the environment says. */
static int find_home(char *home, size_t size) {
  wchar_t path[1024];
  DWORD count = sizeof(path) / sizeof(path[0]);
  HANDLE token = NULL;
  int result = PENSTOCK_E_FAILED;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    result = GetUserProfileDirectoryW(token, path, &count) ? keep(home, size, path, 1) : PENSTOCK_E_FAILED;
    (void)CloseHandle(token);
  }
  return result;
}

int ssh_local_get(ssh_local *local, penstock_error *error) {
  wchar_t text[256];
  DWORD count = sizeof(text) / sizeof(text[0]);
  memset(local, 0, sizeof(*local));
  if (!GetUserNameW(text, &count) || keep(local->user, sizeof(local->user), text, 0)) {
    return fail(error, "this user's name");
  }
  count = sizeof(text) / sizeof(text[0]);
  if (!GetComputerNameExW(ComputerNameDnsHostname, text, &count) ||
      keep(local->machine, sizeof(local->machine), text, 0)) {
    return fail(error, "this machine's name");
  }
  if (find_home(local->home, sizeof(local->home))) {
    return fail(error, "the folder of this user's profile");
  }
  (void)snprintf(local->id, sizeof(local->id), "0");
  return 0;
}

int ssh_local_home_of(const ssh_local *local, const char *name, char *home, size_t size) {
  /* Of other users Windows does not tell. */
  int is_own = _stricmp(name, local->user) == 0;
  return is_own && (size_t)snprintf(home, size, "%s", local->home) < size ? 0 : PENSTOCK_E_NOT_FOUND;
}

int ssh_local_own_home(char *home, size_t size) {
  return find_home(home, size);
}
