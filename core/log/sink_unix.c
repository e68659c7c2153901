/* SPDX-License-Identifier: MIT */
#include "log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <penstock/base.h>

/* A reader of our standard error that has stalled must not stall the gateway for longer than this. */
#define WRITE_PATIENCE_MS 100

int ps_log_sink_open(const char *path) {
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

int ps_log_sink_write(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t count = write(fd, data, size);
    if (count > 0) {
      data += count;
      size -= (size_t)count;
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      struct pollfd entry = {.fd = fd, .events = POLLOUT};
      if (poll(&entry, 1, WRITE_PATIENCE_MS) == 0) {
        return PENSTOCK_E_TIMEOUT;
      }
    } else if (count == 0 || errno != EINTR) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

int ps_log_sink_shows_colour(int fd) {
  const char *term = getenv("TERM");
  return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

void ps_log_sink_move_errors(int before, int fd) {
  struct stat log;
  struct stat errors;
  if (fstat(before, &log) == 0 && fstat(STDERR_FILENO, &errors) == 0 && log.st_dev == errors.st_dev &&
      log.st_ino == errors.st_ino) {
    (void)dup2(fd, STDERR_FILENO);
  }
}
