/* SPDX-License-Identifier: MIT */
/**
 * @file listener.h
 * The local port: accepts, checks whose connection it is, hands it on. It stays open as long as the
 * gateway lives, whatever the transport does.
 * Thread: the main thread.
 */
#ifndef PS_LISTENER_H
#define PS_LISTENER_H

#include <penstock/sdk.h>
#include <uv.h>

#include "net/net.h"

typedef struct ps_listener {
  penstock_socket socket;
  ps_peers peers;
  int own_only;       /**< only this user's and root's processes may connect */
  const char *source; /**< for the log; borrowed */
  uv_poll_t poll;
  uv_timer_t pause;           /**< out of descriptors: accepts again when it fires */
  uint64_t warned_ns;         /**< of the last warning, so that a flood of refusals is no flood of lines */
  uint64_t refused;           /**< since the last warning */
  int (*full)(void *context); /**< is there no room for another connection? */
  void (*accepted)(void *context, penstock_socket socket);
  void *context;
} ps_listener;

/**
 * Listens on `address`; `bound` gets the real one. `accepted` gets each permitted connection and owns it; while
 * `full` says so they wait in the kernel.
 * Returns 0 or a negative code with `error`.
 */
int ps_listener_open(ps_listener *listener, uv_loop_t *loop, const char *address, int own_only, const char *source,
                     int (*full)(void *context), void (*accepted)(void *context, penstock_socket socket), void *context,
                     char *bound, size_t bound_size, penstock_error *error);
/**
 * Could one listen on `address` now? Returns 0; or a negative code with `error`, that of ps_listener_open. A port that
 * another penstock holds counts as free: it is likely the gateway that is asked about.
 */
int ps_listener_try(const char *address, penstock_error *error);
/** Stops listening at once; the handles close on a later turn. Harmless if it is not open. */
void ps_listener_close(ps_listener *listener);

#endif
