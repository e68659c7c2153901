/* SPDX-License-Identifier: MIT */
#include "common/local_open.h"

#include <stdlib.h>

#include "common/advice.h"
#include "common/tcp.h"

struct local_open {
  local_open **list;
  local_open *next;
  const penstock_host *host;
  penstock_open *open; /* NULL = given up; waits for the resolver to let go of it */
  int resolving;
  penstock_address numeric;    /* of a host that needs no looking up */
  penstock_address *addresses; /* `numeric`, or allocated; those not tried yet begin at `tried` */
  uint32_t count;
  uint32_t tried;
  penstock_socket socket;
  penstock_watch *watch;
  penstock_timer *timer;
  char text[]; /* "host:port", for messages */
};

/* --- ends ----------------------------------------------------------------------------------------- */

static void stop_waiting(local_open *o) {
  if (o->watch) {
    o->host->watch_stop(o->host, o->watch);
    o->watch = NULL;
  }
}

static void drop_socket(local_open *o) {
  stop_waiting(o);
  if (o->socket != PENSTOCK_SOCKET_NONE) {
    tcp_close(o->socket);
    o->socket = PENSTOCK_SOCKET_NONE;
  }
}

static void stop_all(local_open *o) {
  drop_socket(o);
  if (o->timer) {
    o->host->timer_stop(o->host, o->timer);
    o->timer = NULL;
  }
}

static void dispose(local_open *o) {
  if (o->addresses != &o->numeric) {
    free(o->addresses);
  }
  free(o);
}

static void release(local_open *o) {
  local_open **at = o->list;
  while (*at != o) {
    at = &(*at)->next;
  }
  *at = o->next;
  dispose(o);
}

static void give_back(local_open *o) {
  stop_all(o);
  o->open = NULL;
  if (!o->resolving) {
    release(o);
  }
}

static void fail(local_open *o, const penstock_error *error) {
  const penstock_host *host = o->host;
  penstock_open *open = o->open;
  give_back(o);
  host->open_failed(host, open, error);
}

static void succeed(local_open *o) {
  const penstock_host *host = o->host;
  penstock_open *open = o->open;
  penstock_socket socket = o->socket;
  stop_waiting(o);
  o->socket = PENSTOCK_SOCKET_NONE;
  give_back(o);
  host->open_done_socket(host, open, socket);
}

static void fail_connect(local_open *o, tcp_result result, int error_number) {
  penstock_error error = {.struct_size = sizeof(error)};
  char reason[128];
  tcp_error_text(error_number, reason, sizeof(reason));
  switch (result) {
  case TCP_REFUSED:
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Nobody listens at %s", o->text);
    penstock_next(&error, "Start the solver there, or let the profile launch it");
    break;
  case TCP_LIMIT:
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "No socket for a connection to %s: %s",
                        o->text, reason);
    penstock_next(&error, "%s", advice_descriptors);
    break;
  default:
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "No connection to %s: %s", o->text,
                        reason);
    penstock_next(&error, "Check `endpoint`, and the way there");
    break;
  }
  fail(o, &error);
}

/* --- the way -------------------------------------------------------------------------------------- */

static int try_next(local_open *o);

static void on_writable(void *context, uint32_t events) {
  local_open *o = context;
  int error_number = 0;
  (void)events;
  tcp_result result = tcp_connect_result(o->socket, &error_number);
  if (result == TCP_PENDING) {
    return;
  }
  if (result == TCP_CONNECTED) {
    succeed(o);
    return;
  }
  drop_socket(o);
  if (o->tried < o->count) {
    (void)try_next(o);
  } else {
    fail_connect(o, result, error_number);
  }
}

/* Tries the addresses that are left until one has to be waited for. Returns 0 if the open has been completed. */
static int try_next(local_open *o) {
  tcp_result result = TCP_FAILED;
  int error_number = 0;
  while (o->tried < o->count) {
    result = tcp_connect_start(&o->addresses[o->tried++], &o->socket, &error_number);
    if (result == TCP_CONNECTED) {
      succeed(o);
      return 0;
    }
    if (result == TCP_PENDING) {
      o->watch = o->host->watch_start(o->host, o->socket, PENSTOCK_EVENT_WRITE, on_writable, o);
      if (o->watch) {
        return 1;
      }
      drop_socket(o);
      result = TCP_LIMIT;
    }
  }
  fail_connect(o, result, error_number);
  return 0;
}

static void on_deadline(void *context) {
  local_open *o = context;
  penstock_error error = {.struct_size = sizeof(error)};
  o->timer = NULL; /* it has fired for the last time: the host's to free */
  (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "%s did not answer in time", o->text);
  penstock_next(&error, "Check `endpoint`, and for a firewall in between");
  fail(o, &error);
}

static void on_resolved(void *context, const penstock_address *addresses, uint32_t count, const penstock_error *error) {
  local_open *o = context;
  o->resolving = 0;
  if (!o->open) {
    release(o);
    return;
  }
  if (error || count == 0) {
    fail(o, error);
    return;
  }
  penstock_address *copies = calloc(count, sizeof(*copies));
  if (!copies) {
    fail_connect(o, TCP_LIMIT, 0);
    return;
  }
  o->addresses = copies;
  for (uint32_t i = 0; i < count; i++) {
    size_t stride = addresses->struct_size;
    memcpy(&o->addresses[i], (const char *)addresses + i * stride,
           stride < sizeof(*o->addresses) ? stride : sizeof(*o->addresses));
  }
  o->count = count;
  (void)try_next(o);
}

/* Returns 0 if the open has been completed. */
static int look_up(local_open *o, const char *name, uint16_t port) {
  o->resolving = 1;
  if (o->host->resolve(o->host, name, port, 0, on_resolved, o) == PENSTOCK_OK) {
    return 1;
  }
  penstock_error error = {.struct_size = sizeof(error)};
  o->resolving = 0;
  (void)penstock_fail(&error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT, "%s could not be looked up", name);
  fail(o, &error);
  return 0;
}

/* --- the list ------------------------------------------------------------------------------------- */

void local_open_begin(local_open **list, const penstock_host *host, penstock_open *open, const char *name,
                      uint16_t port, uint64_t deadline_ms) {
  size_t text_size = strlen(name) + sizeof("[]:65535");
  local_open *o = calloc(1, sizeof(*o) + text_size);
  if (!o) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    host->open_failed(host, open, &error);
    return;
  }
  (void)snprintf(o->text, text_size, strchr(name, ':') ? "[%s]:%u" : "%s:%u", name, (unsigned)port);
  o->list = list;
  o->next = *list;
  *list = o;
  o->host = host;
  o->open = open;
  o->socket = PENSTOCK_SOCKET_NONE;
  o->addresses = &o->numeric;
  o->count = tcp_parse(name, port, &o->numeric) == 0;
  int waits = o->count ? try_next(o) : look_up(o, name, port);
  if (waits && deadline_ms) {
    o->timer = host->timer_start(host, deadline_ms, 0, on_deadline, o);
  }
}

void local_open_end(local_open **list, penstock_open *open) {
  for (local_open *o = *list; o; o = o->next) {
    if (o->open == open) {
      penstock_error error = {.struct_size = sizeof(error)};
      (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
      fail(o, &error);
      return;
    }
  }
}

void local_open_clear(local_open **list) {
  for (local_open *o = *list, *next; o; o = next) {
    next = o->next;
    stop_all(o);
    dispose(o); /* the host forgets a resolve of an instance that goes away */
  }
  *list = NULL;
}
