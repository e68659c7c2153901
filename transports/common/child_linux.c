/* SPDX-License-Identifier: MIT */
#include "common/child_unix.h"

#include <unistd.h>

int child_close_others(posix_spawn_file_actions_t *actions) {
  return posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}
