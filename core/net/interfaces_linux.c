/* SPDX-License-Identifier: MIT */
#include "net/interfaces_linux.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- what a message says ------------------------------------------------------------------------ */

const struct nlmsghdr *ps_netlink_next(const void *bytes, size_t size, size_t *at) {
  const struct nlmsghdr *message;
  if (*at > size || size - *at < sizeof(*message)) { /* the last one may end before its padding does */
    return NULL;
  }
  message = (const void *)((const char *)bytes + *at);
  if (message->nlmsg_len < sizeof(*message) || message->nlmsg_len > size - *at) {
    return NULL;
  }
  *at += NLMSG_ALIGN(message->nlmsg_len);
  return message;
}

/* The attribute of that type among those of `size` bytes at `first`, or NULL. */
static const struct rtattr *find(const struct rtattr *first, size_t size, unsigned short type) {
  while (size >= sizeof(*first) && first->rta_len >= sizeof(*first) && first->rta_len <= size) {
    if ((first->rta_type & NLA_TYPE_MASK) == type) {
      return first;
    }
    size_t step = RTA_ALIGN(first->rta_len);
    if (step > size) {
      return NULL;
    }
    size -= step;
    first = (const struct rtattr *)(const void *)((const char *)first + step);
  }
  return NULL;
}

/* The same of a message whose attributes come after a head of `head` bytes. */
static const struct rtattr *attribute(const struct nlmsghdr *message, size_t head, unsigned short type) {
  size_t at = NLMSG_LENGTH(NLMSG_ALIGN(head));
  return message->nlmsg_len > at ? find((const void *)((const char *)message + at), message->nlmsg_len - at, type)
                                 : NULL;
}

/* A text that may lack its NUL; "" if it is not there or too long. */
static void read_text(const struct rtattr *from, char *text, size_t size) {
  size_t length = from ? strnlen(RTA_DATA(from), RTA_PAYLOAD(from)) : 0;
  length = length < size ? length : 0;
  if (length > 0) {
    memcpy(text, RTA_DATA(from), length);
  }
  text[length] = '\0';
}

static ps_interface_kind read_kind(const struct rtattr *info) {
  char kind[16] = "";
  if (info) {
    read_text(find(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_KIND), kind, sizeof(kind));
  }
  return strcmp(kind, "veth") == 0     ? PS_INTERFACE_VETH
         : strcmp(kind, "bridge") == 0 ? PS_INTERFACE_BRIDGE
                                       : PS_INTERFACE_OTHER;
}

static int read_number(const struct rtattr *from) {
  int number = 0;
  if (from && RTA_PAYLOAD(from) >= sizeof(number)) {
    memcpy(&number, RTA_DATA(from), sizeof(number));
  }
  return number;
}

/* --- what is known ------------------------------------------------------------------------------ */

static ps_interface *by_index(const ps_interfaces *interfaces, int index) {
  for (size_t i = 0; i < interfaces->count; i++) {
    if (interfaces->items[i].index == index) {
      return &interfaces->items[i];
    }
  }
  return NULL;
}

static void forget(ps_interfaces *interfaces, int index) {
  ps_interface *found = by_index(interfaces, index);
  if (found) {
    *found = interfaces->items[--interfaces->count];
  }
}

/* The entry of that index, made if there is none. NULL: out of memory, and then it counts. */
static ps_interface *provide(ps_interfaces *interfaces, int index) {
  ps_interface *found = by_index(interfaces, index);
  if (found) {
    return found;
  }
  if (interfaces->count == interfaces->room) {
    size_t room = interfaces->room ? 2 * interfaces->room : 16;
    ps_interface *items = realloc(interfaces->items, room * sizeof(*items));
    if (!items) {
      return NULL;
    }
    interfaces->items = items;
    interfaces->room = room;
  }
  found = &interfaces->items[interfaces->count++];
  memset(found, 0, sizeof(*found));
  found->index = index;
  return found;
}

