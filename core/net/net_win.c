/* SPDX-License-Identifier: MIT */
#include "net/net_win.h"
#include "net/net.h"
#include "win/reason.h"

#include <pthread.h>

/* Windows sets its own bound for SOMAXCONN. */
#define BACKLOG SOMAXCONN

/* --- the library ---------------------------------------------------------------------------------- */

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void) {
  WSADATA data;
  (void)WSAStartup(MAKEWORD(2, 2), &data);
}

void ps_net_start(void) {
  (void)pthread_once(&started, start);
}

/* --- addresses ------------------------------------------------------------------------------------ */

static struct addrinfo *lookup(const char *address, int passive, penstock_error *error) {
  char host[256];
  char port[8];
  char reason[160];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
  struct addrinfo *list = NULL;
  ps_net_start();
  if (ps_net_split_address(address, host, sizeof(host), port, sizeof(port)) != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "'%s' is not an address of the form host:port",
                  address);
    return NULL;
  }
  int is_localhost = ps_net_is_localhost(host);
  if (is_localhost && passive) { /* one listener: where clients that say 127.0.0.1 find it, too */
    hints.ai_family = AF_INET;
    hints.ai_flags = AI_NUMERICSERV;
  }
  int rc = getaddrinfo(is_localhost ? (passive ? "127.0.0.1" : NULL) : host, port, &hints, &list);
  if (rc != 0) {
    ps_reason((DWORD)rc, reason, sizeof(reason));
    penstock_fail(error, passive ? PENSTOCK_LEG_LOCAL : PENSTOCK_LEG_DNS,
                  rc == WSATRY_AGAIN ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG, "cannot resolve '%s': %s",
                  host, reason);
    penstock_next(error, "check the spelling of the name, or use an address");
    return NULL;
  }
  return list;
}

