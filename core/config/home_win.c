/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "config/expand.h"

const char *ps_home(void) {
  const char *home = getenv("USERPROFILE");
  return home && home[0] ? home : NULL;
}

/* Adds a path with `/` between its parts, as all have them inside of the program. */
static void add_path(ps_text *out, const char *path) {
  for (; *path; path++) {
    ps_text_add(out, *path == '\\' ? "/" : path, 1);
  }
}

int ps_expand_home(const char *path, ps_text *out, ps_text *fault) {
  ps_text_adds(out, "");
  if (path[0] != '~') {
    add_path(out, path);
    return 0;
  }
  size_t size = strcspn(path + 1, "/\\");
  if (size > 0) {
    ps_text_addf(fault, "`~%.*s`: the folders of other users are not known here; write the whole path", (int)size,
                 path + 1);
    return PENSTOCK_E_INVALID;
  }
  const char *home = ps_home();
  if (!home) {
    ps_text_adds(fault, "`~`: your home folder is not known; set USERPROFILE");
    return PENSTOCK_E_INVALID;
  }
  add_path(out, home);
  add_path(out, path + 1);
  return 0;
}
