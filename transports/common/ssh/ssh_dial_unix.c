/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union any_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage room;
} any_address;

static socklen_t to_kernel(const penstock_address *address, any_address *out) {
  memset(out, 0, sizeof(*out));
  if (address->family == 6) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(address->port);
    out->v6.sin6_scope_id = address->scope;
    memcpy(&out->v6.sin6_addr, address->bytes, 16);
    return sizeof(out->v6);
  }
  out->v4.sin_family = AF_INET;
  out->v4.sin_port = htons(address->port);
  memcpy(&out->v4.sin_addr, address->bytes, 4);
  return sizeof(out->v4);
}

static int from_kernel(const struct sockaddr *address, penstock_address *out) {
  any_address in;
  memset(out, 0, sizeof(*out));
  out->struct_size = (uint32_t)sizeof(*out);
  if (address->sa_family == AF_INET6) {
    memcpy(&in.v6, address, sizeof(in.v6));
    out->family = 6;
    out->port = ntohs(in.v6.sin6_port);
    out->scope = in.v6.sin6_scope_id;
    memcpy(out->bytes, &in.v6.sin6_addr, 16);
  } else if (address->sa_family == AF_INET) {
    memcpy(&in.v4, address, sizeof(in.v4));
    out->family = 4;
    out->port = ntohs(in.v4.sin_port);
    memcpy(out->bytes, &in.v4.sin_addr, 4);
  }
  return out->family != 0;
}

void dial_set_nonblocking(penstock_socket socket) {
  int flags = fcntl((int)socket, F_GETFL);
  if (flags >= 0) {
    (void)fcntl((int)socket, F_SETFL, flags | O_NONBLOCK);
  }
}

/* --- where from ------------------------------------------------------------------------------------ */

static int bind_to_name(int fd, int family, const char *name) {
  struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  if (getaddrinfo(name, NULL, &hints, &list) != 0 || !list) {
    return EADDRNOTAVAIL;
  }
  int code = bind(fd, list->ai_addr, list->ai_addrlen) == 0 ? 0 : errno;
  freeaddrinfo(list);
  return code;
}

/* To an address of the interface, as ssh does. A link-local one is of use only if there is no other. */
static int bind_to_interface(int fd, int family, const char *name) {
  struct ifaddrs *list = NULL;
  const struct sockaddr *found = NULL;
  if (getifaddrs(&list) != 0) {
    return errno;
  }
  for (const struct ifaddrs *each = list; each; each = each->ifa_next) {
    if (each->ifa_addr && each->ifa_addr->sa_family == family && strcmp(each->ifa_name, name) == 0) {
      any_address address;
      memset(&address, 0, sizeof(address));
      memcpy(&address, each->ifa_addr, family == AF_INET6 ? sizeof(address.v6) : sizeof(address.v4));
      int is_local = family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr);
      if (!found || !is_local) {
        found = each->ifa_addr;
      }
      if (!is_local) {
        break;
      }
    }
  }
  int code = !found ? EADDRNOTAVAIL : 0;
  if (found && bind(fd, found, family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) != 0) {
    code = errno;
  }
  freeifaddrs(list);
  return code;
}

static int bind_source(int fd, int family, const dial_options *options) {
  if (options->bind_address) { /* which comes first for ssh, too */
    return bind_to_name(fd, family, options->bind_address);
  }
  return options->bind_interface ? bind_to_interface(fd, family, options->bind_interface) : 0;
}

/* --- connecting ------------------------------------------------------------------------------------ */

