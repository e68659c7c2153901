/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void ps_term_prepare(void) {
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  (void)sigaction(SIGPIPE, &ignore, NULL);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      /* The lowest free number is this one, since those below are open. */
      (void)open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    }
  }
}

int ps_term_system_is_utf8(void) {
  return 0;
}

int ps_term_is_terminal(ps_stream stream) {
  return isatty((int)stream);
}

int ps_term_is_one_place(void) {
  struct stat out;
  struct stat err;
  return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
         out.st_ino == err.st_ino;
}

size_t ps_term_columns(ps_stream stream) {
  struct winsize size;
  if (ioctl((int)stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

int ps_term_write(ps_stream stream, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    ssize_t count = write((int)stream, at, size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) { /* whoever shares the descriptor has made it so */
      struct pollfd wanted = {.fd = (int)stream, .events = POLLOUT};
      (void)poll(&wanted, 1, -1);
      continue;
    }
    if (count < 0) {
      return -1;
    }
    at += count;
    size -= (size_t)count;
  }
  return 0;
}
