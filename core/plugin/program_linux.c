/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "plugin/library.h"

char *ps_program_folder(void) {
  char path[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (length <= 0) {
    return NULL;
  }
  path[length] = '\0';
  char *slash = strrchr(path, '/');
  if (!slash) {
    return NULL;
  }
  slash[slash == path] = '\0';
  return strdup(path);
}
