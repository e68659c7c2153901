/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_loop.h
 * The watches and timers of one link and of all that it rests on (hosts on the way, a ProxyCommand). They live in the
 * host's loop, and can also be driven by ssh_loop_wait where that loop stands still: during a login, which blocks,
 * while the hosts on the way must go on; and in `penstock trust`, which is called outside of any loop.
 *
 * Thread: the lane's, all of it.
 */
#ifndef TRANSPORTS_SSH_LOOP_H
#define TRANSPORTS_SSH_LOOP_H

#include <penstock/sdk.h>

typedef struct ssh_loop ssh_loop;

/** A host table whose watches, timers and look-ups are the loop's. The other slots may be replaced by its user. */
typedef struct ssh_table {
  penstock_host host; /* first: a penstock_host* of ours is a ssh_table* */
  ssh_loop *loop;
} ssh_table;

/** NULL: out of memory. `host` must outlive it. */
ssh_loop *ssh_loop_create(const penstock_host *host);
/** Ends all watches, timers and look-ups; calls nothing back. NULL is fine. */
void ssh_loop_destroy(ssh_loop *loop);

/** The loop's own table. Borrowed. */
const penstock_host *ssh_loop_table(const ssh_loop *loop);
/** The host that it was made of. Borrowed. */
const penstock_host *ssh_loop_host(const ssh_loop *loop);
/** Fills in a table of the caller's. */
void ssh_loop_lend(ssh_loop *loop, ssh_table *table);

/**
 * Leaves the host's loop alone (or no more): for calls outside of it. Nothing may be watched or timed at that moment.
 * Names are then resolved in place.
 */
void ssh_loop_set_alone(ssh_loop *loop, int is_alone);
/** Forgets look-ups that would call back with `context`. */
void ssh_loop_forget(ssh_loop *loop, const void *context);
/**
 * One round: waits until something is due, `socket` (PENSTOCK_SOCKET_NONE = none) is ready for one of `events`, or
 * `timeout_ms` is over; calls back what is due. Never to be called from a callback that might free what the caller
 * uses.
 */
void ssh_loop_wait(ssh_loop *loop, penstock_socket socket, uint32_t events, uint64_t timeout_ms);

#endif
