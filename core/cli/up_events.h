/* SPDX-License-Identifier: MIT */
/**
 * @file up_events.h
 * What `penstock up` tells while the gateway runs: lines for people, or JSON.
 * Thread: the main thread.
 */
#ifndef PS_UP_EVENTS_H
#define PS_UP_EVENTS_H

#include <uv.h>

#include "cli/profile_select.h"
#include "gateway/gateway.h"

/** The context of the events. */
typedef struct ps_up_events {
  char name[256]; /**< of the profile in use, safe to be shown */
  const char *transport;
  int launches; /**< its transport can launch a solver, … */
  int stops;    /**< … and its end is the solver's, too */
  int json;
  int self_test;       /**< 0 once it has been started */
  int testing;         /**< the self-test's thread is to be joined */
  uv_thread_t tester;  /**< runs the self-test */
  int verbose;         /**< tell each try in full */
  ps_state state;      /**< the last one told */
  unsigned tries;      /**< since it was last served */
  char reason[512];    /**< why it is down, as last told in full */
  uint64_t since_ns;   /**< since when it is not served */
  uint64_t swap_ns;    /**< since when another profile comes */
  int served;          /**< it was served at least once */
  int launched;        /**< the last solver was launched, not found */
  int not_stopped;     /**< … and it could not be ended */
  int served_last;     /**< it was served when the end began */
  penstock_error kept; /**< why the solver is none to be ended; `what` is empty if it is one */
  char target[128];    /**< where a client on this machine connects to */
  char shown[128];     /**< the same, as it is written for people */
  const char *detach;  /**< the log of a gateway that lets go of the terminal once it is known how it went ("" =
                            the journal); NULL: it does not */
  /** Why no other command finds the gateway; `what` is empty if they do. */
  penstock_error unasked;
} ps_up_events;

extern const ps_gateway_events ps_up_text_events;
extern const ps_gateway_events ps_up_json_events;

void ps_up_events_init(ps_up_events *told, const ps_profile *profile, int json, int self_test, int verbose);
/** Tells the end (and, as JSON, the `error`, or NULL) and waits for the self-test. */
void ps_up_events_end(ps_up_events *told, const penstock_error *error, int exit_code);
/** Begins the self-test if it was asked for and has not been done. For the two tables. */
void ps_up_self_test(ps_up_events *told);
/** {"event":"problem",…} for each. */
void ps_up_json_problems(const ps_problems *problems);
/** The last line, {"event":"stopped",…}. */
void ps_up_json_stopped(const penstock_error *error, int exit_code);

#endif
