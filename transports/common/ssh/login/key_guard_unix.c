/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/login/key_guard.h"

int key_guard_is_open(const char *path, char *problem, size_t problem_size, char *remedy, size_t remedy_size) {
  struct stat info;
  if (stat(path, &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 077) == 0) {
    return 0;
  }
  (void)snprintf(problem, problem_size, "can be read by others (mode %04o): it is not used",
                 (unsigned)(info.st_mode & 07777));
  (void)snprintf(remedy, remedy_size, "chmod 600 '%s'", path);
  return 1;
}
