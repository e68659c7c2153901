/* SPDX-License-Identifier: MIT */
#include "gateway/metrics.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "gateway/metrics_place.h"
#include "log/log.h"
#include "net/acceptor.h"

/* Whoever collects figures asks now and then, and once. */
#define CLIENTS_MOST 8
#define REQUEST_MOST 4096
#define PATIENCE_MS  5000
#define TYPE_OF_TEXT "text/plain; version=0.0.4; charset=utf-8"

typedef struct visitor {
  ps_list node; /* in ps_metrics::visitors */
  ps_metrics *metrics;
  penstock_socket socket;
  uv_poll_t poll;
  uv_timer_t deadline;
  int handles;    /* that are to be closed */
  int waits;      /* for the figures */
  int is_closing; /* it is freed once its handles are closed */
  size_t size;
  char request[REQUEST_MOST];
} visitor;

struct ps_metrics {
  ps_acceptor acceptor;
  ps_desk *desk;
  const char *profile;
  ps_list visitors;
  size_t count;
  int is_asking;          /* the desk has the question of all who wait, and will answer */
  ps_metrics_place place; /* of a UNIX socket */
};

/* --- a visitor ---------------------------------------------------------------------------------- */

static void free_if_done(visitor *self) {
  if (self->is_closing && self->handles == 0) {
    free(self);
  }
}

static void on_closed(uv_handle_t *handle) {
  visitor *self = handle->data;
  self->handles--;
  if (self->handles == 0) {
    ps_net_close(self->socket);
  }
  free_if_done(self);
}

static void leave(visitor *self) {
  if (!self->is_closing) {
    self->is_closing = 1;
    self->metrics->count--;
    ps_list_remove(&self->node);
    uv_close((uv_handle_t *)&self->poll, on_closed);
    uv_close((uv_handle_t *)&self->deadline, on_closed);
  }
}

static void on_deadline(uv_timer_t *timer) {
  leave(timer->data);
}

static void on_rest(uv_poll_t *poll, int status, int events) {
  visitor *self = poll->data;
  (void)events;
  long count = status < 0 ? PS_NET_BROKEN : ps_net_read(self->socket, self->request, sizeof(self->request));
  if (count == 0 || count == PS_NET_BROKEN) {
    leave(self);
  }
}

/* The answer is less than what a socket takes at once. Its reader ends the connection, for what it has sent beyond the
 * request would else turn our end into a reset. */
static void answer(visitor *self, const char *status, const char *type, const char *body) {
  ps_text text = {0};
  ps_text_addf(&text, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
               type, strlen(body));
  ps_text_adds(&text, body);
  if (text.data && !text.no_memory) {
    (void)ps_net_write(self->socket, text.data, text.size);
  }
  free(text.data);
  ps_net_shutdown_write(self->socket);
  (void)uv_poll_start(&self->poll, UV_READABLE, on_rest);
}

/* For all who wait: whoever asks often costs the lanes one question at a time. */
static void answer_all(ps_metrics *metrics, const char *status, const char *type, const char *body) {
  metrics->is_asking = 0;
  for (ps_list *node = metrics->visitors.next; node != &metrics->visitors; node = node->next) {
    visitor *self = PS_CONTAINER(node, visitor, node);
    if (self->waits) {
      self->waits = 0;
      answer(self, status, type, body);
    }
  }
}

static void on_figures(void *context, const ps_desk_figures *figures) {
  ps_text text = {0};
  ps_metrics_text(&text, figures);
  if (text.data && !text.no_memory) {
    answer_all(context, "200 OK", TYPE_OF_TEXT, text.data);
  } else {
    answer_all(context, "503 Service Unavailable", "text/plain", "out of memory\n");
  }
  free(text.data);
}

static void serve(visitor *self) {
  static const char get[] = "GET ";
  static const char place[] = "/metrics";
  const char *path = self->request + sizeof(get) - 1;
  (void)uv_poll_stop(&self->poll);
  if (strncmp(self->request, get, sizeof(get) - 1) != 0) {
    answer(self, "405 Method Not Allowed", "text/plain", "only GET\n");
  } else if (strncmp(path, place, sizeof(place) - 1) != 0 || !strchr(" ?\r\n", path[sizeof(place) - 1])) {
    answer(self, "404 Not Found", "text/plain", "see /metrics\n");
  } else {
    int is_first = !self->metrics->is_asking;
    self->waits = 1;
    self->metrics->is_asking = 1;
    if (is_first && ps_desk_ask(self->metrics->desk, on_figures, self->metrics) != PENSTOCK_OK) {
      answer_all(self->metrics, "503 Service Unavailable", "text/plain", "out of memory\n");
    }
  }
}

