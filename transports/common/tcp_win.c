/* SPDX-License-Identifier: MIT */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "common/tcp.h"
#include "win/reason.h"

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
  if (!inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, host, size) && size > 0) {
    host[0] = '\0';
  }
}

static int to_sockaddr(const penstock_address *address, struct sockaddr_storage *storage) {
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
  case WSAEWOULDBLOCK:
  case WSAEINPROGRESS:
    return TCP_PENDING;
  case WSAECONNREFUSED:
    return TCP_REFUSED;
  case WSAENETUNREACH:
  case WSAEHOSTUNREACH:
  case WSAENETDOWN:
  case WSAETIMEDOUT:
    return TCP_UNREACHABLE;
  case WSAEMFILE:
  case WSAENOBUFS:
  case WSAEADDRNOTAVAIL:
    return TCP_LIMIT;
  default:
    return TCP_FAILED;
  }
}

/* A connect to a port of the ephemeral range on which nobody listens may be given that very port to come from, and then
   connects to itself: it would look like an answer, and keep the solver from its port. */
static int is_self_connected(SOCKET fd) {
  struct sockaddr_storage here;
  struct sockaddr_storage there;
  int here_size = sizeof(here);
  int there_size = sizeof(there);
  memset(&here, 0, sizeof(here));
  memset(&there, 0, sizeof(there));
  return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
         getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 && here_size == there_size &&
         memcmp(&here, &there, (size_t)here_size) == 0;
}

/* Windows tries a connect that was refused twice more, half a second apart: with this a refusal is told at once. Where
   it is not known (before Windows 10 1709) nothing is lost but that time. */
static void refuse_at_once(SOCKET fd) {
  static const DWORD set_initial_rto = 0x98000011; /* SIO_TCP_INITIAL_RTO of mstcpip.h, which mingw-w64 lacks */
  struct {
    USHORT rtt;
    UCHAR retransmissions;
  } limits = {.rtt = 0xFFFF, .retransmissions = 0xFE}; /* as usual; none */
  DWORD size = 0;
  (void)WSAIoctl(fd, set_initial_rto, &limits, sizeof(limits), NULL, 0, &size, NULL, NULL);
}

tcp_result tcp_connect_start(const penstock_address *address, penstock_socket *socket_out, int *error_number) {
  struct sockaddr_storage storage;
  int size = to_sockaddr(address, &storage);
  int on = 1;
  u_long is_nonblocking = 1;
  *socket_out = PENSTOCK_SOCKET_NONE;
  SOCKET fd = WSASocketW(storage.ss_family, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (fd == INVALID_SOCKET) {
    *error_number = WSAGetLastError();
    return classify(*error_number);
  }
  (void)ioctlsocket(fd, (long)FIONBIO, &is_nonblocking);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
  refuse_at_once(fd);
  *error_number = connect(fd, (const struct sockaddr *)&storage, size) == 0 ? 0 : WSAGetLastError();
  tcp_result result = classify(*error_number);
  if (result == TCP_PENDING) {
    result = tcp_connect_result((penstock_socket)fd, error_number);
  }
  if (result == TCP_CONNECTED || result == TCP_PENDING) {
    *socket_out = (penstock_socket)fd;
  } else {
    (void)closesocket(fd);
  }
  return result;
}

tcp_result tcp_connect_result(penstock_socket connecting, int *error_number) {
  SOCKET fd = (SOCKET)connecting;
  fd_set done;
  fd_set failed;
  struct timeval now = {0, 0};
  int size = sizeof(*error_number);
  *error_number = 0;
  /* By select(), since WSAPoll() keeps a refused connect to itself on older systems. */
  done.fd_count = failed.fd_count = 1;
  done.fd_array[0] = failed.fd_array[0] = fd;
  if (select(0, NULL, &done, &failed, &now) <= 0) {
    return TCP_PENDING;
  }
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, (char *)error_number, &size) != 0) {
    *error_number = WSAGetLastError();
  }
  if (*error_number == 0 && failed.fd_count > 0) {
    *error_number = WSAECONNREFUSED;
  }
  if (*error_number == 0 && is_self_connected(fd)) {
    *error_number = WSAECONNREFUSED;
  }
  return classify(*error_number);
}

void tcp_close(penstock_socket socket_to_close) {
  (void)closesocket((SOCKET)socket_to_close);
}

void tcp_error_text(int error_number, char *text, size_t size) {
  ps_reason((DWORD)error_number, text, size);
}
