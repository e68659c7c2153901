/* SPDX-License-Identifier: MIT */
#include "base/path.h"

const char ps_path_list_separator[2] = ":";

int ps_path_is_absolute(const char *path) {
  return path[0] == '/';
}
