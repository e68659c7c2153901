/* SPDX-License-Identifier: MIT */
/*
 * The solver is ended, or started, because the user wants it, while the gateway goes on. The crew asks all lanes to
 * halt, and one of them to end the solver when all are quiet.
 *
 *   any ─(halt)→ HALT ─(end solver)→ ENDING → VERIFY ─(park)→ PARKED ─(start, or found by a look)→ FIND …
 *                                                   └─(start)→ FIND …        any of them ─(resume)→ as before
 *
 * No stream is broken off before the solver has ended: one that is not ours to end goes on, and so do they. Success of
 * the transport's step is no proof, as it means as well that there is nothing to end that penstock has launched. So the
 * solver is asked once more.
 */
#include "lane/internal.h"

/* Time for the transport's stop step, as for the gateway's end: a solver gets 5 s before it is killed. */
#define END_DEADLINE_MS 9000
/* Clients that come again and again do not cause more looks than this. */
#define LOOK_EVERY_NS (1000ull * 1000000)

/* --- coming to rest ------------------------------------------------------------------------------ */

/* Is a step running that has no use any more? It was asked to end. */
static int step_runs(const ps_lane *lane) {
  return lane->link && lane->link->op.step != PS_STEP_NONE && lane->phase == PS_PHASE_HALT;
}

static void begin_halt(ps_lane *lane, uint64_t drain_ms) {
  ps_halt *halt = &lane->halt;
  if (!halt->is_on) {
    halt->was_serving = lane->phase == PS_PHASE_SERVE;
  }
  halt->is_on = 1;
  halt->is_quiet = halt->ends = 0;
  ps_drain_begin(lane, drain_ms);
  ps_supervise_rest(lane);
  if (!lane->link || lane->link->op.step == PS_STEP_NONE) {
    ps_launch_release_gate(lane);
  }
  if (lane->link && lane->phase != PS_PHASE_CONNECT) { /* the link is wanted in any case */
    lane->phase = PS_PHASE_HALT;
    ps_step_cancel(lane->link);
  }
}

void ps_halt_rest(ps_lane *lane) {
  lane->phase = lane->halt.is_parked ? PS_PHASE_PARKED : PS_PHASE_HALT;
  lane->link->solver_gone = 0;
  if (lane->halt.is_parked) {
    ps_lane_tell_state(lane, PS_STATE_STOPPED, NULL, 0);
  }
  ps_lane_later(lane);
}

static void count_client(void *context, const ps_stream_now *now) {
  *(size_t *)context += now->id != 0; /* 0 is a question's own */
}

/* That a client would miss: not what was opened ahead, or is on its way out. */
static size_t streams_of(const ps_lane *lane) {
  size_t count = lane->link ? ps_open_waiting(lane->link) : 0;
  ps_relay_each(lane->relay, count_client, &count);
  return count;
}

/* --- ending the solver --------------------------------------------------------------------------- */

static void tell_ended(ps_lane *lane, const penstock_error *error) {
  lane->halt.ends = 0;
  lane->phase = PS_PHASE_HALT;
  ps_lane_tell(lane, PS_LANE_ENDED, error, NULL);
}

static void begin_ending(ps_lane *lane) {
  ps_link *link = lane->link;
  if (!link && lane->phase == PS_PHASE_IDLE) {
    ps_supervise_begin(lane); /* what cannot be reached cannot be ended */
  }
  if (!link || !link->connected || lane->phase != PS_PHASE_HALT) {
    return;
  }
  lane->phase = PS_PHASE_ENDING;
  ps_lane_tell(lane, PS_LANE_PROGRESS, NULL, "stopping the solver");
  ps_step_run(link, PS_STEP_STOP, END_DEADLINE_MS);
}

void ps_halt_step_done(ps_lane *lane) {
  const penstock_op *op = &lane->link->op;
  ps_launch_release_gate(lane);
  if (lane->phase == PS_PHASE_HALT && lane->halt.is_on) {
    ps_lane_later(lane);
  } else if (lane->phase == PS_PHASE_HALT) {
    ps_retry_now(lane);
    lane->phase = PS_PHASE_IDLE;
  } else if (op->has_error) {
    tell_ended(lane, &op->error);
  } else if (lane->probe_mode == PS_PROBE_TCMD) {
    lane->phase = PS_PHASE_VERIFY;
    ps_probe_start(lane);
  } else {
    tell_ended(lane, NULL); /* what merely accepts connections may be something in front of it */
  }
}

static void verified(ps_lane *lane) {
  penstock_error error;
  const ps_probe *probe = &lane->probe;
  int is_held = probe->result == PS_PROBE_SILENT && probe->opened_ns != 0;
  if (probe->result != PS_PROBE_SOLVER && !is_held) {
    tell_ended(lane, NULL);
    return;
  }
  penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                "the solver goes on: penstock has not launched it, so it is not penstock's to end");
  penstock_next(&error, "end it where it was started; then `penstock start` launches one");
  tell_ended(lane, &error);
}

