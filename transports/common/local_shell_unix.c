/* SPDX-License-Identifier: MIT */
#include "common/local_shell.h"

#include <unistd.h>

local_shell *local_shell_find(const char *option, const char *origin, penstock_error *error) {
  const char *const words[] = {option && option[0] ? option : "/bin/sh", NULL};
  if (words[0] == option && (option[0] != '/' || access(option, X_OK) != 0)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%sshell = %.200s: %s",
                        origin ? origin : "", origin ? ": " : "", option,
                        option[0] != '/' ? "it is no absolute path" : "there is no such program");
    penstock_next(error, "Set it to the path of a POSIX shell, or take it out: /bin/sh is used then");
    return NULL;
  }
  local_shell *shell = local_shell_make(LOCAL_SHELL_NATIVE, words);
  if (!shell) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  return shell;
}