void ps_interfaces_learn(ps_interfaces *interfaces, const struct nlmsghdr *message) {
  const struct ifinfomsg *link = (const struct ifinfomsg *)NLMSG_DATA(message);
  if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
      message->nlmsg_len < NLMSG_LENGTH(sizeof(*link))) {
    return;
  }
  if (link->ifi_family != AF_UNSPEC) {
    return; /* a bridge's news of its port: without the kind, and a DELLINK there only unplugs it */
  }
  if (message->nlmsg_type == RTM_DELLINK) {
    forget(interfaces, link->ifi_index);
    return;
  }
  ps_interface *known = provide(interfaces, link->ifi_index);
  if (known) {
    known->kind = read_kind(attribute(message, sizeof(*link), IFLA_LINKINFO));
    known->master = read_number(attribute(message, sizeof(*link), IFLA_MASTER));
    known->is_port |= known->master != 0;
    read_text(attribute(message, sizeof(*link), IFLA_IFNAME), known->name, sizeof(known->name));
  }
}

void ps_interfaces_clear(ps_interfaces *interfaces) {
  free(interfaces->items);
  memset(interfaces, 0, sizeof(*interfaces));
}

/* --- what counts -------------------------------------------------------------------------------- */

static int counts(const ps_interfaces *interfaces, const ps_interface *one) {
  if (!one || one->kind == PS_INTERFACE_OTHER) {
    return 1;
  }
  if (one->kind == PS_INTERFACE_VETH) {
    return !one->is_port;
  }
  for (size_t i = 0; i < interfaces->count; i++) {
    if (interfaces->items[i].master == one->index && interfaces->items[i].kind == PS_INTERFACE_OTHER) {
      return 1;
    }
  }
  return 0;
}

int ps_interfaces_counts(const ps_interfaces *interfaces, int index) {
  return counts(interfaces, by_index(interfaces, index));
}

int ps_interfaces_counts_name(const ps_interfaces *interfaces, const char *name) {
  size_t length = strcspn(name, ":");
  for (size_t i = 0; i < interfaces->count; i++) {
    const ps_interface *each = &interfaces->items[i];
    if (strncmp(each->name, name, length) == 0 && each->name[length] == '\0') {
      return counts(interfaces, each);
    }
  }
  return 1;
}

int ps_interfaces_is_way(const ps_interfaces *interfaces, const struct nlmsghdr *message) {
  const struct rtmsg *route = (const struct rtmsg *)NLMSG_DATA(message);
  if ((message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE) ||
      message->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) || route->rtm_table == RT_TABLE_LOCAL ||
      route->rtm_type != RTN_UNICAST || (route->rtm_flags & RTM_F_CLONED)) {
    return 0;
  }
  return ps_interfaces_counts(interfaces, read_number(attribute(message, sizeof(*route), RTA_OIF)));
}

/* --- asking the kernel -------------------------------------------------------------------------- */

/* Reads a part of the answer; returns whether there is more. */
static int read_part(ps_interfaces *interfaces, int fd) {
  union {
    struct nlmsghdr header; /* for its alignment */
    char bytes[32768];
  } buffer;
  ssize_t count = recv(fd, buffer.bytes, sizeof(buffer.bytes), 0);
  size_t at = 0;
  const struct nlmsghdr *each;
  while (count > 0 && at < (size_t)count) {
    each = ps_netlink_next(buffer.bytes, (size_t)count, &at);
    if (!each || each->nlmsg_type == NLMSG_DONE || each->nlmsg_type == NLMSG_ERROR) {
      return 0;
    }
    ps_interfaces_learn(interfaces, each);
  }
  return count > 0;
}

void ps_interfaces_load(ps_interfaces *interfaces) {
  static const struct timeval limit = {.tv_sec = 1}; /* the kernel answers at once, or never */
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } question = {
      .header = {.nlmsg_len = sizeof(question), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
  interfaces->count = 0;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) {
    return;
  }
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (send(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question)) {
    while (read_part(interfaces, fd)) {
    }
  }
  (void)close(fd);
}
