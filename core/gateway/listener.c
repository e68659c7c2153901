/* SPDX-License-Identifier: MIT */
#include "gateway/listener.h"

#include <stdlib.h>

#include "log/log.h"
#include "net/net.h"

/* Connections taken in one turn, so that a flood does not keep the loop from the rest. */
#define ACCEPTS_A_TURN 64
#define PAUSE_MS       20
#define WARN_EVERY_NS  (10ull * 1000000000)

static void on_readable(uv_poll_t *poll, int status, int events);

/* One line in ten seconds, with the count of what it stands for. */
static int may_warn(ps_listener *listener) {
  uint64_t now = uv_hrtime();
  listener->refused++;
  if (listener->warned_ns != 0 && now - listener->warned_ns < WARN_EVERY_NS) {
    return 0;
  }
  listener->warned_ns = now;
  return 1;
}

static int permitted(ps_listener *listener, penstock_socket socket) {
  uint32_t uid = 0;
  char name[80];
  if (!listener->own_only) {
    return 1;
  }
  ps_peer peer = ps_net_peer(&listener->peers, socket, &uid);
  if (peer == PS_PEER_OWN || peer == PS_PEER_REMOTE) {
    return 1; /* a remote peer can only come where `expose = yes` opened the port to it */
  }
  if (may_warn(listener)) {
    ps_net_peer_name(socket, name, sizeof(name));
    if (peer == PS_PEER_OTHER) {
      ps_log(PENSTOCK_LOG_WARN, listener->source,
             "refused a connection from %s: it belongs to user id %u (set `peers = any` to serve other users); %llu "
             "refused so far",
             name, uid, (unsigned long long)listener->refused);
    } else {
      ps_log(PENSTOCK_LOG_WARN, listener->source,
             "refused a connection from %s: the kernel cannot say whose it is (closed already, or from another "
             "network namespace; `peers = any` serves it); %llu refused so far",
             name, (unsigned long long)listener->refused);
    }
  }
  return 0;
}

static void on_pause_end(uv_timer_t *timer) {
  ps_listener *listener = timer->data;
  (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void pause_accepting(ps_listener *listener) {
  (void)uv_poll_stop(&listener->poll);
  (void)uv_timer_start(&listener->pause, on_pause_end, PAUSE_MS, 0);
  if (may_warn(listener)) {
    ps_log(PENSTOCK_LOG_ERROR, listener->source,
           "out of file descriptors or memory: new connections wait until others have ended (raise `ulimit -n`)");
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  ps_listener *listener = poll->data;
  (void)status;
  (void)events;
  for (int i = 0; i < ACCEPTS_A_TURN; i++) {
    if (listener->full(listener->context)) {
      pause_accepting(listener);
      return;
    }
    penstock_socket socket = ps_net_accept(listener->socket);
    if (socket == PS_NET_AGAIN) {
      return;
    }
    if (socket == PS_NET_LIMIT) {
      pause_accepting(listener);
      return;
    }
    if (socket == PS_NET_BROKEN) {
      continue;
    }
    if (permitted(listener, socket)) {
      listener->accepted(listener->context, socket);
    } else {
      ps_net_reset(socket);
    }
  }
}

int ps_listener_open(ps_listener *listener, uv_loop_t *loop, const char *address, int own_only, const char *source,
                     int (*full)(void *context), void (*accepted)(void *context, penstock_socket socket), void *context,
                     char *bound, size_t bound_size, penstock_error *error) {
  memset(listener, 0, sizeof(*listener));
  listener->own_only = own_only;
  listener->source = source;
  listener->full = full;
  listener->accepted = accepted;
  listener->context = context;
  listener->socket = PENSTOCK_SOCKET_NONE;
  ps_peers_init(&listener->peers);
  int result = ps_net_listen(address, &listener->socket, bound, bound_size, error);
  if (result != PENSTOCK_OK) {
    listener->socket = PENSTOCK_SOCKET_NONE;
    return result;
  }
  (void)uv_timer_init(loop, &listener->pause);
  (void)uv_poll_init_socket(loop, &listener->poll, (uv_os_sock_t)listener->socket);
  listener->pause.data = listener;
  listener->poll.data = listener;
  return uv_poll_start(&listener->poll, UV_READABLE, on_readable) == 0 ? PENSTOCK_OK : PENSTOCK_E_LIMIT;
}

int ps_listener_try(const char *address, penstock_error *error) {
  char bound[128];
  ps_port_owner owner;
  penstock_socket socket;
  const char *port = strrchr(address, ':');
  if (ps_net_listen(address, &socket, bound, sizeof(bound), error) == PENSTOCK_OK) {
    ps_net_close(socket);
    return PENSTOCK_OK;
  }
  int is_ours = error->error_class == PENSTOCK_CLASS_REFUSED && port &&
                ps_net_port_owner((uint16_t)strtoul(port + 1, NULL, 10), &owner) == PENSTOCK_OK && owner.is_penstock;
  return is_ours ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

void ps_listener_close(ps_listener *listener) {
  if (listener->socket == PENSTOCK_SOCKET_NONE) {
    return;
  }
  uv_close((uv_handle_t *)&listener->poll, NULL);
  uv_close((uv_handle_t *)&listener->pause, NULL);
  ps_net_close(listener->socket);
  ps_peers_clear(&listener->peers);
  listener->socket = PENSTOCK_SOCKET_NONE;
}
