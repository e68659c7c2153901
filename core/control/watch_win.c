/* SPDX-License-Identifier: MIT */
#include "control/watch.h"

#include <stdlib.h>

/* A loop polls sockets, not pipes. A look costs next to nothing, and there are some only while somebody sits before it.
 */
#define LOOK_EVERY_MS 50

struct ps_control_watch {
  uv_timer_t timer;
  HANDLE pipe;
  ps_control_ready *ready;
  void *context;
};

static void on_look(uv_timer_t *timer) {
  const ps_control_watch *watch = timer->data;
  DWORD there = 0;
  if (!PeekNamedPipe(watch->pipe, NULL, 0, NULL, &there, NULL) || there > 0) {
    watch->ready(watch->context, 0);
  }
}

ps_control_watch *ps_control_watch_open(uv_loop_t *loop, penstock_socket socket, ps_control_ready *ready,
                                        void *context) {
  ps_control_watch *watch = malloc(sizeof(*watch));
  if (!watch) {
    return NULL;
  }
  watch->pipe = (HANDLE)socket;
  watch->ready = ready;
  watch->context = context;
  (void)uv_timer_init(loop, &watch->timer);
  watch->timer.data = watch;
  (void)uv_timer_start(&watch->timer, on_look, LOOK_EVERY_MS, LOOK_EVERY_MS);
  return watch;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

void ps_control_watch_close(ps_control_watch *watch) {
  uv_close((uv_handle_t *)&watch->timer, on_closed);
}
