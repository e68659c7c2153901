/* SPDX-License-Identifier: MIT */
#include "config/files.h"

#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

void ps_config_warn_of_readers(int fd, const char *path, ps_problems *problems) {
  struct stat facts;
  if (fstat(fd, &facts) == 0 && facts.st_uid == geteuid() && (facts.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    ps_problems_add(problems, 0, path, 0, "others can read this file (mode %04o): chmod 600 %s",
                    (unsigned)facts.st_mode & 07777U, path);
  }
}

int ps_config_each_match(const char *pattern, void (*each)(void *context, const char *path), void *context) {
  glob_t found;
  int result = glob(pattern, GLOB_ERR, NULL, &found);
  int reason = errno;
  for (size_t i = 0; result == 0 && i < found.gl_pathc; i++) {
    each(context, found.gl_pathv[i]);
  }
  globfree(&found);
  errno = reason;
  return result == 0 ? 0 : result == GLOB_NOMATCH ? PENSTOCK_E_NOT_FOUND : PENSTOCK_E_FAILED;
}
