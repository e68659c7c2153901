/* SPDX-License-Identifier: MIT */
#include "host/child_unix.h"

int ps_child_close_others(posix_spawn_file_actions_t *actions) {
  return posix_spawn_file_actions_addclosefrom_np(actions, 3);
}
