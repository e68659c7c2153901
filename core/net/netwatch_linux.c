/* SPDX-License-Identifier: MIT */
/*
 * rtnetlink(7) tells of every change, and of much that is none: a Wi-Fi scan, an address whose lifetime is renewed by
 * each router advertisement. So news of links and addresses only cause a look at what the addresses are now; news of
 * routes count by themselves. What happens to interfaces of containers says nothing of the way to another machine, and
 * counts in neither.
 */
#include "net/netwatch.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/interfaces_linux.h"

struct ps_netwatch {
  uv_poll_t poll;
  uv_timer_t settle;
  int fd;
  int open_handles;
  int is_sure;       /* something has changed, whatever the addresses say */
  uint64_t snapshot; /* of the addresses */
  ps_interfaces interfaces;
  void (*changed)(void *context);
  void *context;
};

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t value, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) {
    value = (value ^ bytes[i]) * 0x100000001b3ull;
  }
  return value;
}

/* One address of an interface that is up. The sum of these is the same in whatever order they come. */
static uint64_t hash_address(const struct ifaddrs *each) {
  unsigned flags = each->ifa_flags & (IFF_UP | IFF_RUNNING);
  uint64_t value = hash(0xcbf29ce484222325ull, each->ifa_name, strlen(each->ifa_name));
  value = hash(value, &flags, sizeof(flags));
  if (each->ifa_addr->sa_family == AF_INET) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)each->ifa_addr;
    return hash(value, &address->sin_addr, sizeof(address->sin_addr));
  }
  const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)(const void *)each->ifa_addr;
  return hash(value, &address->sin6_addr, sizeof(address->sin6_addr));
}

static uint64_t take_snapshot(const ps_interfaces *interfaces) {
  struct ifaddrs *list = NULL;
  uint64_t sum = 0;
  if (getifaddrs(&list) != 0) {
    return 0;
  }
  for (const struct ifaddrs *each = list; each; each = each->ifa_next) {
    if (each->ifa_addr && (each->ifa_addr->sa_family == AF_INET || each->ifa_addr->sa_family == AF_INET6) &&
        ps_interfaces_counts_name(interfaces, each->ifa_name)) {
      sum += hash_address(each);
    }
  }
  freeifaddrs(list);
  return sum;
}

static void on_settled(uv_timer_t *timer) {
  ps_netwatch *watch = timer->data;
  uint64_t now = take_snapshot(&watch->interfaces);
  int has_changed = watch->is_sure || now != watch->snapshot;
  watch->snapshot = now;
  watch->is_sure = 0;
  if (has_changed) {
    watch->changed(watch->context);
  }
}

/* Reads what there is; returns whether there was anything. */
static int read_news(ps_netwatch *watch) {
  union {
    struct nlmsghdr header; /* for its alignment */
    char bytes[16384];
  } buffer;
  int any = 0;
  for (;;) {
    ssize_t count = recv(watch->fd, buffer.bytes, sizeof(buffer.bytes), 0);
    if (count < 0 && errno == ENOBUFS) { /* more news than it could keep */
      watch->is_sure = any = 1;
      ps_interfaces_load(&watch->interfaces);
      continue;
    }
    if (count <= 0) {
      return any;
    }
    any = 1;
    size_t at = 0;
    const struct nlmsghdr *each;
    while ((each = ps_netlink_next(buffer.bytes, (size_t)count, &at)) != NULL) {
      ps_interfaces_learn(&watch->interfaces, each);
      watch->is_sure |= ps_interfaces_is_way(&watch->interfaces, each);
    }
  }
}

static void on_news(uv_poll_t *poll, int status, int events) {
  ps_netwatch *watch = poll->data;
  (void)events;
  if (read_news(watch) && !uv_is_active((uv_handle_t *)&watch->settle)) {
    (void)uv_timer_start(&watch->settle, on_settled, PS_NETWATCH_SETTLE_MS, 0);
  }
  if (status < 0) { /* libuv has stopped: an overrun shows as an error of the socket */
    (void)uv_poll_start(poll, UV_READABLE, on_news);
  }
}

static int subscribe(void) {
  struct sockaddr_nl name = {.nl_family = AF_NETLINK};
  name.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
    (void)close(fd);
    fd = -1;
  }
  return fd;
}

ps_netwatch *ps_netwatch_start(uv_loop_t *loop, void (*changed)(void *context), void *context) {
  ps_netwatch *watch = calloc(1, sizeof(*watch));
  int fd = watch ? subscribe() : -1;
  if (fd < 0 || uv_poll_init(loop, &watch->poll, fd) != 0) {
    if (fd >= 0) {
      (void)close(fd);
    }
    free(watch);
    return NULL;
  }
  (void)uv_timer_init(loop, &watch->settle);
  watch->fd = fd;
  watch->open_handles = 2;
  watch->poll.data = watch;
  watch->settle.data = watch;
  watch->changed = changed;
  watch->context = context;
  ps_interfaces_load(&watch->interfaces);
  watch->snapshot = take_snapshot(&watch->interfaces);
  (void)uv_poll_start(&watch->poll, UV_READABLE, on_news);
  return watch;
}

static void on_closed(uv_handle_t *handle) {
  ps_netwatch *watch = handle->data;
  if (--watch->open_handles == 0) {
    ps_interfaces_clear(&watch->interfaces);
    free(watch);
  }
}

void ps_netwatch_stop(ps_netwatch *watch) {
  if (watch) {
    uv_close((uv_handle_t *)&watch->poll, on_closed);
    uv_close((uv_handle_t *)&watch->settle, on_closed);
    (void)close(watch->fd);
  }
}
