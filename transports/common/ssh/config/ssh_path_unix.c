/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/ssh/config/ssh_path.h"

const char ssh_path_separators[3] = "/";

int ssh_path_is_whole(const char *path) {
  return path[0] == '/';
}

int ssh_path_is_null(const char *path) {
  return strcmp(path, "/dev/null") == 0;
}

const char ssh_path_system_folder[] = "/etc/ssh";
const int ssh_path_system_is_open = 0;
const char ssh_path_global_known_hosts[] = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2";

char *ssh_path_rooted(const char *path) {
  return strdup(path);
}
