/* SPDX-License-Identifier: MIT */
#include "base/path.h"

const char ps_path_list_separator[2] = ";";

static int is_separator(char c) {
  return c == '/' || c == '\\';
}

static int is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `C:/…`, `/…` of the current drive, and `//server/…`. A path such as `C:file` counts from that drive's own folder: it
 * is left as it is. */
int ps_path_is_absolute(const char *path) {
  return is_separator(path[0]) || (is_letter(path[0]) && path[1] == ':');
}
