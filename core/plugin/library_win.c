/* SPDX-License-Identifier: MIT */
#include "plugin/library.h"

#include <stdlib.h>

#include "win/reason.h"
#include "win/wide.h"

/* What a plugin needs is looked for beside it, beside the program, which loads its own from there anyway, and in the
 * system's folder: not along PATH or in the current folder. */
void *ps_library_open(const char *path, penstock_error *error) {
  wchar_t *wide = ps_wide(path);
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  const DWORD where =
      LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_APPLICATION_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32;
  HMODULE library = wide ? LoadLibraryExW(wide, NULL, where) : NULL;
  if (!library) {
    char text[160];
    ps_reason(GetLastError(), text, sizeof(text));
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.240s: cannot be loaded: %s", path, text);
    penstock_next(error, "put the libraries that it needs beside it, or get a build of it for this system");
  }
  free(wide);
  return library;
}

const void *ps_library_symbol(void *library, const char *name) {
  return (const void *)GetProcAddress(library, name);
}

void ps_library_close(void *library) {
  (void)FreeLibrary(library);
}
