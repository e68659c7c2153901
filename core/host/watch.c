/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "host/services.h"

struct penstock_watch {
  ps_list node;
  ps_host *host;
  uv_poll_t poll;
  penstock_socket socket;
  uint32_t events; /* asked for */
  int armed;       /* libuv polls it */
  int failing;     /* the last event was an error */
  void (*callback)(void *context, uint32_t events);
  void *context;
};

static void on_poll(uv_poll_t *poll, int status, int ready);

static void arm(penstock_watch *watch) {
  int events = (watch->events & PENSTOCK_EVENT_READ ? UV_READABLE : 0) |
               (watch->events & PENSTOCK_EVENT_WRITE ? UV_WRITABLE : 0);
  /* Fails only if another handle of libuv's holds the descriptor, which find() has ruled out. */
  (void)uv_poll_start(&watch->poll, events, on_poll);
  watch->armed = 1;
}

/*
 * libuv stops polling a socket whose error flag is up, and so must we at some point: it would be reported in
 * every turn. It may also be gone with the first read. So it is polled on after the first report, and
 * only a second one in a row turns it off until the watch is set anew.
 */
static void on_poll(uv_poll_t *poll, int status, int ready) {
  penstock_watch *watch = poll->data;
  uint32_t events = 0;
  if (status < 0) {
    /* With what was asked for: who only looks at those finds the error as it reads or writes. */
    events = PENSTOCK_EVENT_ERROR | watch->events;
    watch->armed = 0;
    if (!watch->failing) {
      arm(watch);
    }
  } else {
    events = (ready & UV_READABLE ? (uint32_t)PENSTOCK_EVENT_READ : 0) |
             (ready & UV_WRITABLE ? (uint32_t)PENSTOCK_EVENT_WRITE : 0);
  }
  watch->failing = status < 0;
  watch->callback(watch->context, events);
}

/* libuv knows only those that it polls, and a second handle for a descriptor trips its asserts. */
static int find(const ps_host *host, penstock_socket socket) {
  for (const ps_list *node = host->watches.next; node != &host->watches; node = node->next) {
    if (PS_CONTAINER(node, penstock_watch, node)->socket == socket) {
      return 1;
    }
  }
  return 0;
}

penstock_watch *ps_watch_start(const penstock_host *table, penstock_socket socket, uint32_t events,
                               void (*callback)(void *context, uint32_t events), void *context) {
  ps_host *host = ps_host_of(table);
  if (host->closing || !callback || socket == PENSTOCK_SOCKET_NONE || find(host, socket)) {
    return NULL;
  }
  penstock_watch *watch = calloc(1, sizeof(*watch));
  if (!watch) {
    return NULL;
  }
  if (uv_poll_init_socket(host->loop, &watch->poll, (uv_os_sock_t)socket) != 0) {
    free(watch);
    return NULL;
  }
  watch->host = host;
  watch->poll.data = watch;
  watch->socket = socket;
  watch->events = events & (PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE);
  watch->callback = callback;
  watch->context = context;
  ps_list_append(&host->watches, &watch->node);
  ps_host_retain(host);
  arm(watch);
  return watch;
}

void ps_watch_set(const penstock_host *table, penstock_watch *watch, uint32_t events) {
  (void)table;
  events &= PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE;
  if (!watch || uv_is_closing((uv_handle_t *)&watch->poll) || (watch->armed && watch->events == events)) {
    return;
  }
  watch->events = events;
  arm(watch);
}

static void on_closed(uv_handle_t *handle) {
  penstock_watch *watch = handle->data;
  ps_host *host = watch->host;
  free(watch);
  ps_host_release(host);
}

void ps_watch_stop(const penstock_host *table, penstock_watch *watch) {
  (void)table;
  if (!watch || uv_is_closing((uv_handle_t *)&watch->poll)) {
    return;
  }
  ps_list_remove(&watch->node);
  /* Takes the descriptor out of the poll set before it returns: the caller may close it at once. */
  uv_close((uv_handle_t *)&watch->poll, on_closed);
}

void ps_watches_close(ps_host *host) {
  while (!ps_list_empty(&host->watches)) {
    ps_watch_stop(&host->table, PS_CONTAINER(host->watches.next, penstock_watch, node));
  }
}