static void format_address(const struct sockaddr_storage *address, int length, char *text, size_t size) {
  char host[64] = "?";
  char port[8] = "?";
  (void)getnameinfo((const struct sockaddr *)address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
  (void)snprintf(text, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int ps_net_is_loopback(const char *address) {
  char host[256];
  char port[8];
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  ps_net_start();
  if (ps_net_split_address(address, host, sizeof(host), port, sizeof(port)) != 0) {
    return 0;
  }
  if (ps_net_is_localhost(host)) {
    return 1;
  }
  if (getaddrinfo(host, NULL, &hints, &list) != 0) {
    return 0;
  }
  int yes = 0;
  if (list->ai_family == AF_INET) {
    yes = (ntohl(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr) >> 24) == 127;
  } else if (list->ai_family == AF_INET6) {
    yes = IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr);
  }
  freeaddrinfo(list);
  return yes;
}

/* --- sockets -------------------------------------------------------------------------------------- */

/* Children inherit handles that say so, and this one never does. */
static SOCKET new_socket(int family) {
  u_long on = 1;
  SOCKET made = WSASocketW(family, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (made != INVALID_SOCKET && ioctlsocket(made, (long)FIONBIO, &on) != 0) {
    closesocket(made);
    made = INVALID_SOCKET;
  }
  return made;
}

static int listen_failed(const char *address, const struct addrinfo *info, int reason, penstock_error *error) {
  char text[160];
  uint16_t port = ntohs(info->ai_family == AF_INET6 ? ((const struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_port
                                                    : ((const struct sockaddr_in *)(void *)info->ai_addr)->sin_port);
  /* Of an exclusive bind, WSAEACCES says that somebody else's exclusive one is in the way. */
  ps_port_owner owner;
  int known = ps_net_port_owner(port, &owner) == 0;
  if (reason == WSAEADDRINUSE || (reason == WSAEACCES && known)) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED, "Port %u is in use%s%s", port, known ? " by " : "",
                  known ? owner.text : "");
    penstock_next(error, "end that program, or set another port (`listen = 127.0.0.1:%u`, or --listen)", port + 1u);
    return PENSTOCK_E_FAILED;
  }
  ps_reason((DWORD)reason, text, sizeof(text));
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot listen on %s: %s", address, text);
  penstock_next(error,
                reason == WSAEACCES
                    ? "Windows keeps this port for itself (netsh int ipv4 show excludedportrange tcp): choose another"
                    : "set `listen` to an address of this machine");
  return PENSTOCK_E_FAILED;
}

int ps_net_listen(const char *address, penstock_socket *listener, char *bound, size_t bound_size,
                  penstock_error *error) {
  struct addrinfo *list = lookup(address, 1, error);
  if (!list) {
    return PENSTOCK_E_FAILED;
  }
  /* What SO_REUSEADDR means elsewhere is how Windows is anyway; here it would let anybody share the port with us. */
  int one = 1;
  int result = PENSTOCK_OK;
  SOCKET made = new_socket(list->ai_family);
  if (made == INVALID_SOCKET ||
      setsockopt(made, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&one, sizeof(one)) != 0 ||
      bind(made, list->ai_addr, (int)list->ai_addrlen) != 0 || listen(made, BACKLOG) != 0) {
    result = listen_failed(address, list, WSAGetLastError(), error);
    if (made != INVALID_SOCKET) {
      closesocket(made);
    }
  } else {
    ps_net_own_name((penstock_socket)made, bound, bound_size);
    *listener = (penstock_socket)made;
  }
  freeaddrinfo(list);
  return result;
}

/* Port 0 stands for any. */
static int is_same(const struct sockaddr_storage *bound, const struct addrinfo *wanted) {
  if (bound->ss_family != wanted->ai_family) {
    return 0;
  }
  if (bound->ss_family == AF_INET6) {
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)bound;
    const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)(const void *)wanted->ai_addr;
    return (b->sin6_port == 0 || a->sin6_port == b->sin6_port) &&
           memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
  }
  const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)bound;
  const struct sockaddr_in *b = (const struct sockaddr_in *)(const void *)wanted->ai_addr;
  return (b->sin_port == 0 || a->sin_port == b->sin_port) && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

int ps_net_is_bound_to(penstock_socket listener, const char *address) {
  struct sockaddr_storage bound;
  int size = sizeof(bound);
  penstock_error unused;
  int found = 0;
  memset(&bound, 0, sizeof(bound));
  struct addrinfo *list = lookup(address, 1, &unused);
  if (list && getsockname((SOCKET)listener, (struct sockaddr *)&bound, &size) == 0) {
    for (const struct addrinfo *info = list; info && !found; info = info->ai_next) {
      found = is_same(&bound, info);
    }
  }
  if (list) {
    freeaddrinfo(list);
  }
  return found;
}

int ps_net_wait(penstock_socket socket, int to_write, int timeout_ms) {
  WSAPOLLFD entry = {.fd = (SOCKET)socket, .events = to_write ? POLLOUT : POLLIN};
  return WSAPoll(&entry, 1, timeout_ms) != 0;
}

/* Waits for a non-blocking connect; returns 0 or an error of Winsock. By select(), since WSAPoll() keeps a refused
 * connect to itself on older systems. */
static int await_connect(SOCKET fd, int timeout_ms) {
  int reason = 0;
  int size = sizeof(reason);
  fd_set done;
  fd_set failed;
  struct timeval patience = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  FD_ZERO(&done);
  FD_ZERO(&failed);
  done.fd_array[done.fd_count++] = fd;
  failed.fd_array[failed.fd_count++] = fd;
  if (select(0, NULL, &done, &failed, &patience) == 0) {
    return WSAETIMEDOUT;
  }
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, (char *)&reason, &size) == 0 ? reason : WSAGetLastError();
}

int ps_net_connect(const char *address, int timeout_ms, penstock_socket *result, penstock_error *error) {
  struct addrinfo *list = lookup(address, 0, error);
  if (!list) {
    return PENSTOCK_E_FAILED;
  }
  int reason = WSAEADDRNOTAVAIL;
  for (struct addrinfo *info = list; info; info = info->ai_next) {
    SOCKET fd = new_socket(info->ai_family);
    if (fd == INVALID_SOCKET) {
      reason = WSAGetLastError();
      continue;
    }
    reason = connect(fd, info->ai_addr, (int)info->ai_addrlen) == 0 ? 0 : WSAGetLastError();
    if (reason == WSAEWOULDBLOCK) {
      reason = await_connect(fd, timeout_ms);
    }
    if (reason == 0) {
      ps_net_nodelay((penstock_socket)fd);
      *result = (penstock_socket)fd;
      break;
    }
    closesocket(fd);
  }
  freeaddrinfo(list);
  if (reason != 0) {
    char text[160];
    ps_reason((DWORD)reason, text, sizeof(text));
    return penstock_fail(error, PENSTOCK_LEG_TCP,
                         reason == WSAECONNREFUSED ? PENSTOCK_CLASS_REFUSED : PENSTOCK_CLASS_TRANSIENT,
                         "cannot connect to %s: %s", address, text);
  }
  return PENSTOCK_OK;
}