void ps_halt_failed(ps_lane *lane, const penstock_error *error) {
  penstock_error copy = *error;
  if (lane->halt.is_on && lane->halt.ends) {
    (void)snprintf(copy.what, sizeof(copy.what), "the solver was not stopped: %.480s", error->what);
    penstock_utf8_trim(copy.what, sizeof(copy.what));
    tell_ended(lane, &copy);
  }
}

/* --- parked -------------------------------------------------------------------------------------- */

static void park(ps_lane *lane) {
  penstock_error why;
  penstock_fail(&why, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "the solver was stopped, as it was asked for");
  lane->halt.is_parked = 1;
  lane->gave_up = lane->slow_retry = 0;
  ps_relay_abort_all(lane->relay, &why);
  if (lane->link && lane->link->connected) {
    ps_halt_rest(lane);
  } else if (lane->phase == PS_PHASE_IDLE) {
    ps_retry_now(lane); /* for the link */
  }
}

void ps_halt_look(ps_lane *lane) {
  uint64_t now = uv_hrtime();
  if (lane->probe_mode != PS_PROBE_TCMD || lane->probe.running || now - lane->halt.looked_ns < LOOK_EVERY_NS) {
    return;
  }
  lane->halt.looked_ns = now;
  ps_probe_start(lane);
}

static void looked(ps_lane *lane) {
  if (lane->probe.result == PS_PROBE_SOLVER) {
    ps_log(PENSTOCK_LOG_INFO, lane->profile, "a solver was started by somebody else");
    lane->halt.is_on = lane->halt.is_parked = 0;
    ps_supervise_serve(lane);
  }
}

void ps_halt_answered(ps_lane *lane) {
  if (lane->phase == PS_PHASE_VERIFY) {
    verified(lane);
  } else {
    looked(lane);
  }
}

/* --- going on ------------------------------------------------------------------------------------ */

static void begin_anew(ps_lane *lane) {
  ps_probe_cancel(lane);
  if (lane->link && lane->link->op.step != PS_STEP_NONE) {
    lane->phase = PS_PHASE_HALT; /* a step that was cancelled: its end goes on from here */
    return;
  }
  lane->phase = PS_PHASE_IDLE;
  ps_supervise_begin(lane);
}

static int is_at_rest(const ps_lane *lane) {
  return lane->phase == PS_PHASE_IDLE || (lane->phase >= PS_PHASE_HALT && lane->phase <= PS_PHASE_PARKED);
}

static void start(ps_lane *lane) {
  penstock_error why;
  int was_on = lane->halt.is_on;
  lane->halt.is_on = lane->halt.is_parked = 0;
  lane->gave_up = lane->slow_retry = 0;
  lane->hung_tries = 0;
  ps_backoff_reset(&lane->backoff);
  if (was_on) {
    penstock_fail(&why, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED,
                  "the solver was restarted, as it was asked for");
    ps_relay_abort_all(lane->relay, &why);
  }
  if (is_at_rest(lane)) {
    begin_anew(lane);
  }
}

static void resume(ps_lane *lane) {
  int serves = lane->halt.was_serving && lane->link && !lane->link->lost && lane->phase == PS_PHASE_HALT;
  lane->halt.is_on = lane->halt.is_parked = lane->halt.ends = 0;
  if (serves) {
    lane->phase = PS_PHASE_SERVE;
    ps_hang_begin(lane);
    ps_prewarm_later(lane);
    ps_link_tell_health(lane); /* which may have changed meanwhile */
    ps_lane_later(lane);
  } else if (is_at_rest(lane) && !lane->gave_up) {
    begin_anew(lane);
  }
}

void ps_halt_asked(ps_lane *lane, ps_lane_ask what, uint64_t drain_ms, uint64_t ticket) {
  if (lane->stopping) {
    return;
  }
  lane->halt.ticket = ticket;
  lane->halt.is_asked = 1;
  switch (what) {
  case PS_LANE_HALT:
    begin_halt(lane, drain_ms);
    break;
  case PS_LANE_END_SOLVER:
    lane->halt.ends = 1;
    break;
  case PS_LANE_PARK:
    park(lane);
    break;
  case PS_LANE_RESUME:
    resume(lane);
    break;
  case PS_LANE_START:
    start(lane);
    break;
  }
  if (lane->halt.is_on) {
    ps_halt_turn(lane);
  }
}

void ps_halt_turn(ps_lane *lane) {
  if (step_runs(lane)) {
    return;
  }
  if (lane->halt.ends) {
    begin_ending(lane);
  } else if (!lane->halt.is_quiet && !ps_drain_runs(lane)) {
    lane->halt.is_quiet = 1;
    ps_lane_tell_quiet(lane, streams_of(lane));
  }
}
