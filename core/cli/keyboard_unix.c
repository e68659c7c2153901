/* SPDX-License-Identifier: MIT */
#include "cli/keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The terminal by its name; in a container it may have none, but is the controlling one. A file of our own, so that to
 * make it non-blocking does not concern the shell's. */
static int open_terminal(void) {
  char name[128];
  int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  int fd = ttyname_r(STDIN_FILENO, name, sizeof(name)) == 0 ? open(name, flags) : -1;
  return fd >= 0 ? fd : open("/dev/tty", flags);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  ps_keyboard *self = poll->data;
  uv_os_fd_t fd = -1;
  (void)events;
  (void)uv_fileno((const uv_handle_t *)poll, &fd);
  ssize_t count = status < 0 ? -1 : read(fd, self->room, sizeof(self->room));
  if (count > 0) {
    self->heard(self->context, self->room, (long)count);
  } else if (status < 0 || count == 0 || (errno != EINTR && errno != EAGAIN)) {
    (void)uv_poll_stop(poll);
    self->heard(self->context, NULL, -1);
  }
}

void ps_keyboard_open(ps_keyboard *self, uv_loop_t *loop, ps_keyboard_heard *heard, void *context) {
  int fd = isatty(STDIN_FILENO) ? open_terminal() : -1;
  if (fd < 0 || uv_poll_init(loop, &self->handle.poll, fd) != 0) {
    if (fd >= 0) {
      (void)close(fd);
    }
    return;
  }
  self->heard = heard;
  self->context = context;
  self->is_open = 1;
  self->handle.poll.data = self;
  (void)uv_poll_start(&self->handle.poll, UV_READABLE, on_readable);
}

void ps_keyboard_close(ps_keyboard *self) {
  uv_os_fd_t fd = -1;
  if (!self->is_open) {
    return;
  }
  self->is_open = 0;
  (void)uv_fileno(&self->handle.any, &fd);
  (void)uv_poll_stop(&self->handle.poll);
  uv_close(&self->handle.any, NULL);
  (void)close(fd);
}
