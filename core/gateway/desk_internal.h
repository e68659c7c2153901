/* SPDX-License-Identifier: MIT */
/**
 * @file desk_internal.h
 * What the files of the desk share: desk.c (its life, and the events that pass through it), desk_survey.c (what lanes
 * are asked), desk_requests.c (what clients ask),
 * desk_log.c (the log).
 * Thread: the main thread.
 */
#ifndef PS_DESK_INTERNAL_H
#define PS_DESK_INTERNAL_H

#include "base/list.h"
#include "control/server.h"
#include "gateway/desk.h"
#include "gateway/swap.h"
#include "gateway/told.h"

/** What streams have carried. */
typedef struct ps_desk_totals {
  uint64_t ended;
  uint64_t aborted;
  uint64_t up_bytes;
  uint64_t down_bytes;
  uint64_t up_rate; /**< of lanes that live */
  uint64_t down_rate;
  ps_histogram opens;
  ps_histogram first_bytes;
} ps_desk_totals;

/** Something asked of all lanes, and what has come of it. */
typedef struct ps_survey {
  ps_list node;                                                 /**< in ps_desk::surveys */
  void (*heard)(void *context, const ps_desk_figures *figures); /**< NULL: a client of the control socket has asked */
  void *context;
  ps_control_call *call;
  json_t *(*answer)(ps_desk *desk, const struct ps_survey *survey);
  uint64_t ticket;
  uint64_t end_ns;
  size_t asked;
  size_t heard_of;        /**< lanes */
  ps_desk_totals carried; /**< by lanes that have ended, too */
  size_t count;           /**< streams that live */
  uint64_t said_ns;       /**< when the solver of the profile in use last answered; 0 = it was not asked */
  json_t *said;           /**< … and what of itself; NULL likewise */
  json_t *streams;        /**< rows */
} ps_survey;

struct ps_desk {
  ps_desk_gateway gateway;
  ps_gateway_options options; /**< with the events that were there before */
  ps_control_limits limits;
  ps_control_server *server;
  ps_told told;
  ps_told next;            /**< of the profile that comes */
  ps_swap_event coming;    /**< what it is; `profile` is NULL if none comes */
  ps_control_call *using;  /**< waits for what becomes of it; NULL: nobody does, or it has gone */
  ps_control_call *acting; /**< likewise, for what becomes of the solver */
  json_t *changes;         /**< that the profile comes of, if it is a reload */
  ps_desk_totals past;     /**< of lanes that have ended */
  ps_list surveys;
  uv_timer_t look; /**< for surveys that wait too long */
  uint64_t tickets;
  uv_async_t logged; /**< something was, while somebody listens to the log */
  int follows_log;
  uint64_t last_logged; /**< … number of the last record that was told */
  int handles;          /**< timers, server and so on, that are still to be closed */
};

/** Kinds of events, in the order of ps_desk_event_kinds. */
enum { PS_DESK_STATE, PS_DESK_LEG, PS_DESK_PROGRESS, PS_DESK_SERVING, PS_DESK_SWAP, PS_DESK_LOG, PS_DESK_RELOAD };
/** Their names, NULL-terminated. */
extern const char *const ps_desk_event_kinds[];
/** All that can be asked. */
extern const ps_control_table ps_desk_table;

/** Requests that have files of their own: desk_command.c, desk_solver.c. `context` is the desk. */
void ps_desk_on_exec(void *context, ps_control_call *call);
void ps_desk_on_solver_log(void *context, ps_control_call *call);
void ps_desk_on_solver_start(void *context, ps_control_call *call);
void ps_desk_on_solver_stop(void *context, ps_control_call *call);
void ps_desk_on_solver_restart(void *context, ps_control_call *call);

/** Asks the lanes, and answers the call with what `answer` makes of it. */
void ps_desk_begin_survey(ps_desk *desk, ps_control_call *call,
                          json_t *(*answer)(ps_desk *desk, const ps_survey *survey));
/** Have all lanes answered? */
int ps_survey_is_whole(const ps_survey *survey);
/** Ends all of them, with what is known. */
void ps_desk_finish_surveys(ps_desk *desk);
/** Answers `logs`. `context` is the desk. */
void ps_desk_answer_logs(void *context, ps_control_call *call);
/** From now on somebody listens to the log. */
void ps_desk_follow_log(ps_desk *desk);
/** Returns 0, or a negative code; close it if it is 0. */
int ps_desk_open_log(ps_desk *desk, uv_loop_t *loop);
void ps_desk_close_log(ps_desk *desk, uv_close_cb closed);
/** Answers `use`, if somebody waits for it: the profile is in use, or has failed. */
void ps_desk_answer_use(ps_desk *desk, const ps_swap_event *event);

#endif
