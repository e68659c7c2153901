/* SPDX-License-Identifier: MIT */
/**
 * @file listener.h
 * The local port: it is open as long as the gateway lives, whatever the transport does. Who takes connections in is the
 * gateway's acceptor, or one of a lane's.
 * Thread: the main thread.
 */
#ifndef PS_LISTENER_H
#define PS_LISTENER_H

#include "net/acceptor.h"

/**
 * Listens on `address`; `bound` gets the real one. `acceptor` takes connections in. A socket that the service manager
 * passed is used instead, whatever its address is: a warning says if it is another one. But one that other machines
 * reach is refused if they would not reach `address`. Returns 0 or a negative code with `error`.
 */
int ps_listener_open(ps_acceptor *acceptor, uv_loop_t *loop, const char *address, const ps_acceptor_options *options,
                     char *bound, size_t bound_size, penstock_error *error);
/**
 * Could one listen on `address` now? Returns 0; or a negative code with `error`, that of ps_listener_open. A port that
 * another penstock holds, or the user's systemd for a socket unit, counts as free: it is likely for the gateway that is
 * asked about.
 */
int ps_listener_try(const char *address, penstock_error *error);
/**
 * Stops listening at once, for everybody who has a descriptor. A socket that was passed is only closed: connections go
 * on to wait there, for the next one who gets it. Harmless if it is not open.
 */
void ps_listener_close(ps_acceptor *acceptor);

#endif
