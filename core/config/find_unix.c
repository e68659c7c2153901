/* SPDX-License-Identifier: MIT */
/* Where the profiles file is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"

#define NAME "penstock/penstock.ini"

/* Anything but "there is no such file" is for the reader to tell of. */
static int is_there(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* The user's own place. Adds nothing if there is none. */
static void add_user_path(ps_text *path) {
  const char *folder = getenv("XDG_CONFIG_HOME");
  if (folder && folder[0] == '/') {
    ps_text_addf(path, "%s/" NAME, folder);
  } else if (ps_home()) {
    ps_text_addf(path, "%s/.config/" NAME, ps_home());
  }
}

char *ps_config_find_or_new(const char *given) {
  ps_problems problems = {0};
  char *found = ps_config_find(given, &problems);
  ps_problems_clear(&problems);
  if (!found) {
    ps_text own = {0};
    add_user_path(&own);
    found = own.data;
  }
  return found;
}

char *ps_config_find(const char *given, ps_problems *problems) {
  static const char *const system_paths[] = {PENSTOCK_SYSCONFDIR "/" NAME, "/etc/" NAME};
  const char *named = given ? given : getenv("PENSTOCK_CONFIG");
  if (given || (named && named[0])) {
    return strdup(named);
  }
  ps_text looked = {0};
  ps_text own = {0};
  add_user_path(&own);
  if (own.data) {
    if (is_there(own.data)) {
      return own.data;
    }
    ps_text_adds(&looked, own.data);
    free(own.data);
  }
  for (size_t i = 0; i < sizeof(system_paths) / sizeof(system_paths[0]); i++) {
    if (i > 0 && strcmp(system_paths[i], system_paths[0]) == 0) {
      continue;
    }
    if (is_there(system_paths[i])) {
      free(looked.data);
      return strdup(system_paths[i]);
    }
    ps_text_addf(&looked, "%s%s", looked.size ? ", " : "", system_paths[i]);
  }
  ps_problems_add(problems, 1, "penstock.ini", 0,
                  "there is no profiles file: looked for %s; make one, or name one with --config FILE or "
                  "$PENSTOCK_CONFIG",
                  looked.data ? looked.data : "");
  free(looked.data);
  return NULL;
}
