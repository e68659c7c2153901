/* SPDX-License-Identifier: MIT */
/**
 * @file host.h
 * The service half of the penstock_host table (log, clock, watch, timer, spawn, resolve, job, prompt,
 * secret, metrics) on a libuv loop. Its owner fills in the other half (steps, link, streams).
 *
 * Thread: the thread that runs `loop`, except slots marked [any thread] in penstock/host.h.
 */
#ifndef PS_HOST_H
#define PS_HOST_H

#include <penstock/sdk.h>
#include <uv.h>

#include "base/list.h"

/** One instance's host. Owned (and placed in memory) by its owner; address stays until `closed` was called. */
typedef struct ps_host {
  penstock_host table; /**< lent to the plugin; table.impl is this ps_host. First member. */
  uv_loop_t *loop;
  const char *source; /**< the profile's name, for the log; borrowed */
  void *owner;        /**< the owner's own, for its slots */
  ps_list watches;
  ps_list timers;
  ps_list processes;
  ps_list requests; /**< resolves under way */
  size_t pending;   /**< watches, timers, processes and requests whose memory is still in use */
  int closing;
  uv_idle_t closer; /**< takes ps_host_close to a later turn */
  void (*closed)(void *context);
  void *closed_context;
} ps_host;

/** Fills in the service slots; all other members of the table are zero. */
void ps_host_init(ps_host *host, uv_loop_t *loop, const char *source);

/**
 * Ends what is left: watches, timers and resolves without calling back; child processes are killed as a
 * group and reaped; a job still gets its `done` (its context is freed there). `closed` comes on a later
 * turn of the loop, once, when nothing refers to `host` any more. After this call slots refuse with
 * PENSTOCK_E_CANCELLED or NULL. A name server that does not answer does not hold it up: such a resolve is
 * left behind on the loop, and ends there by itself.
 */
void ps_host_close(ps_host *host, void (*closed)(void *context), void *context);

#endif
