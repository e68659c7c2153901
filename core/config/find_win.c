/* SPDX-License-Identifier: MIT */
/* Where the profiles file is: %APPDATA%\penstock\penstock.ini, or %PROGRAMDATA%'s for all users. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"

#define NAME "penstock/penstock.ini"

/* Anything but "there is no such file" is for the reader to tell of. */
static int is_there(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* A path below the folder that a variable names, to free(); NULL if it is not set. */
static char *below(const char *variable) {
  const char *folder = getenv(variable);
  ps_text path = {0};
  ps_text unused = {0};
  if (folder && folder[0]) {
    (void)ps_expand_home(folder, &path, &unused);
    ps_text_adds(&path, "/" NAME);
  }
  free(unused.data);
  return path.data;
}

/* As given on the command line: with `/` between its parts. */
static char *as_given(const char *path) {
  ps_text text = {0};
  ps_text unused = {0};
  int result = path[0] == '~' ? 0 : ps_expand_home(path, &text, &unused);
  free(unused.data);
  if (result != 0 || !text.data) {
    free(text.data);
    return strdup(path);
  }
  return text.data;
}

char *ps_config_find_or_new(const char *given) {
  ps_problems problems = {0};
  char *found = ps_config_find(given, &problems);
  ps_problems_clear(&problems);
  return found ? found : below("APPDATA");
}

char *ps_config_find(const char *given, ps_problems *problems) {
  static const char *const variables[] = {"APPDATA", "PROGRAMDATA"};
  const char *named = given ? given : getenv("PENSTOCK_CONFIG");
  if (given || (named && named[0])) {
    return as_given(named);
  }
  ps_text looked = {0};
  for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
    char *path = below(variables[i]);
    if (path && is_there(path)) {
      free(looked.data);
      return path;
    }
    if (path) {
      ps_text_addf(&looked, "%s%s", looked.size ? ", " : "", path);
    }
    free(path);
  }
  ps_problems_add(problems, 1, "penstock.ini", 0,
                  "there is no profiles file: looked for %s; make one, or name one with --config FILE or "
                  "PENSTOCK_CONFIG",
                  looked.data ? looked.data : "");
  free(looked.data);
  return NULL;
}
