/* SPDX-License-Identifier: MIT */
/**
 * @file netwatch.h
 * Notices that this machine's network has changed: an address, a route, an interface that comes or goes (Wi-Fi, VPN,
 * cable, waking up elsewhere).
 *
 * Thread: that of the loop.
 */
#ifndef PS_NETWATCH_H
#define PS_NETWATCH_H

#include <uv.h>

typedef struct ps_netwatch ps_netwatch;

/**
 * Calls `changed` after a change, once for what comes within PS_NETWATCH_SETTLE_MS. NULL where the system does not
 * tell (or is out of descriptors): then nothing is noticed.
 */
ps_netwatch *ps_netwatch_start(uv_loop_t *loop, void (*changed)(void *context), void *context);
/** Ends it; memory and handles go on a later turn of the loop. NULL is fine. */
void ps_netwatch_stop(ps_netwatch *watch);

/** A new network comes as a burst of news: this long after the first one it is looked at, in milliseconds. */
#define PS_NETWATCH_SETTLE_MS 150

#endif
