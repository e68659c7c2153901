/* SPDX-License-Identifier: MIT */
#include "cli/keyboard.h"

#include <io.h>

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  ps_keyboard *self = handle->data;
  (void)suggested;
  *buffer = uv_buf_init(self->room, sizeof(self->room));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  ps_keyboard *self = stream->data;
  if (count > 0) {
    self->heard(self->context, buffer->base, (long)count);
  } else if (count < 0) {
    (void)uv_read_stop(stream);
    self->heard(self->context, NULL, -1);
  }
}

/* In raw mode Ctrl-C is a key like others, not an event. */
void ps_keyboard_open(ps_keyboard *self, uv_loop_t *loop, ps_keyboard_heard *heard, void *context) {
  if (uv_guess_handle(_fileno(stdin)) != UV_TTY || uv_tty_init(loop, &self->handle.tty, _fileno(stdin), 0) != 0) {
    return;
  }
  self->heard = heard;
  self->context = context;
  self->is_open = 1;
  self->handle.tty.data = self;
  (void)uv_tty_set_mode(&self->handle.tty, UV_TTY_MODE_RAW);
  (void)uv_read_start((uv_stream_t *)&self->handle.tty, on_room, on_read);
}

void ps_keyboard_close(ps_keyboard *self) {
  if (!self->is_open) {
    return;
  }
  self->is_open = 0;
  (void)uv_read_stop((uv_stream_t *)&self->handle.tty);
  (void)uv_tty_set_mode(&self->handle.tty, UV_TTY_MODE_NORMAL);
  uv_close(&self->handle.any, NULL);
}
