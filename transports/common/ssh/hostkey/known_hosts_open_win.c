/* SPDX-License-Identifier: MIT */
/* The C library's O_APPEND looks for the end and then writes there; the right to append alone lets the system do both
 * at once. Who may use the file follows from the folder, which is the user's own. */
#include <ctype.h>
#include <stdlib.h>

#include "common/ssh/hostkey/known_hosts.h"
#include "win/acl.h"
#include "win/wide.h"

static int number_of(DWORD reason) {
  switch (reason) {
  case ERROR_FILE_NOT_FOUND:
  case ERROR_PATH_NOT_FOUND:
  case ERROR_INVALID_NAME:
    return ENOENT;
  case ERROR_ACCESS_DENIED:
  case ERROR_SHARING_VIOLATION:
    return EACCES;
  case ERROR_DISK_FULL:
    return ENOSPC;
  default:
    return EIO;
  }
}

/* Is it below %PROGRAMDATA%? */
static int is_for_all(const char *file) {
  const char *folder = getenv("ProgramData");
  size_t at = 0;
  while (folder && folder[at] && file[at]) {
    int is_slash = strchr("/\\", folder[at]) && strchr("/\\", file[at]);
    if (!is_slash && tolower((unsigned char)folder[at]) != tolower((unsigned char)file[at])) {
      return 0;
    }
    at++;
  }
  return at > 0 && !folder[at] && strchr("/\\", file[at]);
}

int known_hosts_judge(FILE *stream, const char *file, penstock_error *error) {
  char who[128];
  const ACCESS_MASK rights = FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER;
  int result = is_for_all(file) ? ps_acl_others((HANDLE)_get_osfhandle(fileno(stream)), rights, who, sizeof(who)) : 0;
  if (result == 0) {
    return 0;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
                      result > 0 ? "%s: refused: %s may write this file, or owns it"
                                 : "%s: refused: who may write this file %s",
                      file, who);
  penstock_next(error,
                "have an administrator own it and its folder, and take the right away: icacls \"%s\" "
                "/inheritance:d /remove \"%s\"",
                file, who);
  return PENSTOCK_E_FAILED;
}

int known_hosts_open(const char *file) {
  wchar_t *wide = ps_wide(file);
  HANDLE handle = wide ? CreateFileW(wide, FILE_READ_DATA | FILE_READ_ATTRIBUTES | FILE_APPEND_DATA | SYNCHRONIZE,
                                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_ALWAYS,
                                     FILE_ATTRIBUTE_NORMAL, NULL)
                       : INVALID_HANDLE_VALUE;
  if (handle == INVALID_HANDLE_VALUE) {
    errno = wide ? number_of(GetLastError()) : EINVAL;
    free(wide);
    return -1;
  }
  free(wide);
  int fd = _open_osfhandle((intptr_t)handle, _O_RDWR | _O_BINARY | _O_NOINHERIT);
  if (fd < 0) {
    (void)CloseHandle(handle);
  }
  return fd;
}
