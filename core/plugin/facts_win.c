/* SPDX-License-Identifier: MIT */
#include "plugin/facts.h"

#include <stdlib.h>

#include "win/wide.h"

static int take(HANDLE file, ps_file_facts *facts) {
  BY_HANDLE_FILE_INFORMATION found;
  if (!GetFileInformationByHandle(file, &found)) {
    errno = EIO;
    return -1;
  }
  uint64_t changed = ((uint64_t)found.ftLastWriteTime.dwHighDateTime << 32) | found.ftLastWriteTime.dwLowDateTime;
  *facts = (ps_file_facts){.device = found.dwVolumeSerialNumber,
                           .number = ((uint64_t)found.nFileIndexHigh << 32) | found.nFileIndexLow,
                           .size = ((uint64_t)found.nFileSizeHigh << 32) | found.nFileSizeLow,
                           .changed_s = (int64_t)(changed / 10000000),
                           .changed_ns = (int64_t)(changed % 10000000 * 100)};
  return 0;
}

int ps_file_facts_of(int file, ps_file_facts *facts) {
  return take((HANDLE)_get_osfhandle(file), facts);
}

int ps_file_facts_at(const char *path, ps_file_facts *facts) {
  wchar_t *wide = ps_wide(path);
  HANDLE file = wide ? CreateFileW(wide, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                   NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL)
                     : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  free(wide);
  if (file == INVALID_HANDLE_VALUE) {
    errno = reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND ? ENOENT : EACCES;
    return -1;
  }
  int result = take(file, facts);
  (void)CloseHandle(file);
  return result;
}