int dial_start(const penstock_address *address, const dial_options *options, penstock_socket *out) {
  any_address target;
  int on = 1;
  socklen_t size = to_kernel(address, &target);
  int fd = socket(target.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *out = PENSTOCK_SOCKET_NONE;
  if (fd < 0) {
    return errno;
  }
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (options->keepalive) {
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  }
  int code = -bind_source(fd, target.any.sa_family, options);
  if (code == 0 && connect(fd, &target.any, size) != 0 && errno != EINPROGRESS && errno != EINTR) {
    code = errno;
  }
  if (code) {
    (void)close(fd);
    return code;
  }
  *out = fd;
  return 0;
}

int dial_result(penstock_socket socket) {
  int code = 0;
  socklen_t size = sizeof(code);
  return getsockopt((int)socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

int dial_poll(penstock_socket socket, uint32_t events, uint64_t timeout_ms) {
  struct pollfd poller = {.fd = (int)socket};
  poller.events = (short)((events & PENSTOCK_EVENT_READ ? POLLIN : 0) | (events & PENSTOCK_EVENT_WRITE ? POLLOUT : 0));
  return poll(&poller, 1, timeout_ms > 600000 ? 600000 : (int)timeout_ms) > 0;
}

void dial_peek(penstock_socket socket_fd, char *text, size_t size) {
  ssize_t count = recv((int)socket_fd, text, size - 1, MSG_PEEK | MSG_DONTWAIT);
  text[count > 0 ? count : 0] = '\0';
}

void dial_close(penstock_socket socket) {
  if (socket != PENSTOCK_SOCKET_NONE) {
    (void)close((int)socket);
  }
}

penstock_socket dial_duplicate(penstock_socket socket) {
  int fd = fcntl((int)socket, F_DUPFD_CLOEXEC, 0);
  return fd >= 0 ? fd : PENSTOCK_SOCKET_NONE;
}

void dial_text(const penstock_address *address, char text[DIAL_TEXT_SIZE]) {
  char host[INET6_ADDRSTRLEN] = "?";
  (void)inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, host, sizeof(host));
  (void)snprintf(text, DIAL_TEXT_SIZE, address->family == 6 ? "[%s]:%u" : "%s:%u", host, (unsigned)address->port);
}

uint32_t dial_resolve(const char *host, uint16_t port, uint32_t family, penstock_address *addresses, uint32_t room,
                      penstock_error *error) {
  char service[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  hints.ai_family = family == 6 ? AF_INET6 : family == 4 ? AF_INET : AF_UNSPEC;
  struct addrinfo *list = NULL;
  uint32_t count = 0;
  (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
  int code = getaddrinfo(host, service, &hints, &list);
  for (struct addrinfo *each = list; code == 0 && each && count < room; each = each->ai_next) {
    count += (uint32_t)from_kernel(each->ai_addr, &addresses[count]);
  }
  if (list) {
    freeaddrinfo(list);
  }
  if (count == 0) {
    dial_name_error(error, host, code ? gai_strerror(code) : "it has no address");
  }
  return count;
}

void dial_name_error(penstock_error *error, const char *host, const char *reason) {
  static const char words[] = "cannot resolve ";
  int is_said = strncmp(reason, words, sizeof(words) - 1) == 0; /* a reason may come as a whole sentence */
  (void)penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT, "%s%s%s%s", is_said ? "" : words,
                      is_said ? "" : host, is_said ? "" : ": ", reason);
  penstock_next(error,
                "Check the spelling and the network. If %s is meant to be an alias of ssh_config, `ssh -G %s` shows "
                "what it stands for there (hostname)",
                host, host);
}

void dial_connect_error(penstock_error *error, const char *host, const char *address, const dial_options *options,
                        int code) {
  if (code < 0) {
    const char *name = options->bind_address ? options->bind_address : options->bind_interface;
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s (%s) from %s %s: %s",
                        host, address, options->bind_address ? "the address" : "the interface", name, strerror(-code));
    penstock_next(error,
                  "`ip address` shows what this machine has; %s in ssh_config must be one of it, of the same "
                  "family as the host's address",
                  options->bind_address ? "BindAddress" : "BindInterface");
    return;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s (%s): %s", host, address,
                      strerror(code));
  if (code == ECONNREFUSED) {
    penstock_next(error, "The machine answers, but no SSH server listens there: check `port`, and that sshd runs");
  } else {
    penstock_next(error, "Check that the machine is on, that a VPN it needs is up, and that no firewall is between");
  }
}

/* --- sockets as such ------------------------------------------------------------------------------- */

int dial_pair(penstock_socket pair[2]) {
  int fds[2];
  /* Not inherited, and so from the start: another lane may start a program at this moment. */
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return errno;
  }
  pair[0] = fds[0];
  pair[1] = fds[1];
  return 0;
}

int64_t dial_send(penstock_socket socket, const void *data, size_t size) {
  ssize_t count = send((int)socket, data, size, MSG_NOSIGNAL);
  return count >= 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? DIAL_AGAIN : DIAL_BROKEN;
}

int64_t dial_receive(penstock_socket socket, void *data, size_t size) {
  ssize_t count = recv((int)socket, data, size, 0);
  return count >= 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? DIAL_AGAIN : DIAL_BROKEN;
}

void dial_shut(penstock_socket socket) {
  (void)shutdown((int)socket, SHUT_WR);
}

void dial_set_timeout(penstock_socket socket, uint32_t timeout_ms) {
  int third = timeout_ms < 3000 ? 1 : (int)(timeout_ms / 3000);
#if defined(TCP_USER_TIMEOUT)
  unsigned value = timeout_ms;
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value));
#endif
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL)
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_KEEPIDLE, &third, sizeof(third));
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_KEEPINTVL, &third, sizeof(third));
#endif
#if defined(TCP_KEEPCNT)
  int probes = 2;
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
#endif
}

void dial_set_least(penstock_socket socket, uint32_t bytes) {
  int least = (int)bytes;
  (void)setsockopt((int)socket, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

void dial_quick_ack(penstock_socket socket) {
#if defined(TCP_QUICKACK)
  int on = 1;
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
#else
  (void)socket;
#endif
}