/* A listening socket cannot be shut down here. */
void ps_net_unlisten(penstock_socket listener) {
  (void)listener;
}

/* Two handles for a listening socket are one socket to a loop's poll: lanes are handed their clients instead. */
penstock_socket ps_net_duplicate(penstock_socket socket) {
  (void)socket;
  return PENSTOCK_SOCKET_NONE;
}

penstock_socket ps_net_accept(penstock_socket listener) {
  u_long on = 1;
  SOCKET fd = WSAAccept((SOCKET)listener, NULL, NULL, NULL, 0);
  if (fd != INVALID_SOCKET) {
    /* It is as inheritable as any new handle; no child of ours inherits more than the handles in its list. */
    (void)SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0);
    (void)ioctlsocket(fd, (long)FIONBIO, &on);
    ps_net_nodelay((penstock_socket)fd);
    return (penstock_socket)fd;
  }
  switch (WSAGetLastError()) {
  case WSAEWOULDBLOCK:
    return PS_NET_AGAIN;
  case WSAEMFILE:
  case WSAENOBUFS:
    return PS_NET_LIMIT;
  default:
    return PS_NET_BROKEN;
  }
}

/* --- ends that were hung up ----------------------------------------------------------------------- */

/* Ends whose other one was hung up, by their own ports. Ports come again: so they are remembered for as long as it
 * takes a loop to look, and count only where there is no connection any more. The oldest go. */
#define HUNG_UP_MOST 64
#define HUNG_UP_MS   10000

static struct {
  SRWLOCK lock;
  struct {
    uint16_t port;
    ULONGLONG when_ms;
  } ends[HUNG_UP_MOST];
  size_t next;
} hung_up = {.lock = SRWLOCK_INIT};

static uint16_t port_of(const struct sockaddr_storage *name) {
  return name->ss_family == AF_INET ? ((const struct sockaddr_in *)(const void *)name)->sin_port : 0;
}

static int was_hung_up(penstock_socket socket) {
  struct sockaddr_storage name;
  int size = sizeof(name);
  int found = 0;
  if (getpeername((SOCKET)socket, (struct sockaddr *)&name, &size) == 0) {
    return 0;
  }
  size = sizeof(name);
  uint16_t port = getsockname((SOCKET)socket, (struct sockaddr *)&name, &size) == 0 ? port_of(&name) : 0;
  AcquireSRWLockShared(&hung_up.lock);
  for (size_t i = 0; port != 0 && i < HUNG_UP_MOST && !found; i++) {
    found = hung_up.ends[i].port == port && GetTickCount64() - hung_up.ends[i].when_ms < HUNG_UP_MS;
  }
  ReleaseSRWLockShared(&hung_up.lock);
  return found;
}

void ps_net_hang_up(penstock_socket end) {
  struct sockaddr_storage name;
  int size = sizeof(name);
  if (getpeername((SOCKET)end, (struct sockaddr *)&name, &size) == 0) {
    AcquireSRWLockExclusive(&hung_up.lock);
    hung_up.ends[hung_up.next].port = port_of(&name);
    hung_up.ends[hung_up.next].when_ms = GetTickCount64();
    hung_up.next = (hung_up.next + 1) % HUNG_UP_MOST;
    ReleaseSRWLockExclusive(&hung_up.lock);
  }
  ps_net_reset(end);
}

/* --- pairs ---------------------------------------------------------------------------------------- */

