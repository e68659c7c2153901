/* SPDX-License-Identifier: MIT */
/**
 * @file hold.h
 * Connections that wait for a transport: each is given out when one is up, or aborted when its time is
 * over; never accepted and forgotten.
 * Thread: the main thread.
 */
#ifndef PS_HOLD_H
#define PS_HOLD_H

#include <uv.h>

#include "lane/lane.h"

typedef struct ps_hold {
  ps_list clients;     /**< of ps_client */
  atomic_size_t count; /**< may be read by any thread */
  uint64_t refused;    /**< so far, in vain as they waited */
  uv_timer_t tick;
  void (*waiting)(void *context); /**< comes every PS_HOLD_TICK_MS while somebody waits */
  void *context;
} ps_hold;

/** How often those who wait are looked after, in milliseconds. */
#define PS_HOLD_TICK_MS 200

void ps_hold_open(ps_hold *hold, uv_loop_t *loop, void (*waiting)(void *context), void *context);
/** Takes a client in. */
void ps_hold_add(ps_hold *hold, ps_client *client);
/** Gives the one that has waited longest; NULL if there is none. */
ps_client *ps_hold_take(ps_hold *hold);
/** The earliest deadline of those who wait; 0 = nobody does. */
uint64_t ps_hold_first_ns(const ps_hold *hold);
/** Aborts those whose time is over; returns how many. */
size_t ps_hold_expire(ps_hold *hold, uint64_t now_ns);
/** Aborts all; returns how many. */
size_t ps_hold_refuse_all(ps_hold *hold);
/** Aborts all and closes the timer. */
void ps_hold_close(ps_hold *hold);

#endif
