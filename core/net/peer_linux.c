/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection: sock_diag(7) is asked for the client's own socket, which is ours with
 * the addresses the other way round. One question, no walk through /proc. Where it knows none, the client is on
 * another machine, or nobody can say.
 */
#include "net/net.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct question {
  struct nlmsghdr header;
  struct inet_diag_req_v2 request;
} question;

static int is_loopback(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET) {
    return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
  }
  const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

/*
 * Does the address belong to this machine? A client may connect to 127.0.0.1 from any of them, so the address alone
 * does not tell a neighbour from another user. Only our own addresses can be bound.
 */
static int is_ours(const struct sockaddr_storage *address) {
  struct sockaddr_storage here = *address;
  if (here.ss_family == AF_INET) {
    ((struct sockaddr_in *)&here)->sin_port = 0;
  } else {
    ((struct sockaddr_in6 *)&here)->sin6_port = 0;
  }
  int fd = socket(here.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return 1; /* not known: the careful answer */
  }
  int bound = bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0;
  close(fd);
  return bound;
}

static void put_address(const struct sockaddr_storage *from, __be32 address[4], __be16 *port) {
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    memcpy(&address[0], &v4->sin_addr, 4);
    *port = v4->sin_port;
  } else {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
    memcpy(address, &v6->sin6_addr, 16);
    *port = v6->sin6_port;
  }
}

static int open_socket(ps_peers *peers) {
  int made =
      peers->socket == PENSTOCK_SOCKET_NONE ? socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
  if (made >= 0) {
    peers->socket = made;
  }
  return peers->socket != PENSTOCK_SOCKET_NONE;
}

void ps_peers_init(ps_peers *peers) {
  *peers = (ps_peers){.socket = PENSTOCK_SOCKET_NONE};
  (void)open_socket(peers); /* now, not for the first client: there may be no descriptor left by then */
}

void ps_peers_clear(ps_peers *peers) {
  if (peers->socket != PENSTOCK_SOCKET_NONE) {
    close((int)peers->socket);
    peers->socket = PENSTOCK_SOCKET_NONE;
  }
}

/* The kernel answers within sendto(): there is nothing to wait for. Returns the size of the answer; -1 if there is none
 * to this very question. */
static ssize_t exchange(ps_peers *peers, question *ask_for, char *answer, size_t answer_size) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct nlmsghdr header;
  if (!open_socket(peers)) {
    return -1;
  }
  ask_for->header.nlmsg_seq = ++peers->asked;
  if (sendto((int)peers->socket, ask_for, sizeof(*ask_for), 0, (struct sockaddr *)&kernel, sizeof(kernel)) !=
      (ssize_t)sizeof(*ask_for)) {
    return -1;
  }
  ssize_t size = recv((int)peers->socket, answer, answer_size, MSG_DONTWAIT);
  if (size < (ssize_t)sizeof(header)) {
    return -1;
  }
  memcpy(&header, answer, sizeof(header));
  return header.nlmsg_seq == peers->asked ? size : -1;
}

/* Asks for one socket; returns 0 and its row, or -1. */
static int ask(ps_peers *peers, question *ask_for, struct inet_diag_msg *row) {
  char answer[4096];
  struct nlmsghdr header;
  ssize_t size = exchange(peers, ask_for, answer, sizeof(answer));
  if (size < 0) { /* the socket that was kept may be why, and what it still holds answers nothing any more */
    ps_peers_clear(peers);
    size = exchange(peers, ask_for, answer, sizeof(answer));
  }
  if (size < (ssize_t)(NLMSG_HDRLEN + sizeof(*row))) {
    return -1;
  }
  memcpy(&header, answer, sizeof(header));
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return -1;
  }
  memcpy(row, answer + NLMSG_HDRLEN, sizeof(*row));
  /* Where there is no such connection, the kernel answers with whoever listens on the client's port. */
  return row->idiag_state == TCP_LISTEN ? -1 : 0;
}

ps_peer ps_net_peer(ps_peers *peers, penstock_socket accepted, uint32_t *uid) {
  struct sockaddr_storage near;
  struct sockaddr_storage far;
  socklen_t near_size = sizeof(near);
  socklen_t far_size = sizeof(far);
  memset(&near, 0, sizeof(near));
  memset(&far, 0, sizeof(far));
  *uid = (uint32_t)-1;
  if (getsockname((int)accepted, (struct sockaddr *)&near, &near_size) != 0 ||
      getpeername((int)accepted, (struct sockaddr *)&far, &far_size) != 0) {
    return PS_PEER_UNKNOWN;
  }
  question ask_for;
  struct inet_diag_msg row;
  memset(&ask_for, 0, sizeof(ask_for));
  ask_for.header.nlmsg_len = sizeof(ask_for);
  ask_for.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask_for.header.nlmsg_flags = NLM_F_REQUEST;
  ask_for.request.sdiag_family = (uint8_t)near.ss_family;
  ask_for.request.sdiag_protocol = IPPROTO_TCP;
  ask_for.request.idiag_states = (uint32_t)-1;
  ask_for.request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  ask_for.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  put_address(&far, ask_for.request.id.idiag_src, &ask_for.request.id.idiag_sport);
  put_address(&near, ask_for.request.id.idiag_dst, &ask_for.request.id.idiag_dport);
  if (far.ss_family == AF_INET6) {
    ask_for.request.id.idiag_if = ((const struct sockaddr_in6 *)&far)->sin6_scope_id;
  }
  if (ask(peers, &ask_for, &row) != 0) {
    return is_loopback(&near) || is_ours(&far) ? PS_PEER_UNKNOWN : PS_PEER_REMOTE;
  }
  /* A socket that its process has closed belongs to nobody and shows uid 0: that is no proof of anything. */
  if (row.idiag_inode == 0) {
    return PS_PEER_UNKNOWN;
  }
  *uid = row.idiag_uid;
  return row.idiag_uid == getuid() || row.idiag_uid == 0 ? PS_PEER_OWN : PS_PEER_OTHER;
}
