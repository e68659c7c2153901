/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "common/shell_words.h"

static const char *variable_here(void *context, const char *name) {
  (void)context;
  return getenv(name);
}

static int exists_here(void *context, const char *path) {
  (void)context;
  return access(path, F_OK) == 0;
}

const shell_words_world shell_words_here = {.variable = variable_here, .exists = exists_here};
