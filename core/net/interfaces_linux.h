/* SPDX-License-Identifier: MIT */
/**
 * @file interfaces_linux.h
 * Which network interfaces of this machine say something of its way to others, and which only belong to containers: a
 * pair of ends (veth) that is plugged into a bridge, and a bridge that nothing but such ends is plugged into. Those
 * come and go with containers. The veth that is itself the way out, as eth0 in a container is, and a bridge with a
 * network card in it count as any other interface.
 *
 * Read from rtnetlink(7)'s news, trusting no length in it. A message that is given is as long as its header says.
 * Thread: any one.
 */
#ifndef PS_INTERFACES_LINUX_H
#define PS_INTERFACES_LINUX_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stddef.h>

typedef enum ps_interface_kind { PS_INTERFACE_OTHER, PS_INTERFACE_VETH, PS_INTERFACE_BRIDGE } ps_interface_kind;

typedef struct ps_interface {
  int index;
  int master;  /**< index of what it is plugged into; 0 = nothing */
  int is_port; /**< it was plugged into something once: it stays so when it is taken apart, before it goes */
  ps_interface_kind kind;
  char name[IF_NAMESIZE];
} ps_interface;

/** All that are known. Zeroed before use; one that is not known counts. */
typedef struct ps_interfaces {
  ps_interface *items;
  size_t count;
  size_t room;
} ps_interfaces;

/**
 * The message at `*at` of the `size` bytes that one recv() gave, aligned as such a message is; `*at`, 0 at first, is
 * then the next one's. NULL if there is no whole one.
 */
const struct nlmsghdr *ps_netlink_next(const void *bytes, size_t size, size_t *at);

/** Learns from a message; nothing if it is none of a link. */
void ps_interfaces_learn(ps_interfaces *interfaces, const struct nlmsghdr *message);
/** Forgets all, and asks the kernel which there are. If it does not tell, all count. */
void ps_interfaces_load(ps_interfaces *interfaces);
/** Does the interface of that index matter to this machine's way to others? */
int ps_interfaces_counts(const ps_interfaces *interfaces, int index);
/** The same by its name, which may be an alias ("eth0:1"). */
int ps_interfaces_counts_name(const ps_interfaces *interfaces, const char *name);
/**
 * Is the message news of a route by which others are reached? Not one of the kernel's table of its own addresses, or of
 * its cache, or out of an interface that does not count.
 */
int ps_interfaces_is_way(const ps_interfaces *interfaces, const struct nlmsghdr *message);
/** Frees what is in it. */
void ps_interfaces_clear(ps_interfaces *interfaces);

#endif
