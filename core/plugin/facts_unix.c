/* SPDX-License-Identifier: MIT */
#include "plugin/facts.h"

#include <sys/stat.h>

static void take(const struct stat *from, ps_file_facts *facts) {
  *facts = (ps_file_facts){.device = (uint64_t)from->st_dev,
                           .number = (uint64_t)from->st_ino,
                           .size = (uint64_t)from->st_size,
                           .changed_s = (int64_t)from->st_mtim.tv_sec,
                           .changed_ns = (int64_t)from->st_mtim.tv_nsec};
}

int ps_file_facts_of(int file, ps_file_facts *facts) {
  struct stat found;
  if (fstat(file, &found) != 0) {
    return -1;
  }
  take(&found, facts);
  return 0;
}

int ps_file_facts_at(const char *path, ps_file_facts *facts) {
  struct stat found;
  if (stat(path, &found) != 0 && lstat(path, &found) != 0) {
    return -1;
  }
  take(&found, facts);
  return 0;
}