/* There is no socketpair(): a connection of the loopback interface, of which both ends are looked at. */
int ps_net_pair(penstock_socket pair[2]) {
  char bound[64];
  penstock_error unused;
  penstock_socket listener;
  int result = PENSTOCK_E_LIMIT;
  pair[0] = pair[1] = PENSTOCK_SOCKET_NONE;
  if (ps_net_listen("127.0.0.1:0", &listener, bound, sizeof(bound), &unused) != PENSTOCK_OK) {
    return PENSTOCK_E_LIMIT;
  }
  if (ps_net_connect(bound, 1000, &pair[0], &unused) == PENSTOCK_OK) {
    char ours[64];
    char theirs[64] = "";
    ps_net_own_name(pair[0], ours, sizeof(ours));
    /* Somebody else may have been quicker to connect. */
    for (int i = 0; i < 16 && result != PENSTOCK_OK && ps_net_wait(listener, 0, 1000); i++) {
      penstock_socket accepted = ps_net_accept(listener);
      if (accepted < 0) {
        continue;
      }
      ps_net_peer_name(accepted, theirs, sizeof(theirs));
      if (strcmp(ours, theirs) == 0) {
        pair[1] = accepted;
        result = PENSTOCK_OK;
      } else {
        ps_net_reset(accepted);
      }
    }
    if (result != PENSTOCK_OK) {
      ps_net_close(pair[0]);
    }
  }
  ps_net_close(listener);
  return result;
}

/* --- bytes ---------------------------------------------------------------------------------------- */

static int bounded(size_t size) {
  return size > INT_MAX ? INT_MAX : (int)size;
}

static long outcome(int count) {
  if (count >= 0) {
    return count;
  }
  return WSAGetLastError() == WSAEWOULDBLOCK ? PS_NET_AGAIN : PS_NET_BROKEN;
}

long ps_net_read(penstock_socket socket, void *buffer, size_t size) {
  long count = outcome(recv((SOCKET)socket, buffer, bounded(size), 0));
  return count == 0 && size > 0 && was_hung_up(socket) ? PS_NET_BROKEN : count;
}

long ps_net_peek(penstock_socket socket) {
  char byte;
  return outcome(recv((SOCKET)socket, &byte, 1, MSG_PEEK));
}

long ps_net_write(penstock_socket socket, const void *data, size_t size) {
  return outcome(send((SOCKET)socket, data, bounded(size), 0));
}

int ps_net_broken(penstock_socket socket) {
  int reason = 0;
  int size = sizeof(reason);
  if (getsockopt((SOCKET)socket, SOL_SOCKET, SO_ERROR, (char *)&reason, &size) != 0 || reason != 0) {
    return 1;
  }
  /* A reset that nobody has read yet is no error of the socket here: reading tells of it. */
  return ps_net_peek(socket) == PS_NET_BROKEN || was_hung_up(socket);
}

void ps_net_shutdown_write(penstock_socket socket) {
  (void)shutdown((SOCKET)socket, SD_SEND);
}

void ps_net_shutdown(penstock_socket socket) {
  (void)shutdown((SOCKET)socket, SD_BOTH);
}

/* None of our sockets is a local one, but for the pairs that stand for control connections. */
int ps_net_hung_up(penstock_socket socket) {
  return was_hung_up(socket);
}

size_t ps_net_unsent(penstock_socket socket) {
  (void)socket;
  return 0;
}

void ps_net_close(penstock_socket socket) {
  (void)closesocket((SOCKET)socket);
}

void ps_net_reset(penstock_socket socket) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt((SOCKET)socket, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now));
  (void)closesocket((SOCKET)socket);
}

void ps_net_nodelay(penstock_socket socket) {
  int one = 1;
  (void)setsockopt((SOCKET)socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&one, sizeof(one));
}

void ps_net_own_name(penstock_socket socket, char *text, size_t size) {
  struct sockaddr_storage name;
  int length = sizeof(name);
  memset(&name, 0, sizeof(name));
  (void)getsockname((SOCKET)socket, (struct sockaddr *)&name, &length);
  format_address(&name, length, text, size);
}

void ps_net_peer_name(penstock_socket socket, char *text, size_t size) {
  struct sockaddr_storage name;
  int length = sizeof(name);
  memset(&name, 0, sizeof(name));
  if (getpeername((SOCKET)socket, (struct sockaddr *)&name, &length) != 0) {
    (void)snprintf(text, size, "(gone)");
    return;
  }
  format_address(&name, length, text, size);
}

/* Handles are only bounded by memory: enough for whatever a profile sets. */
size_t ps_net_raise_limit(void) {
  return 65536;
}
