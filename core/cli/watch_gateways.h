/* SPDX-License-Identifier: MIT */
/**
 * @file watch_gateways.h
 * The gateways that are watched: found as they come, asked again and again without waiting for one, listened to, and
 * remembered for a while when they end.
 * Thread: the main thread.
 */
#ifndef PS_WATCH_GATEWAYS_H
#define PS_WATCH_GATEWAYS_H

#include <uv.h>

#include "base/list.h"
#include "cli/gateways.h"
#include "cli/spark.h"
#include "control/watch.h"

/** One of them. */
typedef struct ps_watched {
  ps_list node;
  ps_gateway_found found;  /**< its client may be closed */
  ps_control_watch *watch; /**< on its connection; NULL: there is none */
  int is_other;            /**< it is not one of those that are wanted */
  int is_silent;           /**< it runs, and does not answer: `found.error` says how */
  json_t *status;          /**< the last that it answered; NULL: it has not yet */
  ps_spark up;             /**< bytes in a second, a sample for each ps_watch_ask */
  ps_spark down;
  uint64_t asked_ns;  /**< an answer is waited for since then; 0 = none is */
  int asks_again;     /**< something has happened since it was asked */
  int is_sample;      /**< … and the answer is a sample */
  uint64_t sample_ns; /**< when the last sample was taken; 0 = there is none */
  json_int_t sample_up;
  json_int_t sample_down;
  uint64_t retry_ns; /**< without a connection: when the next one is tried */
  uint64_t ended_ns; /**< when it ended; 0 = it lives */
  char *shown;       /**< for whoever prints lines: the last one about it, to free(); NULL = there was none */
  struct ps_watch_gateways *all;
} ps_watched;

typedef struct ps_watch_gateways {
  ps_list list; /**< of ps_watched */
  uv_loop_t *loop;
  const char *wanted;                                             /**< "lab", "lab@9090"; NULL = all */
  void (*changed)(void *context, ps_watched *one, int is_answer); /**< something is to be shown anew; `is_answer`: it
                                                                     has answered */
  void *context;
  uv_timer_t soon; /**< for those that something has happened to */
} ps_watch_gateways;

void ps_watch_open(ps_watch_gateways *all, uv_loop_t *loop, const char *wanted,
                   void (*changed)(void *context, ps_watched *one, int is_answer), void *context);
/** Looks for new ones, and asks all of them; what they answer comes later. */
void ps_watch_ask(ps_watch_gateways *all);
/** Is it one to be shown? */
int ps_watched_is_shown(const ps_watched *one);
/** Lets go of all; the loop has to run to its end. */
void ps_watch_close(ps_watch_gateways *all);

#endif
