/* SPDX-License-Identifier: MIT */
/**
 * @file crew.h
 * The lanes of one profile, as one: their number, who of them gets a client, their common state, what they say, their
 * end. A gateway has one that serves; it knows of the port and of the connections that wait, a crew does not.
 * Thread: the main thread.
 */
#ifndef PS_CREW_H
#define PS_CREW_H

#include <uv.h>

#include "lane/lane.h"

typedef struct ps_crew ps_crew;

/** The most lanes that it has. */
#define PS_CREW_LANES_MAX 16

/** What can be asked about the solver. */
typedef enum ps_solver_ask { PS_SOLVER_START, PS_SOLVER_STOP, PS_SOLVER_RESTART } ps_solver_ask;

/** What has become of it. */
typedef struct ps_solver_outcome {
  ps_solver_ask what;
  int is_already;              /**< there was nothing to do */
  int is_ended;                /**< RESTART: if it failed, the solver has ended, and was not started */
  size_t streams;              /**< STOP, RESTART: that were broken off */
  const penstock_error *error; /**< why it failed; NULL = it has not. Borrowed */
} ps_solver_outcome;

/** What a crew tells. All must be set. */
typedef struct ps_crew_events {
  /** A lane's state has changed; ps_crew_state is the crew's. `is_news`: that has changed too, or says anew why. */
  void (*state)(void *context, ps_crew *crew, int is_news, const penstock_error *error, uint64_t next_try_ms);
  /** As in ps_gateway_events; of all lanes only the one whose words are of use. */
  void (*leg)(void *context, ps_crew *crew, uint32_t leg, uint64_t elapsed_ns, const char *text,
              const penstock_error *error);
  void (*progress)(void *context, ps_crew *crew, const char *text);
  /** The first of its lanes serves, since none did. */
  void (*serving)(void *context, ps_crew *crew, int adopted, const char *protocol_version);
  /** A client that could not be served now, and is the receiver's. */
  void (*returned)(void *context, ps_crew *crew, ps_client *client);
  /** The command of a client was given its stream, and the client's connection is the crew's; or it was not, and
   * `error` says why. */
  void (*command)(void *context, ps_crew *crew, void *call, const penstock_error *error);
  /** A lane cannot be served, and trying again will not help. */
  void (*fatal)(void *context, ps_crew *crew, const penstock_error *error);
  /** What a lane was asked for by ps_crew_ask_reports; or, with the ticket 0, its last words, which nobody asks for.
   * NULL: there was no memory for it. */
  void (*report)(void *context, ps_crew *crew, const ps_lane_report *report);
  /** What ps_crew_ask_solver has asked for is done, or has failed. */
  void (*solver)(void *context, ps_crew *crew, const ps_solver_outcome *outcome);
  /** The solver hangs, and `on_hang` wants it restarted: may that be now? ps_crew_look_at_hang asks again. */
  int (*may_restart)(void *context, const ps_crew *crew);
  /** The last of its lanes has ended; ps_crew_close may be called from here. */
  void (*ended)(void *context, ps_crew *crew);
} ps_crew_events;

/** What a crew is for. Borrowed until `release`, which comes when it is freed. */
typedef struct ps_crew_options {
  const char *profile;                 /**< name, for messages */
  const penstock_transport *transport; /**< from the registry */
  const ps_settings *settings;         /**< checked */
  int check_only;                      /**< see ps_lane_options */
  int no_launch;                       /**< likewise */
  int told;                            /**< what it tells is shown where the log goes */
  const atomic_size_t *held;           /**< connections that wait at the gateway */
  atomic_uint_fast64_t *count;         /**< connections so far: their ids */
  const ps_crew_events *events;
  void *context;                /**< for the events */
  void (*release)(void *owner); /**< what is borrowed is not needed any more; may be NULL */
  void *owner;
} ps_crew_options;

/** Makes a crew without lanes. NULL if out of memory or descriptors. */
ps_crew *ps_crew_open(uv_loop_t *loop, const ps_crew_options *options);
/**
 * Starts its first lanes, which begin to connect. `listening`, of which they may get descriptors of their own, stays
 * the caller's; PENSTOCK_SOCKET_NONE: there is no port. Returns 0, or a negative code with `error`: some may have
 * started.
 */
