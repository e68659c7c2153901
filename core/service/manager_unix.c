/* SPDX-License-Identifier: MIT */
#include "service/manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* The main thread tells, and must not hang with a manager that does. */
#define PATIENCE_US 200000

struct ps_manager {
  int fd;
  struct sockaddr_un address;
  socklen_t address_size;
  uint64_t watchdog_ms;
};

/* A path, or with `@` a name that is in no file system. Other kinds of addresses are for virtual machines. */
static int set_address(ps_manager *manager, const char *place) {
  size_t size = strlen(place);
  if ((place[0] != '/' && place[0] != '@') || size < 2 || size >= sizeof(manager->address.sun_path)) {
    return -1;
  }
  manager->address.sun_family = AF_UNIX;
  memcpy(manager->address.sun_path, place, size);
  if (place[0] == '@') {
    manager->address.sun_path[0] = '\0';
  }
  manager->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (place[0] == '/'));
  return 0;
}

/* $WATCHDOG_PID says whose it is, since it may be inherited by anybody. */
static uint64_t watchdog_ms(void) {
  const char *interval = getenv("WATCHDOG_USEC");
  const char *pid = getenv("WATCHDOG_PID");
  if (!interval || (pid && strtol(pid, NULL, 10) != (long)getpid())) {
    return 0;
  }
  return strtoull(interval, NULL, 10) / 1000;
}

int ps_manager_is_there(void) {
  const char *place = getenv("NOTIFY_SOCKET");
  const char *pid = getenv("LISTEN_PID");
  return (place && place[0]) || (pid && getenv("LISTEN_FDS") && strtol(pid, NULL, 10) == (long)getpid());
}

ps_manager *ps_manager_find(void) {
  const char *place = getenv("NOTIFY_SOCKET");
  ps_manager *manager = place && place[0] ? calloc(1, sizeof(*manager)) : NULL;
  if (!manager) {
    return NULL;
  }
  const struct timeval patience = {.tv_usec = PATIENCE_US};
  manager->watchdog_ms = watchdog_ms();
  manager->fd = set_address(manager, place) == 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  (void)unsetenv("NOTIFY_SOCKET");
  (void)unsetenv("WATCHDOG_USEC");
  (void)unsetenv("WATCHDOG_PID");
  if (manager->fd < 0) {
    free(manager);
    return NULL;
  }
  (void)setsockopt(manager->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  return manager;
}

int ps_manager_tell(const ps_manager *manager, const char *lines, int is_needed) {
  int flags = MSG_NOSIGNAL | (is_needed ? 0 : MSG_DONTWAIT);
  ssize_t count;
  do {
    count = sendto(manager->fd, lines, strlen(lines), flags, (const struct sockaddr *)&manager->address,
                   manager->address_size);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? PENSTOCK_E_FAILED : PENSTOCK_OK;
}

uint64_t ps_manager_watchdog_ms(const ps_manager *manager) {
  return manager->watchdog_ms;
}

void ps_manager_free(ps_manager *manager) {
  if (manager) {
    (void)close(manager->fd);
    free(manager);
  }
}
