/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/shell_words.h"

static const char *variable_here(void *context, const char *name) {
  (void)context;
  const char *value = getenv(name);
  return value || strcmp(name, "HOME") != 0 ? value : getenv("USERPROFILE");
}

static int exists_here(void *context, const char *path) {
  (void)context;
  return _access(path, 0) == 0;
}

const shell_words_world shell_words_here = {.variable = variable_here, .exists = exists_here, .has_backslashes = 1};
