/* SPDX-License-Identifier: MIT */
#include "control/watch.h"

#include <stdlib.h>

struct ps_control_watch {
  uv_poll_t poll;
  ps_control_ready *ready;
  void *context;
};

static void on_readable(uv_poll_t *poll, int status, int events) {
  ps_control_watch *watch = poll->data;
  (void)events;
  watch->ready(watch->context, status);
}

ps_control_watch *ps_control_watch_open(uv_loop_t *loop, penstock_socket socket, ps_control_ready *ready,
                                        void *context) {
  ps_control_watch *watch = malloc(sizeof(*watch));
  if (!watch || uv_poll_init(loop, &watch->poll, (int)socket) != 0) {
    free(watch);
    return NULL;
  }
  watch->ready = ready;
  watch->context = context;
  watch->poll.data = watch;
  (void)uv_poll_start(&watch->poll, UV_READABLE, on_readable);
  return watch;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

void ps_control_watch_close(ps_control_watch *watch) {
  uv_close((uv_handle_t *)&watch->poll, on_closed);
}
