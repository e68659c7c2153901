/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "common/ssh/hostkey/known_hosts.h"

int known_hosts_judge(FILE *stream, const char *file, penstock_error *error) {
  (void)stream;
  (void)file;
  (void)error;
  return 0;
}

int known_hosts_open(const char *file) {
  return open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}
