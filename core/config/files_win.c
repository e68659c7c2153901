/* SPDX-License-Identifier: MIT */
#include "config/files.h"

#include <stdlib.h>
#include <string.h>

#include "win/acl.h"
#include "win/wide.h"

void ps_config_warn_of_readers(int fd, const char *path, ps_problems *problems) {
  char who[128];
  char remedy[1024];
  if (ps_acl_others((HANDLE)_get_osfhandle(fd), FILE_READ_DATA, who, sizeof(who)) == 1) {
    ps_acl_write_remedy(remedy, sizeof(remedy), path);
    ps_problems_add(problems, 0, path, 0, "others can read this file (%s): %s", who, remedy);
  }
}

static int by_name(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The last part of the pattern alone may hold `*` and `?`, as Windows has it. */
int ps_config_each_match(const char *pattern, void (*each)(void *context, const char *path), void *context) {
  const char *slash = strrchr(pattern, '/');
  size_t folder = slash ? (size_t)(slash - pattern) + 1 : 0;
  wchar_t *wide = ps_wide(pattern);
  WIN32_FIND_DATAW found;
  char **paths = NULL;
  size_t count = 0;
  HANDLE search = wide ? FindFirstFileW(wide, &found) : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  free(wide);
  if (search == INVALID_HANDLE_VALUE) {
    errno = EACCES;
    return reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND ? PENSTOCK_E_NOT_FOUND : PENSTOCK_E_FAILED;
  }
  do {
    char *name = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? NULL : ps_narrow(found.cFileName);
    char **more = name ? realloc(paths, (count + 1) * sizeof(*paths)) : NULL;
    char *path = more ? malloc(folder + strlen(name) + 1) : NULL;
    paths = more ? more : paths;
    if (path) {
      memcpy(path, pattern, folder);
      memcpy(path + folder, name, strlen(name) + 1);
      paths[count++] = path;
    }
    free(name);
  } while (FindNextFileW(search, &found));
  (void)FindClose(search);
  if (count > 1) {
    qsort(paths, count, sizeof(*paths), by_name);
  }
  for (size_t i = 0; i < count; i++) {
    each(context, paths[i]);
    free(paths[i]);
  }
  free(paths);
  return count > 0 ? 0 : PENSTOCK_E_NOT_FOUND;
}
