/* SPDX-License-Identifier: MIT */
/**
 * @file watch.h
 * Being told when there is something to read on a control connection that we have made (ps_control_dial), for whoever
 * has a loop. The platform is behind it.
 * Thread: the loop's.
 */
#ifndef PS_CONTROL_WATCH_H
#define PS_CONTROL_WATCH_H

#include <uv.h>

#include <penstock/sdk.h>

/** A connection that is watched. */
typedef struct ps_control_watch ps_control_watch;

/** There is something to read, or the connection has ended; below 0 it cannot be watched any more. */
typedef void ps_control_ready(void *context, int status);

/** Begins, and tells again until all was read. NULL if that cannot be. */
ps_control_watch *ps_control_watch_open(uv_loop_t *loop, penstock_socket socket, ps_control_ready *ready,
                                        void *context);
/** Tells no more, and frees it when the loop has turned; may be called from within `ready`. The connection stays. */
void ps_control_watch_close(ps_control_watch *watch);

#endif
