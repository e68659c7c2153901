/* SPDX-License-Identifier: MIT */
/* The C library's O_APPEND looks for the end and then writes there; the right to append alone lets the system do both
 * at once. Who may use the file follows from the folder, which is the user's own. */
#include <stdlib.h>

#include "common/ssh/hostkey/known_hosts.h"
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
