/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/expand.h"

const char *ps_home(void) {
  const char *home = getenv("HOME");
  if (home && home[0] == '/') {
    return home;
  }
  const struct passwd *user = getpwuid(geteuid());
  return user && user->pw_dir[0] ? user->pw_dir : NULL;
}

int ps_expand_home(const char *path, ps_text *out, ps_text *fault) {
  ps_text_adds(out, "");
  if (path[0] != '~') {
    ps_text_adds(out, path);
    return 0;
  }
  size_t size = strcspn(path + 1, "/");
  const char *home = NULL;
  if (size == 0) {
    home = ps_home();
  } else {
    char *name = strndup(path + 1, size);
    const struct passwd *user = name ? getpwnam(name) : NULL;
    free(name);
    home = user ? user->pw_dir : NULL;
  }
  if (!home) {
    ps_text_addf(fault, size == 0 ? "`~`: your home folder is not known; set HOME" : "`~%.*s`: there is no such user",
                 (int)size, path + 1);
    return PENSTOCK_E_INVALID;
  }
  ps_text_adds(out, home);
  ps_text_adds(out, path + 1 + size);
  return 0;
}
