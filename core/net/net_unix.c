/* SPDX-License-Identifier: MIT */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel bounds it by net.core.somaxconn. */
#define BACKLOG 4096

static struct addrinfo *lookup(const char *address, int passive, penstock_error *error) {
  char host[256];
  char port[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
  struct addrinfo *list = NULL;
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
  /* Without a node, and not passive, getaddrinfo(3) gives the loopback addresses and asks nobody. */
  int rc = getaddrinfo(is_localhost ? NULL : host, port, &hints, &list);
  if (rc != 0) {
    penstock_fail(error, passive ? PENSTOCK_LEG_LOCAL : PENSTOCK_LEG_DNS,
                  rc == EAI_AGAIN ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG, "cannot resolve '%s': %s", host,
                  rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    penstock_next(error, "check the spelling of the name, or use an address");
    return NULL;
  }
  return list;
}

static void format_address(const struct sockaddr_storage *address, char *text, size_t size) {
  char host[64] = "?";
  char port[8] = "?";
  if (address->ss_family == AF_UNIX) {
    (void)snprintf(text, size, "local socket");
    return;
  }
  (void)getnameinfo((const struct sockaddr *)address, sizeof(*address), host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
  (void)snprintf(text, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_failed(const char *address, const struct addrinfo *info, int reason, penstock_error *error) {
  uint16_t port = ntohs(info->ai_family == AF_INET6 ? ((const struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_port
                                                    : ((const struct sockaddr_in *)(void *)info->ai_addr)->sin_port);
  if (reason == EADDRINUSE) {
    ps_port_owner owner;
    int known = ps_net_port_owner(port, &owner) == 0;
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED, "Port %u is in use%s%s", port, known ? " by " : "",
                  known ? owner.text : "");
    if (known && owner.publishes_containers) {
      penstock_next(
          error,
          "a container publishes this port: publish the solver's as `-p 127.0.0.1:19090:9090`, or set another "
          "port here and in Blender (`listen = 127.0.0.1:%u`, or --listen)",
          port + 1u);
    } else if (known && owner.is_socket_unit) {
      penstock_next(error, "connect to it, and systemd starts the gateway; or close it first: "
                           "systemctl --user stop penstock.socket");
    } else {
      penstock_next(error, "end that program, or set another port (`listen = 127.0.0.1:%u`, or --listen)", port + 1u);
    }
  } else {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot listen on %s: %s", address,
                  strerror(reason));
    penstock_next(error, reason == EACCES ? "ports below 1024 need root; choose a higher one"
                                          : "set `listen` to an address of this machine");
  }
  return PENSTOCK_E_FAILED;
}

int ps_net_listen(const char *address, penstock_socket *listener, char *bound, size_t bound_size,
                  penstock_error *error) {
  struct addrinfo *list = lookup(address, 1, error);
  if (!list) {
    return PENSTOCK_E_FAILED;
  }
  int one = 1;
  int result = PENSTOCK_OK;
  int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
    result = listen_failed(address, list, errno, error);
    if (fd >= 0) {
      close(fd);
    }
  } else {
    ps_net_own_name(fd, bound, bound_size);
    *listener = fd;
  }
  freeaddrinfo(list);
  return result;
}

/* Port 0 stands for any. */
static int is_same(const struct sockaddr_storage *bound, const struct addrinfo *wanted) {
  struct sockaddr_storage other;
  if (bound->ss_family != wanted->ai_family || wanted->ai_addrlen > sizeof(other)) {
    return 0;
  }
  memset(&other, 0, sizeof(other));
  memcpy(&other, wanted->ai_addr, wanted->ai_addrlen);
  if (bound->ss_family == AF_INET6) {
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)bound;
    const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)(const void *)&other;
    return (b->sin6_port == 0 || a->sin6_port == b->sin6_port) &&
           memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
  }
  const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)bound;
  const struct sockaddr_in *b = (const struct sockaddr_in *)(const void *)&other;
  return (b->sin_port == 0 || a->sin_port == b->sin_port) && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

int ps_net_is_bound_to(penstock_socket listener, const char *address) {
  struct sockaddr_storage bound;
  socklen_t size = sizeof(bound);
  penstock_error unused;
  int found = 0;
  memset(&bound, 0, sizeof(bound));
  struct addrinfo *list = lookup(address, 1, &unused);
  if (!list) {
    return 0;
  }
  if (getsockname((int)listener, (struct sockaddr *)&bound, &size) == 0) {
    for (const struct addrinfo *info = list; info && !found; info = info->ai_next) {
      found = is_same(&bound, info);
    }
  }
  freeaddrinfo(list);
  return found;
}

int ps_net_is_loopback(const char *address) {
  char host[256];
  char port[8];
  unsigned char bytes[16];
  if (ps_net_split_address(address, host, sizeof(host), port, sizeof(port)) != 0) {
    return 0;
  }
  if (ps_net_is_localhost(host)) {
    return 1;
  }
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  if (getaddrinfo(host, NULL, &hints, &list) != 0) {
    return 0;
  }
  int yes = 0;
  if (list->ai_family == AF_INET) {
    yes = (ntohl(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr) >> 24) == 127;
  } else if (list->ai_family == AF_INET6) {
    memcpy(bytes, &((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr, sizeof(bytes));
    yes = IN6_IS_ADDR_LOOPBACK((struct in6_addr *)(void *)bytes);
  }
  freeaddrinfo(list);
  return yes;
}

int ps_net_wait(penstock_socket socket, int to_write, int timeout_ms) {
  struct pollfd entry = {.fd = (int)socket, .events = to_write ? POLLOUT : POLLIN};
  int ready;
  do {
    ready = poll(&entry, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready != 0;
}

/* Waits for a non-blocking connect; returns 0 or an errno value. */
static int await_connect(int fd, int timeout_ms) {
  int reason = 0;
  socklen_t size = sizeof(reason);
  if (!ps_net_wait(fd, 1, timeout_ms)) {
    return ETIMEDOUT;
  }
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) == 0 ? reason : errno;
}

int ps_net_connect(const char *address, int timeout_ms, penstock_socket *result, penstock_error *error) {
  struct addrinfo *list = lookup(address, 0, error);
  if (!list) {
    return PENSTOCK_E_FAILED;
  }
  int reason = EADDRNOTAVAIL;
  for (struct addrinfo *info = list; info; info = info->ai_next) {
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
      reason = errno;
      continue;
    }
    reason = connect(fd, info->ai_addr, info->ai_addrlen) == 0 ? 0 : errno;
    if (reason == EINPROGRESS) {
      reason = await_connect(fd, timeout_ms);
    }
    if (reason == 0) {
      ps_net_nodelay(fd);
      *result = fd;
      break;
    }
    close(fd);
  }
  freeaddrinfo(list);
  if (reason != 0) {
    return penstock_fail(error, PENSTOCK_LEG_TCP,
                         reason == ECONNREFUSED ? PENSTOCK_CLASS_REFUSED : PENSTOCK_CLASS_TRANSIENT,
                         "cannot connect to %s: %s", address, strerror(reason));
  }
  return PENSTOCK_OK;
}

void ps_net_unlisten(penstock_socket listener) {
  (void)shutdown((int)listener, SHUT_RDWR);
}

penstock_socket ps_net_duplicate(penstock_socket socket) {
  return fcntl((int)socket, F_DUPFD_CLOEXEC, 0);
}

penstock_socket ps_net_accept(penstock_socket listener) {
  for (;;) {
    int fd = accept4((int)listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      ps_net_nodelay(fd);
      return fd;
    }
    switch (errno) {
    case EINTR:
      continue;
    case EAGAIN:
      return PS_NET_AGAIN;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return PS_NET_LIMIT;
    default: /* accept(2): network errors of the new connection come out here too */
      return PS_NET_BROKEN;
    }
  }
}

int ps_net_pair(penstock_socket pair[2]) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return PENSTOCK_E_LIMIT;
  }
  pair[0] = fds[0];
  pair[1] = fds[1];
  return PENSTOCK_OK;
}

static long receive(penstock_socket socket, void *buffer, size_t size, int flags) {
  ssize_t count;
  do {
    count = recv((int)socket, buffer, size, flags | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) {
    return (long)count;
  }
  return errno == EAGAIN ? PS_NET_AGAIN : PS_NET_BROKEN;
}

long ps_net_read(penstock_socket socket, void *buffer, size_t size) {
  return receive(socket, buffer, size, 0);
}

long ps_net_peek(penstock_socket socket) {
  char byte;
  return receive(socket, &byte, 1, MSG_PEEK);
}

long ps_net_write(penstock_socket socket, const void *data, size_t size) {
  ssize_t count;
  do {
    count = send((int)socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) {
    return (long)count;
  }
  return errno == EAGAIN ? PS_NET_AGAIN : PS_NET_BROKEN;
}

int ps_net_broken(penstock_socket socket) {
  int reason = 0;
  socklen_t size = sizeof(reason);
  return getsockopt((int)socket, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0;
}

void ps_net_shutdown_write(penstock_socket socket) {
  (void)shutdown((int)socket, SHUT_WR);
}

void ps_net_shutdown(penstock_socket socket) {
  (void)shutdown((int)socket, SHUT_RDWR);
}

int ps_net_hung_up(penstock_socket socket) {
  struct sockaddr_storage name = {0};
  socklen_t size = sizeof(name);
  struct pollfd look = {.fd = (int)socket};
  if (getsockname((int)socket, (struct sockaddr *)&name, &size) != 0 || name.ss_family != AF_UNIX) {
    return 0;
  }
  return poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0;
}

size_t ps_net_unsent(penstock_socket socket) {
  int count = 0;
  if (ioctl((int)socket, TIOCOUTQ, &count) != 0 || count < 0) {
    return 0;
  }
  return (size_t)count;
}

void ps_net_close(penstock_socket socket) {
  (void)close((int)socket);
}

void ps_net_reset(penstock_socket socket) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt((int)socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  (void)close((int)socket);
}

void ps_net_nodelay(penstock_socket socket) {
  int one = 1;
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void ps_net_own_name(penstock_socket socket, char *text, size_t size) {
  struct sockaddr_storage name;
  socklen_t length = sizeof(name);
  memset(&name, 0, sizeof(name));
  (void)getsockname((int)socket, (struct sockaddr *)&name, &length);
  format_address(&name, text, size);
}

void ps_net_peer_name(penstock_socket socket, char *text, size_t size) {
  struct sockaddr_storage name;
  socklen_t length = sizeof(name);
  memset(&name, 0, sizeof(name));
  if (getpeername((int)socket, (struct sockaddr *)&name, &length) != 0) {
    (void)snprintf(text, size, "(gone)");
    return;
  }
  format_address(&name, text, size);
}

size_t ps_net_raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  if (limit.rlim_cur < limit.rlim_max) {
    struct rlimit more = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
      return (size_t)more.rlim_cur;
    }
  }
  return (size_t)limit.rlim_cur;
}
