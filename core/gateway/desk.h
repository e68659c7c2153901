/* SPDX-License-Identifier: MIT */
/**
 * @file desk.h
 * The gateway's desk: answers what it is asked over the control socket, and tells those who listen what happens.
 * docs/CONTROL.md has the requests; the table is in desk.c.
 * Thread: the main thread.
 */
#ifndef PS_DESK_H
#define PS_DESK_H

#include <uv.h>

#include "base/histogram.h"
#include "control/control.h"
#include "gateway/crew.h"
#include "gateway/gateway.h"

typedef struct ps_desk ps_desk;

/** How many a gateway has. */
typedef struct ps_desk_counts {
  size_t streams;
  size_t held;
  uint64_t held_ns; /**< for how long the first of them has waited; 0 = none does */
  size_t lanes;
  uint64_t refused;                /**< that were held in vain */
  size_t load_count;               /**< lanes of the profile in use, those that have ended too */
  size_t loads[PS_CREW_LANES_MAX]; /**< … and the streams and opens of each */
} ps_desk_counts;

/** Figures of a gateway, for whoever watches many. Texts are borrowed. */
typedef struct ps_desk_figures {
  const char *profile;
  const char *transport;
  ps_state state;
  uint64_t uptime_ns;
  uint64_t times_served;
  ps_desk_counts counts;
  int is_whole; /**< all lanes have answered; without that the rest is not known */
  uint64_t ended;
  uint64_t aborted;
  uint64_t up_bytes;
  uint64_t down_bytes;
  ps_histogram opens;
  ps_histogram first_bytes;
} ps_desk_figures;

/** What the desk may ask of the gateway. */
typedef struct ps_desk_gateway {
  void *context;
  void (*count)(void *context, ps_desk_counts *counts);
  /** Asks each lane for its report, which comes by ps_desk_report; returns how many were asked. */
  size_t (*ask_reports)(void *context, uint64_t ticket);
  /** Ends it in order; `drain_ms` below 0: as the profile says. Returns how long streams may go on, in ms. */
  uint64_t (*stop)(void *context, int64_t drain_ms);
  /** Has every lane connect anew, and says how many there are. Returns 0, or a negative code with `fault`. */
  int (*reconnect)(void *context, size_t *lanes, ps_control_fault *fault);
  /** Has it use another profile, once that serves; `drain_ms` below 0: as the one in use says. Returns 0: the event
   * `swap` tells what becomes of it; or a negative code with `fault`. */
  int (*use)(void *context, const char *name, int64_t drain_ms, ps_control_fault *fault);
  /** Has a command run where the solver lives, for the client at `socket`; both become its own. Returns 0:
   * ps_desk_command tells what becomes of it; or a negative code with `fault`. */
  int (*run)(void *context, ps_command *command, penstock_socket socket, ps_control_fault *fault);
  /** Has the solver stopped, started or both, see ps_crew_ask_solver. Returns 0: ps_desk_answer_solver follows, maybe
   * before this returns; or a negative code with `fault`. */
  int (*solver)(void *context, ps_solver_ask what, uint64_t drain_ms, ps_control_fault *fault);
  /** Has it read the files anew. Returns 0 with *changes, which the desk frees: if they connect the profile anew, the
   * event `swap` tells what becomes of that; or a negative code with `fault`. */
  int (*reload)(void *context, ps_reload *changes, ps_control_fault *fault);
  /** Profiles that were left and have streams yet: a list, a new reference. */
  json_t *(*leaving)(void *context);
} ps_desk_gateway;

/** Descriptors that a desk needs where a process may have so many. */
size_t ps_desk_descriptors(size_t descriptors);
/**
 * Opens a desk: puts itself before the events of `options`, which are whole and which it passes on, and makes the
 * control socket once the gateway listens. Without a socket, which is logged, the gateway runs all the same. NULL if
 * out of memory.
 */
ps_desk *ps_desk_open(uv_loop_t *loop, ps_gateway_options *options, const ps_desk_gateway *gateway, size_t descriptors);
/** Asks for the figures. Returns 0, and `heard` comes, at once or later, once, at the latest when the desk is closed.
 * Or a negative code. */
int ps_desk_ask(ps_desk *desk, void (*heard)(void *context, const ps_desk_figures *figures), void *context);
/** A lane's report, borrowed; NULL: it could make none. With the ticket 0: what one leaves that has ended.
 * `is_used`: it is one of the profile in use. */
void ps_desk_report(ps_desk *desk, const ps_lane_report *report, int is_used);
/** What became of a command (ps_command::call): its client's connection is a stream to it now, or `error` says why not.
 */
void ps_desk_command(ps_desk *desk, void *call, const penstock_error *error);
/** What has become of what was asked about the solver. `desk` may be NULL. */
void ps_desk_answer_solver(ps_desk *desk, const ps_solver_outcome *outcome);
/** The process ends without its loop: takes the socket's name away. `desk` may be NULL. */
void ps_desk_abandon(ps_desk *desk);
/** Closes it; it is freed on a later turn. `desk` may be NULL. */
void ps_desk_close(ps_desk *desk);

#endif
