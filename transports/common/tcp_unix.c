/* SPDX-License-Identifier: MIT */
#include "common/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int tcp_parse(const char *host, uint16_t port, penstock_address *address) {
  memset(address, 0, sizeof(*address));
  address->struct_size = (uint32_t)sizeof(*address);
  address->port = port;
  if (inet_pton(AF_INET, host, address->bytes) == 1) {
    address->family = 4;
    return PENSTOCK_OK;
  }
  if (inet_pton(AF_INET6, host, address->bytes) == 1) {
    address->family = 6;
    return PENSTOCK_OK;
  }
  return PENSTOCK_E_NOT_FOUND;
}

void tcp_format(const penstock_address *address, char *host, size_t size) {
  if (!inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, host, (socklen_t)size) && size > 0) {
    host[0] = '\0';
  }
}

static socklen_t to_sockaddr(const penstock_address *address, struct sockaddr_storage *storage) {
  memset(storage, 0, sizeof(*storage));
  if (address->family == 6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    v6->sin6_scope_id = address->scope;
    memcpy(&v6->sin6_addr, address->bytes, 16);
    return sizeof(*v6);
  }
  struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
  v4->sin_family = AF_INET;
  v4->sin_port = htons(address->port);
  memcpy(&v4->sin_addr, address->bytes, 4);
  return sizeof(*v4);
}

static tcp_result classify(int error_number) {
  switch (error_number) {
  case 0:
    return TCP_CONNECTED;
  case EINPROGRESS:
  case EINTR: /* it goes on in the background */
    return TCP_PENDING;
  case ECONNREFUSED:
    return TCP_REFUSED;
  case ENETUNREACH:
  case EHOSTUNREACH:
  case ENETDOWN:
  case ETIMEDOUT:
    return TCP_UNREACHABLE;
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
  case EADDRNOTAVAIL:
  case EAGAIN:
    return TCP_LIMIT;
  default:
    return TCP_FAILED;
  }
}

/* A connect to a port of the ephemeral range on which nobody listens may be given that very port to come from, and
   then connects to itself: it would look like an answer, and keep the solver from its port. */
static int is_self_connected(int fd) {
  struct sockaddr_storage here;
  struct sockaddr_storage there;
  socklen_t here_size = sizeof(here);
  socklen_t there_size = sizeof(there);
  return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
         getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 && here_size == there_size &&
         memcmp(&here, &there, here_size) == 0;
}

tcp_result tcp_connect_start(const penstock_address *address, penstock_socket *socket_out, int *error_number) {
  struct sockaddr_storage storage;
  socklen_t size = to_sockaddr(address, &storage);
  int on = 1;
  *socket_out = PENSTOCK_SOCKET_NONE;
  int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    *error_number = errno;
    return classify(errno);
  }
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  *error_number = connect(fd, (const struct sockaddr *)&storage, size) == 0 ? 0 : errno;
  tcp_result result = classify(*error_number);
  if (result == TCP_PENDING) {
    /* On this machine the handshake is over by now: asking saves a turn of the loop for each connection. */
    result = tcp_connect_result(fd, error_number);
  }
  if (result == TCP_CONNECTED || result == TCP_PENDING) {
    *socket_out = fd;
  } else {
    close(fd);
  }
  return result;
}

tcp_result tcp_connect_result(penstock_socket connecting, int *error_number) {
  int fd = (int)connecting;
  struct pollfd ready = {fd, POLLOUT, 0};
  socklen_t size = sizeof(*error_number);
  *error_number = 0;
  if (poll(&ready, 1, 0) <= 0) {
    return TCP_PENDING;
  }
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error_number, &size) < 0) {
    *error_number = errno;
  }
  if (*error_number == 0 && is_self_connected(fd)) {
    *error_number = ECONNREFUSED;
  }
  return classify(*error_number);
}

void tcp_close(penstock_socket socket_to_close) {
  close((int)socket_to_close);
}

void tcp_error_text(int error_number, char *text, size_t size) {
  (void)snprintf(text, size, "%s", strerror(error_number));
}
