/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "host/services.h"

struct penstock_timer {
  ps_list node;
  ps_host *host;
  union {
    uv_handle_t any;
    uv_timer_t timer;
    uv_idle_t idle; /* a delay of 0, once */
  } handle;
  int once;
  void (*callback)(void *context);
  void *context;
};

static void fire(penstock_timer *timer) {
  timer->callback(timer->context);
  /* It may have been stopped in there; its memory lives until libuv's close callback. */
  if (timer->once) {
    ps_timer_stop(&timer->host->table, timer);
  }
}

static void on_timer(uv_timer_t *handle) {
  fire(handle->data);
}

static void on_idle(uv_idle_t *handle) {
  fire(handle->data);
}

penstock_timer *ps_timer_start(const penstock_host *table, uint64_t delay_ms, uint64_t repeat_ms,
                               void (*callback)(void *context), void *context) {
  ps_host *host = ps_host_of(table);
  penstock_timer *timer = host->closing || !callback ? NULL : calloc(1, sizeof(*timer));
  if (!timer) {
    return NULL;
  }
  timer->host = host;
  timer->once = repeat_ms == 0;
  timer->callback = callback;
  timer->context = context;
  if (delay_ms == 0 && timer->once) {
    /* libuv runs a timer of 0 ms that a timer starts within the same pass: one that starts the next would
       keep the loop from its sockets. An idle handle comes once a turn. */
    (void)uv_idle_init(host->loop, &timer->handle.idle);
    (void)uv_idle_start(&timer->handle.idle, on_idle);
  } else {
    /* The loop's clock stands still while connect() blocks; a delay counts from now. */
    uv_update_time(host->loop);
    (void)uv_timer_init(host->loop, &timer->handle.timer);
    (void)uv_timer_start(&timer->handle.timer, on_timer, delay_ms > 0 ? delay_ms : 1, repeat_ms);
  }
  timer->handle.any.data = timer;
  ps_list_append(&host->timers, &timer->node);
  ps_host_retain(host);
  return timer;
}

static void on_closed(uv_handle_t *handle) {
  penstock_timer *timer = handle->data;
  ps_host *host = timer->host;
  free(timer);
  ps_host_release(host);
}

void ps_timer_stop(const penstock_host *table, penstock_timer *timer) {
  (void)table;
  if (!timer || uv_is_closing(&timer->handle.any)) {
    return;
  }
  ps_list_remove(&timer->node);
  uv_close(&timer->handle.any, on_closed);
}

void ps_timers_close(ps_host *host) {
  while (!ps_list_empty(&host->timers)) {
    ps_timer_stop(&host->table, PS_CONTAINER(host->timers.next, penstock_timer, node));
  }
}
