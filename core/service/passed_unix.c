/* SPDX-License-Identifier: MIT */
/* The listening socket that a service manager opened for us: sd_listen_fds(3) is what these lines do. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"
#include "service/manager.h"

/* The first one is always this. */
#define FIRST 3
/* No manager passes more to one service. */
#define MOST 64

static void forget(void) {
  (void)unsetenv("LISTEN_PID");
  (void)unsetenv("LISTEN_FDS");
  (void)unsetenv("LISTEN_FDNAMES");
}

/* How many there are for us. What is another process's business stays as it is. */
static int count_passed(void) {
  const char *pid = getenv("LISTEN_PID");
  const char *count = getenv("LISTEN_FDS");
  if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid()) {
    return 0;
  }
  long number = strtol(count, NULL, 10);
  forget();
  return number > 0 && number <= MOST ? (int)number : 0;
}

/* They come without FD_CLOEXEC, or they would not have come. */
static void keep_from_children(int fd) {
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* Can connections of TCP be accepted from it? */
static int is_of_use(int fd) {
  struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
  socklen_t size = sizeof(name);
  (void)getsockname(fd, (struct sockaddr *)&name, &size);
  return (name.ss_family == AF_INET || name.ss_family == AF_INET6) && option(fd, SO_TYPE) == SOCK_STREAM &&
         option(fd, SO_ACCEPTCONN) == 1;
}

static int choose(const char *address, int count) {
  int chosen = -1;
  for (int fd = FIRST; fd < FIRST + count; fd++) {
    if (is_of_use(fd) && (chosen < 0 || (!ps_net_is_bound_to(chosen, address) && ps_net_is_bound_to(fd, address)))) {
      chosen = fd;
    }
  }
  return chosen;
}

int ps_manager_passed(const char *address, penstock_socket *listening, int *others, penstock_error *error) {
  int count = count_passed();
  *others = count > 0 ? count - 1 : 0;
  if (count == 0) {
    return 0;
  }
  int chosen = choose(address, count);
  for (int fd = FIRST; fd < FIRST + count; fd++) {
    keep_from_children(fd);
    if (fd != chosen) {
      (void)close(fd);
    }
  }
  if (chosen < 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "what the service manager passed is no listening TCP socket");
    penstock_next(error, "set `ListenStream=%s` and `Accept=no` in the socket unit", address);
    return PENSTOCK_E_FAILED;
  }
  int flags = fcntl(chosen, F_GETFL);
  (void)fcntl(chosen, F_SETFL, flags | O_NONBLOCK);
  *listening = chosen;
  return 1;
}
