/* SPDX-License-Identifier: MIT */
#include "net/acceptor.h"

#include "base/advice.h"
#include "log/log.h"

/* Connections taken in one turn, so that a flood does not keep the loop from the rest. */
#define ACCEPTS_A_TURN 16
#define PAUSE_MS       20
#define WARN_EVERY_NS  (10ull * 1000000000)

static void on_readable(uv_poll_t *poll, int status, int events);

/* One line in ten seconds, with the count of what it stands for. */
static int may_warn(ps_acceptor *acceptor) {
  uint64_t now = uv_hrtime();
  acceptor->refused++;
  if (acceptor->warned_ns != 0 && now - acceptor->warned_ns < WARN_EVERY_NS) {
    return 0;
  }
  acceptor->warned_ns = now;
  return 1;
}

static int permitted(ps_acceptor *acceptor, penstock_socket accepted) {
  uint32_t uid = 0;
  char name[80];
  if (!acceptor->options.own_only) {
    return 1;
  }
  ps_peer peer = ps_net_peer(&acceptor->peers, accepted, &uid);
  if (peer == PS_PEER_OWN || peer == PS_PEER_REMOTE) {
    return 1; /* a remote peer can only come where `expose = yes` opened the port to it */
  }
  if (may_warn(acceptor)) {
    ps_net_peer_name(accepted, name, sizeof(name));
    if (peer == PS_PEER_OTHER && uid == (uint32_t)-1) { /* Windows' users have no numbers */
      ps_log(PENSTOCK_LOG_WARN, acceptor->options.source,
             "refused a connection from %s: it belongs to another user, or to a program that runs as administrator "
             "(set `peers = any` to serve those); %llu refused so far",
             name, (unsigned long long)acceptor->refused);
    } else if (peer == PS_PEER_OTHER) {
      ps_log(PENSTOCK_LOG_WARN, acceptor->options.source,
             "refused a connection from %s: it belongs to user id %u (set `peers = any` to serve other users); %llu "
             "refused so far",
             name, uid, (unsigned long long)acceptor->refused);
    } else {
      ps_log(PENSTOCK_LOG_WARN, acceptor->options.source,
             "refused a connection from %s: the kernel cannot say whose it is (closed already, or from another "
             "network namespace; `peers = any` serves it); %llu refused so far",
             name, (unsigned long long)acceptor->refused);
    }
  }
  return 0;
}

static void on_pause_end(uv_timer_t *timer) {
  ps_acceptor *acceptor = timer->data;
  (void)uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

static void pause_accepting(ps_acceptor *acceptor) {
  (void)uv_poll_stop(&acceptor->poll);
  (void)uv_timer_start(&acceptor->pause, on_pause_end, PAUSE_MS, 0);
  if (may_warn(acceptor)) {
    ps_log(PENSTOCK_LOG_ERROR, acceptor->options.source,
           "out of file descriptors or memory: new connections wait until others have ended; %s",
           ps_advice_descriptors);
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  ps_acceptor *acceptor = poll->data;
  (void)status;
  (void)events;
  for (int i = 0; i < ACCEPTS_A_TURN; i++) {
    if (acceptor->options.full(acceptor->options.context)) {
      pause_accepting(acceptor);
      return;
    }
    penstock_socket accepted = ps_net_accept(acceptor->socket);
    if (accepted == PS_NET_AGAIN) {
      return;
    }
    if (accepted == PS_NET_LIMIT) {
      pause_accepting(acceptor);
      return;
    }
    if (accepted == PS_NET_BROKEN) {
      continue;
    }
    if (permitted(acceptor, accepted)) {
      acceptor->options.accepted(acceptor->options.context, accepted);
    } else {
      ps_net_reset(accepted);
    }
  }
}

int ps_acceptor_open(ps_acceptor *acceptor, uv_loop_t *loop, penstock_socket listening,
                     const ps_acceptor_options *options) {
  *acceptor = (ps_acceptor){.options = *options, .socket = listening};
  acceptor->peers.socket = PENSTOCK_SOCKET_NONE;
  if (options->own_only) {
    ps_peers_init(&acceptor->peers);
  }
  if (uv_poll_init_socket(loop, &acceptor->poll, (uv_os_sock_t)listening) != 0) {
    ps_net_close(listening);
    ps_peers_clear(&acceptor->peers);
    acceptor->socket = PENSTOCK_SOCKET_NONE;
    return PENSTOCK_E_LIMIT;
  }
  (void)uv_timer_init(loop, &acceptor->pause);
  acceptor->poll.data = acceptor;
  acceptor->pause.data = acceptor;
  return PENSTOCK_OK;
}

void ps_acceptor_set(ps_acceptor *acceptor, int is_on) {
  if (acceptor->socket == PENSTOCK_SOCKET_NONE || acceptor->is_on == is_on) {
    return;
  }
  acceptor->is_on = is_on;
  if (is_on) {
    (void)uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
  } else {
    (void)uv_poll_stop(&acceptor->poll);
    (void)uv_timer_stop(&acceptor->pause);
  }
}

void ps_acceptor_close(ps_acceptor *acceptor) {
  if (acceptor->socket == PENSTOCK_SOCKET_NONE) {
    return;
  }
  uv_close((uv_handle_t *)&acceptor->poll, NULL);
  uv_close((uv_handle_t *)&acceptor->pause, NULL);
  ps_net_close(acceptor->socket);
  ps_peers_clear(&acceptor->peers);
  acceptor->socket = PENSTOCK_SOCKET_NONE;
}
