/* SPDX-License-Identifier: MIT */
#include "net/netwatch.h"

ps_netwatch *ps_netwatch_start(uv_loop_t *loop, void (*changed)(void *context), void *context) {
  (void)loop;
  (void)changed;
  (void)context;
  return NULL;
}

void ps_netwatch_stop(ps_netwatch *watch) {
  (void)watch;
}
