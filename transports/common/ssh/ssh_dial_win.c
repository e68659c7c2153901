/* SPDX-License-Identifier: MIT */
/*
 * Sockets of Windows. What waits is select(), since WSAPoll() keeps a refused connect to itself before Windows 10 2004.
 */
#include <stdlib.h>

#include "common/ssh/ssh_dial_internal.h"
#include "common/tcp.h"

/* Of mstcpip.h and ws2ipdef.h, which mingw-w64 lacks in part; the numbers are Microsoft's. */
enum { OPTION_KEEPIDLE = 3, OPTION_MAXRT = 5, OPTION_KEEPCNT = 16, OPTION_KEEPINTVL = 17 };
#define SET_INITIAL_RTO 0x98000011 /* SIO_TCP_INITIAL_RTO */

void dial_set_nonblocking(penstock_socket socket) {
  u_long on = 1;
  (void)ioctlsocket((SOCKET)socket, (long)FIONBIO, &on);
}

/* One that children do not inherit. */
static SOCKET make_socket(int family) {
  return WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static void set_option(SOCKET fd, int level, int option, int value) {
  (void)setsockopt(fd, level, option, (const char *)&value, sizeof(value));
}

/* --- where from ------------------------------------------------------------------------------------ */

static int bind_source(SOCKET fd, int family, const dial_options *options) {
  struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  if (!options->bind_address) {
    return options->bind_interface ? WSAEOPNOTSUPP : 0;
  }
  if (getaddrinfo(options->bind_address, NULL, &hints, &list) != 0 || !list) {
    return WSAEADDRNOTAVAIL;
  }
  int code = bind(fd, list->ai_addr, (int)list->ai_addrlen) == 0 ? 0 : WSAGetLastError();
  freeaddrinfo(list);
  return code;
}

/* --- connecting ------------------------------------------------------------------------------------ */

/* Windows tries a connect that was refused twice more, half a second apart. On this machine nothing is lost on the way,
 * so a refusal is one. */
static void refuse_at_once(SOCKET fd, const penstock_address *address) {
  static const uint8_t loopback[16] = {[15] = 1};
  struct {
    USHORT rtt;
    UCHAR retransmissions;
  } limits = {.rtt = 0xFFFF, .retransmissions = 0xFE}; /* as usual; none */
  DWORD size = 0;
  int is_local =
      address->family == 6 ? memcmp(address->bytes, loopback, sizeof(loopback)) == 0 : address->bytes[0] == 127;
  if (is_local) {
    (void)WSAIoctl(fd, SET_INITIAL_RTO, &limits, sizeof(limits), NULL, 0, &size, NULL, NULL);
  }
}

int dial_start(const penstock_address *address, const dial_options *options, penstock_socket *out) {
  dial_address target;
  socklen_t size = dial_address_set(&target, address);
  SOCKET fd = make_socket(target.any.sa_family);
  *out = PENSTOCK_SOCKET_NONE;
  if (fd == INVALID_SOCKET) {
    return WSAGetLastError();
  }
  dial_set_nonblocking((penstock_socket)fd);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options->keepalive) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  refuse_at_once(fd, address);
  int code = -bind_source(fd, target.any.sa_family, options);
  if (code == 0 && connect(fd, &target.any, size) != 0 && WSAGetLastError() != WSAEWOULDBLOCK) {
    code = WSAGetLastError();
  }
  if (code) {
    (void)closesocket(fd);
    return code;
  }
  *out = (penstock_socket)fd;
  return 0;
}

int dial_result(penstock_socket socket) {
  int code = 0;
  int size = sizeof(code);
  return getsockopt((SOCKET)socket, SOL_SOCKET, SO_ERROR, (char *)&code, &size) == 0 ? code : WSAGetLastError();
}

/* --- waiting --------------------------------------------------------------------------------------- */

/* A set of select() as Windows has it: a count and sockets, as many as there is room for. */
typedef struct socket_set {
  u_int count;
  SOCKET sockets[];
} socket_set;

static void add(socket_set *set, penstock_socket socket) {
  set->sockets[set->count++] = (SOCKET)socket;
}

static int has(const socket_set *set, penstock_socket socket) {
  for (u_int i = 0; i < set->count; i++) {
    if (set->sockets[i] == (SOCKET)socket) {
      return 1;
    }
  }
  return 0;
}

