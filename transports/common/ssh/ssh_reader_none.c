/* SPDX-License-Identifier: MIT */
/* Without PENSTOCK_SSH_FAST_READ libssh reads its socket itself, 4 KiB at a time. */
#include "common/ssh/ssh_reader.h"

size_t ssh_reader_size(void) {
  return 0;
}

void ssh_reader_attach(int fd) {
  (void)fd;
}

void ssh_reader_detach(int fd) {
  (void)fd;
}

size_t ssh_reader_pending(int fd) {
  (void)fd;
  return 0;
}

int ssh_reader_is_behind(int fd) {
  (void)fd;
  return 0;
}

int ssh_reader_lead(int fd, struct ssh_session_struct *session) {
  (void)fd;
  (void)session;
  return 0;
}

size_t ssh_reader_read(int fd) {
  (void)fd;
  return 0;
}

size_t ssh_reader_give(int fd, struct ssh_session_struct *session) {
  (void)fd;
  (void)session;
  return 0;
}
