/* SPDX-License-Identifier: MIT */
#include "gateway/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "service/manager.h"

/* Do machines reach a socket on `bound` that would not reach `address`, whatever the ports? The profile may expose the
 * one (`expose`), and nobody has said so of the other. */
static int is_wider(penstock_socket passed, const char *bound, const char *address) {
  char host[256];
  const char *colon = strrchr(address, ':');
  int size = colon ? (int)(colon - address) : (int)strlen(address);
  (void)snprintf(host, sizeof(host), "%.*s:0", size, address); /* on any port */
  int is_everywhere = strncmp(host, "0.0.0.0:", 8) == 0 || strncmp(host, "[::]:", 5) == 0;
  return !ps_net_is_loopback(bound) && !is_everywhere && !ps_net_is_bound_to(passed, host);
}

/* A socket that was passed instead of one of ours: may it be used? */
static int examine(penstock_socket passed, int others, const char *address, const char *source, char *bound,
                   size_t bound_size, penstock_error *error) {
  ps_net_own_name(passed, bound, bound_size);
  if (is_wider(passed, bound, address)) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "the service manager passed a socket on %s, which other machines could reach, and the profile says "
                  "listen = %s",
                  bound, address);
    penstock_next(error, "set `ListenStream=%s` in the socket unit", address);
    return PENSTOCK_E_FAILED;
  }
  if (!ps_net_is_bound_to(passed, address)) {
    ps_log(PENSTOCK_LOG_WARN, source,
           "the service manager passed a socket on %s, and the profile says listen = %s: it is %s that is served",
           bound, address, bound);
  }
  if (others > 0) {
    ps_log(PENSTOCK_LOG_WARN, source,
           "the service manager passed %d sockets: a gateway has one, so nobody serves the others", others + 1);
  }
  return PENSTOCK_OK;
}

int ps_listener_open(ps_acceptor *acceptor, uv_loop_t *loop, const char *address, const ps_acceptor_options *options,
                     char *bound, size_t bound_size, penstock_error *error) {
  penstock_socket listening;
  int others = 0;
  int is_passed = ps_manager_passed(address, &listening, &others, error);
  int result = is_passed < 0    ? is_passed
               : is_passed == 0 ? ps_net_listen(address, &listening, bound, bound_size, error)
                                : examine(listening, others, address, options->source, bound, bound_size, error);
  if (result != PENSTOCK_OK && is_passed > 0) {
    ps_net_close(listening);
  }
  if (result != PENSTOCK_OK) {
    return result;
  }
  result = ps_acceptor_open(acceptor, loop, listening, options);
  if (result != PENSTOCK_OK) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    return result;
  }
  acceptor->is_lent = is_passed;
  ps_acceptor_set(acceptor, 1);
  return PENSTOCK_OK;
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
                ps_net_port_owner((uint16_t)strtoul(port + 1, NULL, 10), &owner) == PENSTOCK_OK &&
                (owner.is_penstock || owner.is_socket_unit);
  return is_ours ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

void ps_listener_close(ps_acceptor *acceptor) {
  if (acceptor->socket != PENSTOCK_SOCKET_NONE && !acceptor->is_lent) {
    ps_net_unlisten(acceptor->socket);
  }
  ps_acceptor_close(acceptor);
}
