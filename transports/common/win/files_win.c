/* SPDX-License-Identifier: MIT */
#include "common/win/files_win.h"

#include <stdio.h>
#include <stdlib.h>

#include "win/wide.h"

/* What is whole and begins with this may be longer than 260 characters. */
static const wchar_t *prefix_of(const wchar_t *whole) {
  if (wcsncmp(whole, L"\\\\?\\", 4) == 0 || wcsncmp(whole, L"\\\\.\\", 4) == 0) {
    return L"";
  }
  return whole[0] == L'\\' && whole[1] == L'\\' ? L"\\\\?\\UNC" : L"\\\\?\\";
}

wchar_t *files_wide_path(const char *path) {
  wchar_t *wide = ps_wide(path);
  DWORD room = wide ? GetFullPathNameW(wide, 0, NULL, NULL) : 0;
  wchar_t *whole = room > 0 ? calloc(room, sizeof(*whole)) : NULL;
  wchar_t *result = NULL;
  if (whole && GetFullPathNameW(wide, room, whole, NULL) < room) {
    const wchar_t *prefix = room > MAX_PATH - 16 ? prefix_of(whole) : L"";
    const wchar_t *rest = wcscmp(prefix, L"\\\\?\\UNC") == 0 ? whole + 1 : whole;
    size_t size = wcslen(prefix) + wcslen(rest) + 1;
    result = calloc(size, sizeof(*result));
    if (result) {
      memcpy(result, prefix, wcslen(prefix) * sizeof(*result));
      memcpy(result + wcslen(prefix), rest, (wcslen(rest) + 1) * sizeof(*result));
    }
  }
  free(wide);
  free(whole);
  return result;
}

int files_exists(void *context, const char *path, int folder) {
  wchar_t *wide = files_wide_path(path);
  DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
  (void)context;
  free(wide);
  return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY) == !folder;
}

char *files_read_end(const char *path, size_t most, size_t *size) {
  wchar_t *wide = files_wide_path(path);
  LARGE_INTEGER length = {0};
  LARGE_INTEGER begin = {0};
  DWORD count = 0;
  *size = 0;
  HANDLE file = wide ? CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                   OPEN_EXISTING, 0, NULL)
                     : INVALID_HANDLE_VALUE;
  free(wide);
  if (file == INVALID_HANDLE_VALUE) {
    return NULL;
  }
  char *text = malloc(most + 1);
  int is_read = text && GetFileSizeEx(file, &length);
  if (is_read) {
    begin.QuadPart = length.QuadPart > (LONGLONG)most ? length.QuadPart - (LONGLONG)most : 0;
    is_read = SetFilePointerEx(file, begin, NULL, FILE_BEGIN) && ReadFile(file, text, (DWORD)most, &count, NULL);
  }
  (void)CloseHandle(file);
  if (!is_read) {
    free(text);
    return NULL;
  }
  text[count] = '\0';
  *size = count;
  return text;
}

DWORD files_write(const char *path, const char *text, size_t size) {
  size_t room = strlen(path) + 5;
  char *made = malloc(room);
  if (!made) {
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  (void)snprintf(made, room, "%s.new", path);
  wchar_t *wide = files_wide_path(path);
  wchar_t *wide_made = files_wide_path(made);
  DWORD reason = 0;
  DWORD count = 0;
  HANDLE file =
      wide && wide_made ? CreateFileW(wide_made, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL) : INVALID_HANDLE_VALUE;
  if (file == INVALID_HANDLE_VALUE) {
    reason = GetLastError();
  } else {
    int is_written = WriteFile(file, text, (DWORD)size, &count, NULL) && count == size;
    reason = is_written ? 0 : GetLastError();
    (void)CloseHandle(file);
    if (is_written && !MoveFileExW(wide_made, wide, MOVEFILE_REPLACE_EXISTING)) {
      reason = GetLastError();
    }
    if (reason) {
      (void)DeleteFileW(wide_made);
    }
  }
  free(made);
  free(wide);
  free(wide_made);
  return reason;
}

/* For appending alone, so that nobody's words are written over. */
HANDLE files_open_log(const char *path) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  wchar_t *wide = files_wide_path(path);
  HANDLE file =
      wide ? CreateFileW(wide, FILE_APPEND_DATA | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                         &inherited, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL)
           : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  free(wide);
  SetLastError(reason);
  return file;
}
