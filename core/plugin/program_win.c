/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "plugin/library.h"
#include "win/wide.h"

#define LONGEST 32768

char *ps_program_folder(void) {
  wchar_t *wide = malloc(LONGEST * sizeof(*wide));
  DWORD length = wide ? GetModuleFileNameW(NULL, wide, LONGEST) : 0;
  char *path = length > 0 && length < LONGEST ? ps_narrow_path(wide) : NULL;
  char *slash = path ? strrchr(path, '/') : NULL;
  free(wide);
  if (slash) {
    *slash = '\0';
  }
  return path;
}
