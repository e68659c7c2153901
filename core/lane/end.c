/* SPDX-License-Identifier: MIT */
/*
 * The orderly end of a lane: what runs is cancelled, streams get time to finish, the solver is stopped if
 * that is asked for, everything is given back. Entered again and again until there is nothing left to do.
 */
#include "lane/internal.h"

/* Time for the transport's stop step: a solver gets 5 s before it is killed. */
#define STOP_DEADLINE_MS 9000
/* A command that does not end when it is asked to is killed there after 2 to 3 s. */
#define COMMANDS_MS 5000

/* Streams and opens: may they still finish? */
static int draining(ps_lane *lane) {
  if (ps_drain_runs(lane)) {
    return 1;
  }
  size_t left = ps_lane_load(lane);
  if (left > 0) {
    ps_log(PENSTOCK_LOG_WARN, lane->profile, "%zu stream%s not finished and %s aborted", left,
           left == 1 ? " was" : "s were", left == 1 ? "is" : "are");
  }
  return 0;
}

/* A solver that is not the transport's to end goes on by itself: a check does not owe its end, and whoever wants it is
 * told how. */
static void tell_stop_failed(ps_lane *lane, const penstock_error *error) {
  int is_kept = error->error_class == PENSTOCK_CLASS_REFUSED;
  ps_log_error(is_kept ? PENSTOCK_LOG_INFO : PENSTOCK_LOG_ERROR, lane->profile, error);
  if (!is_kept || !lane->options.check_only) {
    ps_lane_tell_leg(lane, error->leg, 0, NULL, error);
  }
}

/* Commands whose time is over: may they still end? Nothing tells one without input and output that its link goes, and
 * there may be none again. */
static int ending_commands(ps_lane *lane) {
  uint64_t now = uv_hrtime();
  if (lane->commands_end_ns == 0) {
    lane->commands_end_ns = ps_command_end_all(lane) ? now + COMMANDS_MS * 1000000ull : now;
  }
  return lane->link && !ps_list_empty(&lane->commands) && ps_drain_waits(lane, lane->commands_end_ns);
}

/* Is a step still running (it was asked to end)? */
static int step_runs(ps_lane *lane) {
  ps_link *link = lane->link;
  if (!link || link->lost || link->op.step == PS_STEP_NONE) {
    return 0;
  }
  if (!link->op.completed) {
    if (lane->phase != PS_PHASE_STOP) {
      ps_step_cancel(link);
    }
    return !link->op.completed;
  }
  if (lane->phase == PS_PHASE_STOP && link->op.has_error) {
    tell_stop_failed(lane, &link->op.error);
  }
  if (lane->phase == PS_PHASE_CONNECT && !link->op.has_error) {
    link->connected = 1;
  }
  link->op.step = PS_STEP_NONE;
  return 0;
}

/* The user counts on its end: a solver that cannot be reached now goes on, and they must know. */
static void tell_not_stopped(ps_lane *lane) {
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                "the solver was not stopped: there is no connection to its machine");
  penstock_next(&error, "it goes on there if it runs: end it by hand, or start and end penstock again once the machine "
                        "can be reached");
  ps_log_error(PENSTOCK_LOG_ERROR, lane->profile, &error);
  ps_lane_tell_leg(lane, error.leg, 0, NULL, &error);
}

/* Not one that was neither found nor launched, which is not ours to end: a stranger's, or none at all. */
static int wants_stop(const ps_lane *lane) {
  ps_launch_gate *gate = lane->options.gate;
  int was_there = atomic_load(&gate->served) || atomic_load(&gate->begun);
  return (lane->stop_solver && was_there) || (lane->options.check_only && atomic_load(&gate->launched));
}

static int begin_stop(ps_lane *lane) {
  ps_link *link = lane->link;
  if (!wants_stop(lane) || lane->phase == PS_PHASE_STOP || !lane->transport->stop) {
    return 0;
  }
  if (!link || link->lost || !link->connected) {
    if (atomic_load(&lane->options.gate->served)) {
      tell_not_stopped(lane);
    }
    return 0;
  }
  lane->phase = PS_PHASE_STOP;
  ps_step_run(link, PS_STEP_STOP, STOP_DEADLINE_MS);
  if (!link->op.completed || !link->op.has_error) {
    ps_lane_tell(lane, PS_LANE_PROGRESS, NULL, "stopping the solver");
  }
  return 1;
}

void ps_end_continue(ps_lane *lane) {
  if (lane->phase == PS_PHASE_END) {
    if (lane->links_closing == 0 && !lane->finished && ps_relay_count(lane->relay) == 0) {
      lane->finished = 1;
      ps_lane_finish(lane);
    }
    return;
  }
  if (lane->state != PS_STATE_STOPPING) {
    ps_lane_tell_state(lane, PS_STATE_STOPPING, NULL, 0);
    ps_supervise_rest(lane);
  }
  if (lane->link && lane->link->lost) {
    ps_link_destroy(lane->link, &lane->link->lost_error);
  }
  int is_over = lane->phase == PS_PHASE_STOP || lane->commands_end_ns != 0;
  if (step_runs(lane) || (!is_over && draining(lane)) || ending_commands(lane) || begin_stop(lane)) {
    return;
  }
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED,
                "it ends, and the time for streams to finish is over");
  lane->phase = PS_PHASE_END;
  ps_launch_release_gate(lane);
  ps_relay_abort_all(lane->relay, &error);
  if (lane->link) {
    ps_link_destroy(lane->link, &error);
  }
  ps_lane_later(lane);
}