static void on_request(uv_poll_t *poll, int status, int events) {
  visitor *self = poll->data;
  (void)events;
  long count = status < 0 ? 0 : ps_net_read(self->socket, self->request + self->size, REQUEST_MOST - 1 - self->size);
  if (count == PS_NET_AGAIN) {
    return;
  }
  if (count <= 0) {
    leave(self);
    return;
  }
  self->size += (size_t)count;
  self->request[self->size] = '\0';
  if (strstr(self->request, "\r\n\r\n") || strstr(self->request, "\n\n")) {
    serve(self);
  } else if (self->size == REQUEST_MOST - 1) {
    (void)uv_poll_stop(poll);
    answer(self, "431 Request Header Fields Too Large", "text/plain", "too long\n");
  }
}

static int is_full(void *context) {
  (void)context;
  return 0;
}

/* Whoever is slow to ask gives way to newcomers. */
static void make_room(ps_metrics *metrics) {
  ps_list *node = metrics->visitors.next;
  while (metrics->count >= CLIENTS_MOST && node != &metrics->visitors) {
    visitor *oldest = PS_CONTAINER(node, visitor, node);
    node = node->next;
    leave(oldest);
  }
}

static void on_accepted(void *context, penstock_socket accepted) {
  ps_metrics *metrics = context;
  make_room(metrics);
  visitor *self = calloc(1, sizeof(*self));
  if (!self || uv_poll_init_socket(metrics->acceptor.poll.loop, &self->poll, (uv_os_sock_t)accepted) != 0) {
    ps_net_close(accepted);
    free(self);
    return;
  }
  self->metrics = metrics;
  self->socket = accepted;
  self->handles = 2;
  self->poll.data = self->deadline.data = self;
  (void)uv_timer_init(metrics->acceptor.poll.loop, &self->deadline);
  (void)uv_timer_start(&self->deadline, on_deadline, PATIENCE_MS, 0);
  (void)uv_poll_start(&self->poll, UV_READABLE, on_request);
  ps_list_append(&metrics->visitors, &self->node);
  metrics->count++;
}

/* --- its place ---------------------------------------------------------------------------------- */

static int listen_at(ps_metrics *self, const char *place, penstock_socket *listening, penstock_error *error) {
  char bound[128];
  int result = PENSTOCK_OK;
  if (place[0] == '/') {
    result = ps_metrics_listen_at_path(place, CLIENTS_MOST, listening, &self->place, error);
  } else if (!ps_net_is_loopback(place)) {
    result =
        penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "`metrics`: %s is neither a loopback address (127.0.0.1:9464) nor the path of a socket", place);
  } else {
    result = ps_net_listen(place, listening, bound, sizeof(bound), error);
  }
  if (result == PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_INFO, self->profile, "metrics on %s", place[0] == '/' ? place : bound);
  }
  return result;
}

ps_metrics *ps_metrics_open(uv_loop_t *loop, const char *place, const char *profile, ps_desk *desk) {
  penstock_error error;
  penstock_socket listening = PENSTOCK_SOCKET_NONE;
  ps_metrics *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->desk = desk;
  self->profile = profile;
  ps_list_init(&self->visitors);
  const ps_acceptor_options options = {.source = profile, .full = is_full, .accepted = on_accepted, .context = self};
  if (listen_at(self, place, &listening, &error) != PENSTOCK_OK) {
    ps_log_error(PENSTOCK_LOG_WARN, profile, &error);
  } else if (ps_acceptor_open(&self->acceptor, loop, listening, &options) == PENSTOCK_OK) {
    ps_acceptor_set(&self->acceptor, 1);
    return self;
  }
  ps_metrics_abandon(self);
  free(self);
  return NULL;
}

void ps_metrics_close(ps_metrics *metrics) {
  while (metrics && !ps_list_empty(&metrics->visitors)) {
    leave(PS_CONTAINER(metrics->visitors.next, visitor, node));
  }
  if (metrics) {
    ps_metrics_abandon(metrics);
    ps_acceptor_close(&metrics->acceptor);
  }
}

void ps_metrics_abandon(ps_metrics *metrics) {
  if (metrics) {
    ps_metrics_leave_path(&metrics->place);
  }
}

size_t ps_metrics_descriptors(void) {
  return CLIENTS_MOST + 2; /* the listener, and one that is on its way in */
}

void ps_metrics_free(ps_metrics *metrics) {
  free(metrics);
}
