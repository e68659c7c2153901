/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/ssh_dial_internal.h"

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
      dial_address address;
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
  dial_address target;
  int on = 1;
  socklen_t size = dial_address_set(&target, address);
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

static short to_poll(uint32_t events) {
  return (short)((events & PENSTOCK_EVENT_READ ? POLLIN : 0) | (events & PENSTOCK_EVENT_WRITE ? POLLOUT : 0));
}

static uint32_t from_poll(int ready, uint32_t asked) {
  uint32_t events =
      (ready & POLLIN ? (uint32_t)PENSTOCK_EVENT_READ : 0u) | (ready & POLLOUT ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  return ready & (POLLERR | POLLHUP | POLLNVAL) ? events | asked | PENSTOCK_EVENT_ERROR : events;
}

int dial_poll_all(dial_poller *pollers, size_t count, uint64_t timeout_ms) {
  struct pollfd few[8];
  struct pollfd *list = count <= sizeof(few) / sizeof(few[0]) ? few : calloc(count, sizeof(*list));
  if (!list) {
    return 0;
  }
  for (size_t i = 0; i < count; i++) { /* poll() passes over -1 */
    list[i] = (struct pollfd){.fd = (int)pollers[i].socket, .events = to_poll(pollers[i].events)};
  }
  int ready = poll(list, (nfds_t)count, timeout_ms > DIAL_POLL_MAX_MS ? DIAL_POLL_MAX_MS : (int)timeout_ms);
  for (size_t i = 0; i < count; i++) {
    pollers[i].ready = ready > 0 && list[i].revents ? from_poll(list[i].revents, pollers[i].events) : 0;
  }
  if (list != few) {
    free(list);
  }
  return ready;
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

/* --- words ----------------------------------------------------------------------------------------- */

const char *dial_reason(int code, char *text, size_t size) {
  (void)snprintf(text, size, "%s", strerror(code));
  return text;
}

int dial_is_refused(int code) {
  return code == ECONNREFUSED;
}

const char *dial_name_reason(int code, char *text, size_t size) {
  (void)snprintf(text, size, "%s", gai_strerror(code));
  return text;
}

void dial_source_next(penstock_error *error, const dial_options *options) {
  penstock_next(error,
                "`ip address` shows what this machine has; %s in ssh_config must be one of it, of the same "
                "family as the host's address",
                options->bind_address ? "BindAddress" : "BindInterface");
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

int dial_set_least(penstock_socket socket, uint32_t bytes) {
  int least = (int)bytes;
  return setsockopt((int)socket, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)) == 0;
}

void dial_quick_ack(penstock_socket socket) {
#if defined(TCP_QUICKACK)
  int on = 1;
  (void)setsockopt((int)socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
#else
  (void)socket;
#endif
}
