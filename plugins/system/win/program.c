/* SPDX-License-Identifier: MIT */
#include "win/program.h"

#include <stdlib.h>

#include <windows.h>

#define LONGEST 32768 /* of paths, and of a variable */

static int is_whole(const wchar_t *folder) {
  return (folder[0] && folder[1] == L':' && (folder[2] == L'\\' || folder[2] == L'/')) ||
         (folder[0] == L'\\' && folder[1] == L'\\');
}

/* Leaves only those that begin at a root. */
static void keep_whole(wchar_t *list) {
  wchar_t *end = list;
  for (const wchar_t *at = list; *at;) {
    size_t length = wcscspn(at, L";");
    const wchar_t *next = at + length + (at[length] == L';');
    if (is_whole(at)) {
      if (end > list) {
        *end++ = L';';
      }
      wmemmove(end, at, length);
      end += length;
    }
    at = next;
  }
  *end = L'\0';
}

wchar_t *ps_program_search(const wchar_t *folders, const wchar_t *name, const wchar_t *ending) {
  wchar_t *list = _wcsdup(folders);
  wchar_t *path = calloc(LONGEST, sizeof(*path));
  DWORD length = 0;
  if (list && path) {
    keep_whole(list);
    if (list[0] || wcspbrk(name, L"\\/:")) {
      length = SearchPathW(list, name, ending, LONGEST, path, NULL);
    }
  }
  free(list);
  if (length == 0 || length >= LONGEST) {
    free(path);
    return NULL;
  }
  return path;
}

wchar_t *ps_program_in_path(const wchar_t *name) {
  wchar_t *folders = calloc(LONGEST, sizeof(*folders));
  wchar_t *path = NULL;
  if (folders && GetEnvironmentVariableW(L"PATH", folders, LONGEST) < LONGEST) {
    path = ps_program_search(folders, name, L".exe");
  }
  free(folders);
  return path;
}

/* The system drops dots and spaces at the end of a name. */
int ps_program_is_batch(const wchar_t *path) {
  size_t length = wcslen(path);
  while (length > 0 && (path[length - 1] == L'.' || path[length - 1] == L' ')) {
    length--;
  }
  return length > 4 && (_wcsnicmp(path + length - 4, L".bat", 4) == 0 || _wcsnicmp(path + length - 4, L".cmd", 4) == 0);
}
