/* SPDX-License-Identifier: MIT */
/*
 * A solver that dies behind something that accepts connections for it, such as a container engine's port
 * forwarder: no open is ever refused there, streams just end without one byte from the far side. Such an end
 * raises a doubt, and the lane asks the solver while it goes on serving: other streams and new ones are not touched.
 *
 * Only an answer that no solver gives confirms the doubt. Then the lane goes to FIND, which asks once more before
 * anything is launched. All other outcomes lay the doubt aside:
 *
 * - Silence is not death. What accepts and does not answer is a solver deep in work, or one that is suspended or being
 *   dumped. It holds its port, so nothing could be launched, and clients wait as well at the solver as here. (If it
 * goes on, that is hang.c's.)
 * - A question that could not be asked says something of the way, not of the solver.
 *
 * Nothing is lost by that: while the solver is dead, the next client that meets it raises the doubt again.
 *
 * While nobody uses the solver, nobody would meet its end: so then it is doubted now and then without a reason, by the
 * first of the lanes (`idle_check`). Where a question costs a process, more rarely.
 */
#include "lane/internal.h"

/* From one question to the next: whatever clients meet, the solver is not flooded. */
#define ASK_EVERY_NS (500ull * 1000000)
/* How many times as long it is left alone where a question costs something there. */
#define COSTLY 6

int ps_doubt_raised_by(const ps_stream_end *end) {
  /* A client that comes and goes without a word gets none. Stream 0 is a question's own (open.c): not its own cause. */
  return end->id != 0 && end->far_ended && end->down_bytes == 0 && (end->up_bytes > 0 || end->aborted);
}

void ps_doubt_stream_ended(ps_lane *lane, const ps_stream_end *end) {
  if (lane->phase == PS_PHASE_SERVE && lane->probe_mode == PS_PROBE_TCMD && ps_doubt_raised_by(end)) {
    lane->doubt.raised = 1;
    ps_lane_later(lane);
  }
}

static void on_idle(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  ps_doubt *doubt = &lane->doubt;
  if (lane->phase != PS_PHASE_SERVE) {
    (void)uv_timer_stop(timer); /* it begins again with the next one that is served */
    return;
  }
  int was_used = lane->hang.ended_count != doubt->ended || ps_relay_count(lane->relay) > 0;
  doubt->ended = lane->hang.ended_count;
  if (!was_used && lane->state == PS_STATE_UP) {
    doubt->raised = 1;
    ps_lane_later(lane);
  }
}

void ps_doubt_begin(ps_lane *lane) {
  uint64_t every_ms = (uint64_t)ps_settings_int(lane->settings, "idle_check", 10000);
  lane->doubt.raised = 0; /* what streams of an earlier solver met says nothing of this one */
  lane->doubt.ended = lane->hang.ended_count;
  if (every_ms > 0 && lane->probe_mode == PS_PROBE_TCMD && lane->options.index == 0 && !lane->options.check_only) {
    every_ms *= ps_prewarm_is_free(lane->link) ? 1 : COSTLY;
    (void)uv_timer_start(&lane->doubt.idle, on_idle, every_ms, every_ms);
  }
}

static void on_due(uv_timer_t *timer) {
  ps_lane_later(timer->data);
}

void ps_doubt_turn(ps_lane *lane) {
  ps_doubt *doubt = &lane->doubt;
  if (!doubt->raised || lane->probe.running) {
    return;
  }
  uint64_t now = uv_hrtime();
  uint64_t due = doubt->asked_ns ? doubt->asked_ns + ASK_EVERY_NS : now;
  if (now < due) {
    (void)uv_timer_start(&doubt->due, on_due, (due - now) / 1000000 + 1, 0);
    return;
  }
  doubt->raised = 0;
  doubt->asked_ns = now;
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "is the solver still there?");
  ps_probe_start(lane);
}

/* What the log says of a solver that is gone. */
static void say_gone(const ps_probe *probe, penstock_error *error) {
  if (probe->result == PS_PROBE_ABSENT && probe->error.what[0]) {
    *error = probe->error; /* the open was refused: in the transport's words */
    return;
  }
  penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s",
                probe->size == 0 ? "the solver has gone: connections to it are accepted and end without an answer"
                                 : "the solver has gone: something else answers at its endpoint");
  penstock_next(error, "it is looked for, and started again where that is allowed");
}

void ps_doubt_answered(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  ps_hang_answered(lane);
  switch (probe->result) {
  case PS_PROBE_ABSENT:
  case PS_PROBE_FOREIGN:
    lane->link->solver_gone = 1;
    say_gone(probe, &lane->link->gone_error);
    break;
  case PS_PROBE_SOLVER:
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "the solver answers");
    ps_hang_alive(lane);
    break;
  case PS_PROBE_SILENT:
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "the solver does not answer in time: it may be busy");
    break;
  case PS_PROBE_FAILED:
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "the solver could not be asked: %s", probe->error.what);
    break;
  }
}
