/* SPDX-License-Identifier: MIT */
/**
 * @file swap.h
 * The crews beside the one in use: one that comes (another profile, which connects while the old one serves), and those
 * that leave (their streams may finish). The gateway has the port and the crew in use; it passes on what these say.
 * Thread: the main thread.
 */
#ifndef PS_SWAP_H
#define PS_SWAP_H

#include <jansson.h>

#include "gateway/crew.h"
#include "gateway/gateway.h"

/** So many may leave at once: each has threads, connections and descriptors. */
#define PS_SWAP_LEAVING_MAX 8

typedef struct ps_swap {
  ps_crew *coming;   /**< NULL = none */
  int64_t drain_ms;  /**< that was asked for; below 0: as the profile in use says */
  const char *other; /**< name of the profile in use */
  ps_list leaving;   /**< of those that have lanes yet */
  size_t leaving_count;
  size_t draining_count; /**< of them, those that were in use */
  void (*tell)(void *context, const ps_swap_event *event);
  void *context;
} ps_swap;

void ps_swap_init(ps_swap *swap, void (*tell)(void *context, const ps_swap_event *event), void *context);

/**
 * A crew, opened and not started, begins to connect beside `used`. `listening` as for ps_crew_start. Returns 0, and
 * ps_swap_tell_begun is to follow in the same turn; or a negative code with `error`: the crew is gone.
 */
int ps_swap_begin(ps_swap *swap, ps_crew *crew, const ps_crew *used, penstock_socket listening, int64_t drain_ms,
                  penstock_error *error);
/** Tells that it does. */
void ps_swap_tell_begun(const ps_swap *swap);
/** The one that comes serves: returns it, which is the one in use from now on; `used` leaves. */
ps_crew *ps_swap_take(ps_swap *swap, ps_crew *used);
/** The one that comes has failed, and leaves. Harmless if there is none. */
void ps_swap_fail(ps_swap *swap, const penstock_error *error);

/** What a crew says that is not in use. */
void ps_swap_state(ps_swap *swap, ps_crew *crew, int is_news, const penstock_error *error);
void ps_swap_leg(const ps_swap *swap, const ps_crew *crew, uint32_t leg, uint64_t elapsed_ns, const char *text,
                 const penstock_error *error);
void ps_swap_progress(const ps_swap *swap, const ps_crew *crew, const char *text);
void ps_swap_ended(ps_swap *swap, ps_crew *crew);

/** All of them, as those of crew.h. */
size_t ps_swap_load(const ps_swap *swap);
uint32_t ps_swap_lanes(const ps_swap *swap);
uint32_t ps_swap_blocked(const ps_swap *swap);
/** But not the one that comes. */
size_t ps_swap_ask_reports(const ps_swap *swap, uint64_t ticket);
void ps_swap_network_changed(const ps_swap *swap);
/** The gateway ends: so do they, with `drain_ms` at most for the streams of those that leave. */
void ps_swap_stop(ps_swap *swap, uint64_t drain_ms);
/** Those that were in use and leave, for a status: a list of {"profile","transport","streams","left_ms"}. A new
 * reference. */
json_t *ps_swap_leaving_json(const ps_swap *swap);
/** An event, as subscribers get it and `up --json` prints it. A new reference. */
json_t *ps_swap_event_json(const ps_swap_event *event);

#endif
