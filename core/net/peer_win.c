/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection: the table of connections has the client's own socket, which is ours with the
 * addresses the other way round, and the process that it belongs to; the process has a user.
 */
#include "net/net.h"
#include "net/owner_win.h"

static int is_loopback(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET) {
    return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
  }
  return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* Does the address belong to this machine? Only our own addresses can be bound. */
static int is_ours(const struct sockaddr_storage *address, int size) {
  struct sockaddr_storage here = *address;
  if (here.ss_family == AF_INET) {
    ((struct sockaddr_in *)&here)->sin_port = 0;
  } else {
    ((struct sockaddr_in6 *)&here)->sin6_port = 0;
  }
  SOCKET probe = WSASocketW(here.ss_family, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_NO_HANDLE_INHERIT);
  if (probe == INVALID_SOCKET) {
    return 1; /* not known: the careful answer */
  }
  int bound = bind(probe, (struct sockaddr *)&here, size) == 0;
  (void)closesocket(probe);
  return bound;
}

void ps_peers_init(ps_peers *peers) {
  *peers = (ps_peers){.socket = PENSTOCK_SOCKET_NONE};
}

void ps_peers_clear(ps_peers *peers) {
  (void)peers;
}

ps_peer ps_net_peer(ps_peers *peers, penstock_socket accepted, uint32_t *uid) {
  struct sockaddr_storage near;
  struct sockaddr_storage far;
  int near_size = sizeof(near);
  int far_size = sizeof(far);
  (void)peers;
  memset(&near, 0, sizeof(near));
  memset(&far, 0, sizeof(far));
  *uid = (uint32_t)-1;
  if (getsockname((SOCKET)accepted, (struct sockaddr *)&near, &near_size) != 0 ||
      getpeername((SOCKET)accepted, (struct sockaddr *)&far, &far_size) != 0) {
    return PS_PEER_UNKNOWN;
  }
  DWORD pid = ps_owner_of_connection(&far, &near);
  if (pid == 0) {
    return is_loopback(&near) || is_ours(&far, far_size) ? PS_PEER_UNKNOWN : PS_PEER_REMOTE;
  }
  switch (ps_owner_is_us(pid)) {
  case 1:
    return PS_PEER_OWN;
  case 0:
    return PS_PEER_OTHER;
  default:
    return PS_PEER_UNKNOWN;
  }
}
