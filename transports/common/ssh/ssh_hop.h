/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_hop.h
 * A host on the way (ProxyJump): an ordinary ssh_link with a host table of its own, through which a connection to the
 * next host is opened. That connection is joined to a socket, over which the next host's session runs.
 *
 * Each hop has the settings that ssh_config has under its own name (and its own ProxyJump, if it is the first one of
 * the list), and its host key is verified before anything is authenticated there.
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_HOP_H
#define TRANSPORTS_SSH_HOP_H

#include "common/ssh/ssh_internal.h"

/** The end of a start: a socket to the next host (the receiver's), or PENSTOCK_SOCKET_NONE and an error. */
typedef void (*ssh_hop_done)(void *context, penstock_socket socket, const penstock_error *error);

/**
 * Connects to the host before `upper` (the last one of its settings' `jump`) by `deadline_ms`, and through it to upper.
 * `op` is the step that legs are reported for; NULL = none. `done` comes once, from a later turn of the loop; until
 * then `upper` must have no timer that could destroy the hop. NULL with `error` if it cannot even begin.
 */
ssh_hop *ssh_hop_start(ssh_link *upper, penstock_op *op, uint64_t deadline_ms, ssh_hop_done done, void *context,
                       penstock_error *error);
/** Closes the session to the hop, and those below; calls nothing back. What was found out about it stays. */
void ssh_hop_stop(ssh_hop *hop);
/** Stops it and frees it. NULL is fine. */
void ssh_hop_destroy(ssh_hop *hop);

/** The link to the hop. Borrowed. */
ssh_link *ssh_hop_link(const ssh_hop *hop);
/** When the connection through the hop was asked for (host clock); 0 if it was not. */
uint64_t ssh_hop_asked_ns(const ssh_hop *hop);
/** Why the hop failed; NULL if it has not. */
const penstock_error *ssh_hop_error(const ssh_hop *hop);

/**
 * What ssh is asked for the hop before `upper`, whose settings must be known and have a `jump`. As `ssh -J` does it,
 * the last host of the list gets the others as its own ProxyJump. Returns 0, or a negative code with `error`;
 * `request`, to be zeroed before, is to be cleared in both cases.
 */
int ssh_hop_request(const ssh_link *upper, ssh_request *request, penstock_error *error);

/** So many hosts may be on the way. */
enum { SSH_HOPS_MAX = 8 };

/**
 * May `way[0]` be on the way to the links behind it, which follow each other to the last host? All settings are known.
 * Returns 0, or a negative code with `error` that shows the route: it goes in a circle, or over too many hosts.
 */
int ssh_hop_check_way(const ssh_link *const *way, size_t count, penstock_error *error);

/**
 * To be asked by a link that is a hop once its settings are known: may it be on the way? Returns 0, or a negative code
 * with `error` that shows the route: it goes in a circle, or over too many hosts.
 */
int ssh_hop_check_route(const ssh_link *link, penstock_error *error);

#endif