int ps_crew_start(ps_crew *crew, penstock_socket listening, penstock_error *error);
/** Frees it on a later turn. None of its lanes may live. */
void ps_crew_close(ps_crew *crew);

const ps_crew_options *ps_crew_options_of(const ps_crew *crew);
/** The way in to it. Its `clients_max` is to be set before it starts. */
ps_door *ps_crew_door(ps_crew *crew);
/** How many lanes it may have, and how many have not ended. */
uint32_t ps_crew_most(const ps_crew *crew);
uint32_t ps_crew_lanes(const ps_crew *crew);
/** The best of its lanes; STOPPING once it was asked to end. */
ps_state ps_crew_state(const ps_crew *crew);
/** Does one of its lanes serve? */
int ps_crew_serves(const ps_crew *crew);
/** Will no lane serve by itself: has every one given up, or has the user ended the solver? */
int ps_crew_hopeless(const ps_crew *crew);
/** Has the user ended the solver, or is that under way? Whoever comes is reset, and ps_crew_wake looks for another. */
int ps_crew_is_stopped(const ps_crew *crew);
/** Streams and opens that it has, and clients on their way to it. */
size_t ps_crew_load(const ps_crew *crew);
/** The same of each of its lanes; returns how many there were so far. */
size_t ps_crew_loads(const ps_crew *crew, size_t loads[PS_CREW_LANES_MAX]);

/** Gives a client to the lane that has the fewest. Returns 0, or a negative code: none serves, it stays the caller's.
 */
int ps_crew_serve(ps_crew *crew, ps_client *client);
/**
 * Gives a client that wants a command to a lane that is connected, whether or not it serves: `command` tells what
 * becomes of it. Returns 0, or a negative code: PENSTOCK_E_NOT_FOUND, none is, it stays the caller's; another, and it
 * was refused.
 */
int ps_crew_run(ps_crew *crew, ps_client *client);
/** Somebody has come: starts another lane if there is use for one. */
void ps_crew_grow(ps_crew *crew);
/**
 * Shall it take connections in by itself? Only one lane that has no rival does, while it serves, so that a connection
 * need not wait until two threads have been woken, one after the other; several must be chosen between. Returns whether
 * it does from now on. Nothing depends on the moment: what it cannot serve comes back.
 */
int ps_crew_lend_door(ps_crew *crew, int wanted);
/**
 * LIVE keys of its profile have other values: `settings` counts from now on. They are borrowed until `release`, which
 * comes when others count and no lane needs them any more, or when the crew is freed. Those of the options stay
 * borrowed as well. Returns 0, or a negative code: out of memory, and all is as before.
 */
int ps_crew_renew(ps_crew *crew, const ps_settings *settings, void (*release)(void *owner), void *owner);
/** As those of lane.h, for all of its lanes; wake only for those that do not serve. */
void ps_crew_wake(const ps_crew *crew);
void ps_crew_network_changed(const ps_crew *crew);
void ps_crew_reconnect(const ps_crew *crew);
/**
 * Has the solver ended, started or both; one lane does it, and all follow. Streams may go on for `drain_ms` before it
 * ends. Returns 0, and the event `solver` follows, maybe before this returns; or a negative code with `error`: it
 * cannot be done. To be asked only when nothing else is under way (ps_crew_acts).
 */
int ps_crew_ask_solver(ps_crew *crew, ps_solver_ask what, uint64_t drain_ms, penstock_error *error);
/** It may be now, which it could not be before: restarts the solver if it hangs and that is wanted. */
void ps_crew_look_at_hang(ps_crew *crew);
/** Is something under way that was asked about the solver? */
int ps_crew_acts(const ps_crew *crew);
/** Returns how many were asked. */
size_t ps_crew_ask_reports(const ps_crew *crew, uint64_t ticket);

/**
 * Asks for an orderly end, see ps_lane_stop; again to hurry. `ended` follows if it has lanes. `waits`: whoever stops
 * the solver is to wait until ps_crew_wait_no_more, as others have streams of it yet.
 */
void ps_crew_stop(ps_crew *crew, uint64_t drain_ms, int stop_solver, int waits);
void ps_crew_wait_no_more(ps_crew *crew);
/** Lanes that are inside a blocking connect(), with no stream to lose. */
uint32_t ps_crew_blocked(const ps_crew *crew);

#endif