static fd_set *for_select(socket_set *set) {
  return set->count ? (fd_set *)(void *)set : NULL;
}

static int wait_for(socket_set *const sets[3], uint64_t timeout_ms) {
  struct timeval limit = {.tv_sec = (long)(timeout_ms / 1000), .tv_usec = (long)(timeout_ms % 1000) * 1000};
  if (sets[0]->count == 0 && sets[1]->count == 0) { /* which select() refuses */
    Sleep((DWORD)timeout_ms);
    return 0;
  }
  /* A connect that failed is told among exceptions alone. */
  return select(0, for_select(sets[0]), for_select(sets[1]), for_select(sets[2]), &limit);
}

int dial_poll_all(dial_poller *pollers, size_t count, uint64_t timeout_ms) {
  size_t size = sizeof(socket_set) + count * sizeof(SOCKET);
  socket_set *sets[3] = {calloc(1, size), calloc(1, size), calloc(1, size)};
  int ready = 0;
  for (size_t i = 0; i < count; i++) {
    pollers[i].ready = 0;
  }
  if (sets[0] && sets[1] && sets[2]) {
    for (size_t i = 0; i < count; i++) {
      if (pollers[i].socket != PENSTOCK_SOCKET_NONE && pollers[i].events & PENSTOCK_EVENT_READ) {
        add(sets[0], pollers[i].socket);
      }
      if (pollers[i].socket != PENSTOCK_SOCKET_NONE && pollers[i].events & PENSTOCK_EVENT_WRITE) {
        add(sets[1], pollers[i].socket);
        add(sets[2], pollers[i].socket);
      }
    }
    ready = wait_for(sets, timeout_ms > DIAL_POLL_MAX_MS ? DIAL_POLL_MAX_MS : timeout_ms);
  }
  for (size_t i = 0; i < count && ready > 0; i++) {
    dial_poller *each = &pollers[i];
    each->ready |= has(sets[0], each->socket) ? each->events & PENSTOCK_EVENT_READ : 0;
    each->ready |= has(sets[1], each->socket) ? each->events & PENSTOCK_EVENT_WRITE : 0;
    each->ready |= has(sets[2], each->socket) ? each->events | PENSTOCK_EVENT_ERROR : 0;
  }
  for (int i = 0; i < 3; i++) {
    free(sets[i]);
  }
  return ready;
}

void dial_peek(penstock_socket socket, char *text, size_t size) {
  int count = recv((SOCKET)socket, text, (int)size - 1, MSG_PEEK);
  text[count > 0 ? count : 0] = '\0';
}

void dial_close(penstock_socket socket) {
  if (socket != PENSTOCK_SOCKET_NONE) {
    (void)closesocket((SOCKET)socket);
  }
}

penstock_socket dial_duplicate(penstock_socket socket) {
  WSAPROTOCOL_INFOW info;
  if (WSADuplicateSocketW((SOCKET)socket, GetCurrentProcessId(), &info) != 0) {
    return PENSTOCK_SOCKET_NONE;
  }
  SOCKET copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  return copy == INVALID_SOCKET ? PENSTOCK_SOCKET_NONE : (penstock_socket)copy;
}

/* --- words ----------------------------------------------------------------------------------------- */

const char *dial_reason(int code, char *text, size_t size) {
  /* Of the C library, by files that are for all systems. */
  int number = code == ETIMEDOUT ? WSAETIMEDOUT : code == ENOMEM ? ERROR_NOT_ENOUGH_MEMORY : code;
  tcp_error_text(number, text, size);
  size_t length = strlen(text);
  while (length > 0 && strchr(" .\r\n", text[length - 1])) {
    text[--length] = '\0';
  }
  return text;
}

int dial_is_refused(int code) {
  return code == WSAECONNREFUSED;
}

const char *dial_name_reason(int code, char *text, size_t size) {
  return dial_reason(code, text, size); /* they are Winsock's own numbers here */
}

void dial_source_next(penstock_error *error, const dial_options *options) {
  penstock_next(error, options->bind_address
                           ? "`ipconfig` shows what this machine has; BindAddress in ssh_config must be one of it, of "
                             "the same family as the host's address"
                           : "BindInterface is not known on Windows: set BindAddress in ssh_config instead");
}

