/* SPDX-License-Identifier: MIT */
#include "gateway/listener.h"

#include <stdlib.h>

int ps_listener_open(ps_acceptor *acceptor, uv_loop_t *loop, const char *address, const ps_acceptor_options *options,
                     char *bound, size_t bound_size, penstock_error *error) {
  penstock_socket listening;
  int result = ps_net_listen(address, &listening, bound, bound_size, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  result = ps_acceptor_open(acceptor, loop, listening, options);
  if (result != PENSTOCK_OK) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    return result;
  }
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
                ps_net_port_owner((uint16_t)strtoul(port + 1, NULL, 10), &owner) == PENSTOCK_OK && owner.is_penstock;
  return is_ours ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

void ps_listener_close(ps_acceptor *acceptor) {
  if (acceptor->socket != PENSTOCK_SOCKET_NONE) {
    ps_net_unlisten(acceptor->socket);
  }
  ps_acceptor_close(acceptor);
}
