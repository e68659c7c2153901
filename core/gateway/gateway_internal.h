/* SPDX-License-Identifier: MIT */
/**
 * @file gateway_internal.h
 * What the files of the gateway share: gateway.c (its life, and what happens between listener, those who wait and
 * crews), gateway_asked.c (what the desk asks), gateway_reload.c (files are read anew).
 * Thread: the main thread.
 */
#ifndef PS_GATEWAY_INTERNAL_H
#define PS_GATEWAY_INTERNAL_H

#include "base/signals.h"
#include "gateway/crew.h"
#include "gateway/desk.h"
#include "gateway/gateway.h"
#include "gateway/herald.h"
#include "gateway/hold.h"
#include "gateway/metrics.h"
#include "gateway/swap.h"
#include "net/acceptor.h"
#include "net/netwatch.h"
#include "service/session.h"

/** What a reload has applied and takes back if the profile, which connects anew because of it, does not serve. */
typedef struct ps_gateway_undo {
  int is_on;
  int logs;            /**< the log is another one */
  ps_settings *common; /**< [gateway], as it was read before; NULL as there */
} ps_gateway_undo;

typedef struct ps_gateway {
  const ps_gateway_options *options; /**< = &own_options; its profile is the one in use */
  ps_gateway_options own_options;
  ps_gateway_events told; /**< those of the owner, whole */
  ps_settings *common;    /**< [gateway], as it was read last; NULL: it was not read anew */
  ps_gateway_undo undo;
  uv_loop_t loop;
  ps_acceptor acceptor;
  atomic_uint_fast64_t clients; /**< so far */
  ps_hold hold;
  ps_crew *crew; /**< the one in use */
  int crew_ended;
  ps_swap swap;        /**< the others */
  ps_desk *desk;       /**< NULL if it cannot be asked */
  ps_metrics *metrics; /**< NULL if nobody may ask for them */
  ps_herald *herald;   /**< NULL if no service manager wants to be told */
  uv_signal_t signals[PS_GATEWAY_SIGNALS];
  ps_session *session;   /**< NULL where its end comes as a signal */
  ps_netwatch *netwatch; /**< NULL where the system does not tell */
  uv_timer_t end;        /**< the deadline of the orderly end */
  int ever_up;
  int told_stopped; /**< that somebody is refused because the solver was stopped */
  int stopping;
  int failed; /**< `error` says why the run ends */
  penstock_error error;
  size_t descriptors; /**< that the process may have */
} ps_gateway;

/** A text of the profile in use, or `otherwise`. */
const char *ps_gateway_setting(const ps_gateway *self, const char *key, const char *otherwise);
/** Who takes connections in from now on. */
void ps_gateway_place_door(ps_gateway *self);
/** Will no lane be up again by itself? */
int ps_gateway_hopeless(const ps_gateway *self);
/** Makes a crew for a profile, which takes over what its `release` frees; not started. NULL if there is no memory. */
ps_crew *ps_gateway_open_crew(ps_gateway *self, const ps_gateway_profile *profile);
/** How many clients a crew may have beside the others; for the one in use, or one that is to come. */
void ps_gateway_set_clients_max(const ps_gateway *self, ps_crew *crew);
/** Ends it in order. `drain_ms` below 0: at first as the profile says, and at once if it is asked again. Returns how
 * long streams may go on, in milliseconds. `context` is the gateway. */
uint64_t ps_gateway_end(void *context, int64_t drain_ms);

/** A profile, which becomes the gateway's, begins to connect beside the one in use; ps_swap_tell_begun is to follow.
 * Returns 0 or a negative code with `error`. */
int ps_gateway_begin_swap(ps_gateway *self, ps_gateway_profile *profile, int64_t drain_ms, penstock_error *error);
/** Reads the files anew and applies what they say otherwise. Returns 0 with *changes, which the caller frees; or a
 * negative code with `fault`, and nothing has changed. `context` is the gateway. */
int ps_gateway_reload(void *context, ps_reload *changes, ps_control_fault *fault);
/** A swap has ended. What the reload that began it, if one did, has applied stays, or is taken back. */
void ps_gateway_reload_settle(ps_gateway *self, int has_served);

/** One thing at a time: what each of them does to link and solver, the others count on. Returns 0; or a negative code
 * with `fault`, if it ends, or somebody stops or starts the solver. */
int ps_gateway_refuse_busy(const ps_gateway *self, ps_control_fault *fault);
/** Opens the desk and what asks it, if they are wanted. */
void ps_gateway_open_desk(ps_gateway *self);
/** An event of another profile. `context` is the gateway. */
void ps_gateway_on_swap(void *context, const ps_swap_event *event);

#endif