/* --- sockets as such ------------------------------------------------------------------------------- */

/* The other end of `near_end`, out of those that have connected to `listener`; anybody here may. */
static SOCKET accept_own(SOCKET listener, SOCKET near_end) {
  enum { STRANGERS_MAX = 16 };
  struct sockaddr_in own;
  int size = sizeof(own);
  if (getsockname(near_end, (struct sockaddr *)&own, &size) != 0) {
    return INVALID_SOCKET;
  }
  for (int i = 0; i < STRANGERS_MAX; i++) {
    struct sockaddr_in peer;
    int peer_size = sizeof(peer);
    SOCKET far_end = WSAAccept(listener, (struct sockaddr *)&peer, &peer_size, NULL, 0);
    if (far_end == INVALID_SOCKET) {
      return INVALID_SOCKET;
    }
    if (peer.sin_port == own.sin_port && peer.sin_addr.s_addr == own.sin_addr.s_addr) {
      (void)SetHandleInformation((HANDLE)far_end, HANDLE_FLAG_INHERIT, 0);
      return far_end;
    }
    (void)closesocket(far_end);
  }
  WSASetLastError(WSAECONNABORTED);
  return INVALID_SOCKET;
}

int dial_pair(penstock_socket pair[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int size = sizeof(address);
  SOCKET listener = make_socket(AF_INET);
  SOCKET near_end = make_socket(AF_INET);
  SOCKET far_end = INVALID_SOCKET;
  if (listener != INVALID_SOCKET && near_end != INVALID_SOCKET) {
    set_option(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (bind(listener, (const struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
        getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
        connect(near_end, (const struct sockaddr *)&address, size) == 0) {
      far_end = accept_own(listener, near_end);
    }
  }
  int code = far_end == INVALID_SOCKET ? WSAGetLastError() : 0;
  dial_close((penstock_socket)listener);
  if (code) {
    dial_close((penstock_socket)near_end);
    return code;
  }
  const SOCKET ends[2] = {near_end, far_end};
  for (int i = 0; i < 2; i++) {
    dial_set_nonblocking((penstock_socket)ends[i]);
    set_option(ends[i], IPPROTO_TCP, TCP_NODELAY, 1);
    pair[i] = (penstock_socket)ends[i];
  }
  return 0;
}

static int64_t count_or_why(int count) {
  if (count >= 0) {
    return count;
  }
  return WSAGetLastError() == WSAEWOULDBLOCK ? DIAL_AGAIN : DIAL_BROKEN;
}

int64_t dial_send(penstock_socket socket, const void *data, size_t size) {
  return count_or_why(send((SOCKET)socket, data, size > INT_MAX ? INT_MAX : (int)size, 0));
}

int64_t dial_receive(penstock_socket socket, void *data, size_t size) {
  return count_or_why(recv((SOCKET)socket, data, size > INT_MAX ? INT_MAX : (int)size, 0));
}

void dial_shut(penstock_socket socket) {
  (void)shutdown((SOCKET)socket, SD_SEND);
}

/* Windows sends what is not acknowledged for 21 s or so; with TCP_MAXRT it gives up after as many seconds as said. */
void dial_set_timeout(penstock_socket socket, uint32_t timeout_ms) {
  int third = timeout_ms < 3000 ? 1 : (int)(timeout_ms / 3000);
  set_option((SOCKET)socket, IPPROTO_TCP, OPTION_MAXRT, timeout_ms < 1000 ? 1 : (int)(timeout_ms / 1000));
  set_option((SOCKET)socket, IPPROTO_TCP, OPTION_KEEPIDLE, third);
  set_option((SOCKET)socket, IPPROTO_TCP, OPTION_KEEPINTVL, third);
  set_option((SOCKET)socket, IPPROTO_TCP, OPTION_KEEPCNT, 2);
}

/* Windows has no such option for a while, only for ever, which costs a packet for each that comes. */
void dial_quick_ack(penstock_socket socket) {
  (void)socket;
}

/* There is no SO_RCVLOWAT: we are woken for every byte. */
int dial_set_least(penstock_socket socket, uint32_t bytes) {
  (void)socket;
  (void)bytes;
  return 0;
}
