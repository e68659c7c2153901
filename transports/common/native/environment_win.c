/* SPDX-License-Identifier: MIT */
#include "common/native/environment_win.h"

#include <stdlib.h>

#include "win/environment.h"
#include "win/wide.h"

/* A value of our own environment in UTF-8, to free(); NULL if it is not set. */
static char *own_variable(const wchar_t *name) {
  DWORD size = GetEnvironmentVariableW(name, NULL, 0);
  wchar_t *wide = size > 0 ? calloc(size, sizeof(*wide)) : NULL;
  char *text = wide && GetEnvironmentVariableW(name, wide, size) < size ? ps_narrow(wide) : NULL;
  free(wide);
  return text;
}

/* What the folder needs, what the profile says, and `more`: of two that set the same, the later counts. */
static wchar_t *join(char *const *own, char *const *env, const char *more) {
  size_t count = 0;
  while (env[count]) {
    count++;
  }
  const char **list = calloc(LAYOUT_ENTRIES + count + 2, sizeof(*list));
  wchar_t *block = NULL;
  size_t used = 0;
  if (list) {
    for (size_t i = 0; own[i]; i++) {
      list[used++] = own[i];
    }
    for (size_t i = 0; i < count; i++) {
      list[used++] = env[i];
    }
    list[used] = more;
    block = ps_environment(list);
  }
  free(list);
  return block;
}

wchar_t *environment_make(const solver_settings *settings, const layout *found, const char *more) {
  char *own[LAYOUT_ENTRIES + 1] = {NULL};
  char *path = own_variable(L"PATH");
  char *python_path = own_variable(L"PYTHONPATH");
  wchar_t *block = NULL;
  if (!found || layout_environment(found, path, python_path, own) == 0) {
    block = join(own, settings->env, more);
  }
  for (size_t i = 0; own[i]; i++) {
    free(own[i]);
  }
  free(path);
  free(python_path);
  return block;
}

wchar_t *environment_path(const wchar_t *environment) {
  static const wchar_t name[] = L"PATH=";
  for (const wchar_t *entry = environment; *entry; entry += wcslen(entry) + 1) {
    if (_wcsnicmp(entry, name, wcslen(name)) == 0) {
      return _wcsdup(entry + wcslen(name));
    }
  }
  return _wcsdup(L"");
}
