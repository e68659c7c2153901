/* SPDX-License-Identifier: MIT */
/**
 * @file acceptor.h
 * Takes connections in from a listening socket: asks whose they are, hands them on, and leaves them in the kernel while
 * there is no room. Several threads may have one each for the same socket, with a descriptor each.
 * Thread: the loop's.
 */
#ifndef PS_ACCEPTOR_H
#define PS_ACCEPTOR_H

#include <penstock/sdk.h>
#include <uv.h>

#include "net/net.h"

/** What it does with connections. */
typedef struct ps_acceptor_options {
  int own_only;                                              /**< only this user's and root's processes may connect */
  const char *source;                                        /**< for the log; borrowed */
  int (*full)(void *context);                                /**< is there no room for another connection? */
  void (*accepted)(void *context, penstock_socket accepted); /**< gets each that is permitted, and owns it */
  void *context;
} ps_acceptor_options;

typedef struct ps_acceptor {
  ps_acceptor_options options;
  penstock_socket socket; /**< PENSTOCK_SOCKET_NONE: closed */
  int is_on;
  int is_lent; /**< the socket is somebody else's too, who goes on listening when we do not */
  ps_peers peers;
  uv_poll_t poll;
  uv_timer_t pause;   /**< out of room or descriptors: goes on when it fires */
  uint64_t warned_ns; /**< of the last warning, so that a flood of refusals is no flood of lines */
  uint64_t refused;   /**< since the last warning */
} ps_acceptor;

/** Makes one for `listening`, which becomes its own; it takes nothing in yet. Returns 0 or a negative code. */
int ps_acceptor_open(ps_acceptor *acceptor, uv_loop_t *loop, penstock_socket listening,
                     const ps_acceptor_options *options);
/** Does it take connections in? */
void ps_acceptor_set(ps_acceptor *acceptor, int is_on);
/** Closes its descriptor; its handles close on a later turn. Harmless if it is closed. */
void ps_acceptor_close(ps_acceptor *acceptor);

#endif
