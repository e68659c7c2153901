/* SPDX-License-Identifier: MIT */
/*
 * What a lane does next: connect, find or launch the solver, serve, and begin again when something is
 * lost. One switch over phases; see internal.h for the rule of marks and turns.
 *
 *   IDLE → CONNECT → FIND ─(answers)──────────────────────────────→ SERVE
 *                      ├─(nobody)─→ VALIDATE → LAUNCH → READY → CONFIRM ─┘
 *                      └─(a stranger)─→ IDENTIFY ─(nobody after all)─→ VALIDATE …; else failed
 *   SERVE ─(it hangs, or the user wants it)→ HALT … in halt.c
 *   SERVE ─(solver gone)→ FIND      any ─(link lost, failed)→ IDLE      any ─(stop)→ end.c
 */
#include "lane/internal.h"

#define LAUNCH_DEADLINE_MS   15000
#define IDENTIFY_DEADLINE_MS 5000
#define END_LOOK_DEADLINE_MS 5000
/* Between two questions to a solver that has just said it is ready. */
#define CONFIRM_EVERY_MS 50
/* A solver deep in work may miss one answer; three times in a row it is not there for anybody. */
#define SILENT_TRIES 3

static void enter_find(ps_lane *lane);

/* --- the phases --------------------------------------------------------------------------------- */

static void enter_step(ps_lane *lane, ps_phase phase, ps_step step, uint64_t deadline_ms) {
  lane->phase = phase;
  lane->phase_ns = uv_hrtime();
  ps_step_run(lane->link, step, deadline_ms);
}

void ps_supervise_end_look(ps_lane *lane) {
  enter_step(lane, PS_PHASE_END_LOOK, PS_STEP_END, END_LOOK_DEADLINE_MS);
}

void ps_supervise_validate(ps_lane *lane) {
  enter_step(lane, PS_PHASE_VALIDATE, PS_STEP_VALIDATE, LAUNCH_DEADLINE_MS);
}

void ps_supervise_begin(ps_lane *lane) {
  penstock_error error;
  ps_retry_cancel(lane);
  if (lane->stopping) {
    ps_lane_later(lane);
    return;
  }
  lane->raced = 0;
  ps_retry_begun(lane);
  if (lane->link) {
    enter_find(lane);
    return;
  }
  ps_lane_tell_state(lane, PS_STATE_CONNECTING, NULL, 0);
  lane->link = ps_link_create(lane, &error);
  if (!lane->link) {
    ps_retry_failed(lane, &error, 0);
    return;
  }
  enter_step(lane, PS_PHASE_CONNECT, PS_STEP_CONNECT,
             (uint64_t)ps_settings_int(lane->settings, "connect_timeout", 30000));
}

static void on_ask(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  if (lane->link && (lane->phase == PS_PHASE_FIND || lane->phase == PS_PHASE_CONFIRM)) {
    ps_probe_start(lane);
  }
}

void ps_supervise_ask_again(ps_lane *lane, uint64_t delay_ms) {
  (void)uv_timer_start(&lane->ask, on_ask, delay_ms, 0);
}

void ps_supervise_rest(ps_lane *lane) {
  ps_hang_end(lane);
  ps_probe_cancel(lane);
  ps_prewarm_clear(lane);
  ps_retry_cancel(lane);
  (void)uv_timer_stop(&lane->ask);
}

static void enter_find(ps_lane *lane) {
  ps_supervise_rest(lane);
  if (lane->halt.is_on) {
    ps_halt_rest(lane);
    return;
  }
  lane->phase = PS_PHASE_FIND;
  lane->phase_ns = uv_hrtime();
  lane->probe_tries = 0;
  lane->link->solver_gone = 0;
  if (lane->state != PS_STATE_CONNECTING) {
    ps_lane_tell_state(lane, PS_STATE_CONNECTING, NULL, 0);
  }
  ps_probe_start(lane);
}

/* Which legs the probe has passed: the way to the endpoint, and a question that was answered on it. */
static void tell_probe_legs(ps_lane *lane) {
  char text[160];
  char way[256];
  char open[320];
  uint64_t now = uv_hrtime();
  ps_ways_describe(lane->link, way, sizeof(way));
  (void)snprintf(open, sizeof(open), "open%s", way);
  if (lane->probe_mode == PS_PROBE_TCMD) {
    (void)snprintf(text, sizeof(text), "a solver answers, protocol %s", lane->probe.version);
    ps_lane_tell_leg(lane, PENSTOCK_LEG_ENDPOINT, lane->probe.opened_ns - lane->phase_ns, open, NULL);
    ps_lane_tell_leg(lane, PENSTOCK_LEG_STREAM, now - lane->probe.opened_ns, text, NULL);
  } else {
    ps_lane_tell_leg(lane, PENSTOCK_LEG_ENDPOINT, now - lane->phase_ns,
                     lane->probe_mode == PS_PROBE_TCP ? open : "not asked (probe = none)", NULL);
  }
}

void ps_supervise_serve(ps_lane *lane) {
  ps_launch_release_gate(lane);
  tell_probe_legs(lane);
  lane->phase = PS_PHASE_SERVE;
  memset(&lane->end, 0, sizeof(lane->end));
  lane->raced = 0;
  lane->link->has_served = 1;
  lane->ever_up = 1;
  atomic_store(&lane->options.gate->served, 1);
  ps_backoff_reset(&lane->backoff);
  lane->hung_tries = 0;
  lane->logged[0] = '\0';
  ps_lane_tell_state(lane, PS_STATE_UP, NULL, 0);
  ps_lane_tell(lane, PS_LANE_SERVING, NULL, lane->probe.version);
  ps_hang_begin(lane);
  ps_doubt_begin(lane);
  ps_prewarm_start(lane);
  ps_link_tell_health(lane);
}

/* --- steps that have ended ---------------------------------------------------------------------- */

/* Nobody listens at the endpoint. */
static void solver_absent(ps_lane *lane) {
  lane->phase = PS_PHASE_FIND; /* after IDENTIFY too: while another lane launches, the probe is what is repeated */
  if (lane->raced) {
    ps_retry_failed(lane, &lane->link->gone_error, 1);
  } else {
    ps_launch_begin(lane);
  }
}

static void step_failed(ps_lane *lane, ps_phase phase, const penstock_error *error) {
  int launching = phase == PS_PHASE_LAUNCH || phase == PS_PHASE_READY;
  if (launching && error->error_class == PENSTOCK_CLASS_REFUSED && !lane->raced) {
    /* The port was taken between our look and the launch: perhaps by a solver that somebody else started. */
    lane->raced = 1;
    atomic_store(&lane->options.gate->launched, 0);
    lane->link->gone_error = *error;
    ps_launch_release_gate(lane);
    enter_find(lane);
    return;
  }
  if (phase == PS_PHASE_IDENTIFY && error->error_class == PENSTOCK_CLASS_REFUSED && lane->dead_end.what[0]) {
    error = &lane->dead_end; /* who listens there is not to blame */
  }
  int hung = lane->link->op.hung && error->error_class == PENSTOCK_CLASS_TRANSIENT;
  ps_retry_failed(lane, error, phase != PS_PHASE_CONNECT);
  if (hung && lane->phase == PS_PHASE_IDLE && !lane->gave_up) { /* it has waited long enough */
    ps_retry_now(lane);
  }
}

/* What the user sees of a step whose transport reported no leg itself. */
static void tell_step_leg(ps_lane *lane, const penstock_op *op, uint32_t leg, const char *text) {
  if (op->legs == 0) {
    ps_lane_tell_leg(lane, leg, uv_hrtime() - op->started_ns, text, NULL);
  }
}

static void step_done(ps_lane *lane) {
  penstock_op *op = &lane->link->op;
  ps_phase phase = lane->phase;
  uint64_t ready_ms = (uint64_t)ps_settings_int(lane->settings, "ready_timeout", 16000);
  op->step = PS_STEP_NONE;
  if (phase == PS_PHASE_HALT || phase == PS_PHASE_ENDING) {
    ps_halt_step_done(lane);
    return;
  }
  if (phase == PS_PHASE_END_LOOK) {
    ps_launch_go_on(lane);
    return;
  }
  if (op->has_error) {
    step_failed(lane, phase, &op->error);
    return;
  }
  switch (phase) {
  case PS_PHASE_CONNECT:
    lane->link->connected = 1;
    ps_command_linked(lane);
    tell_step_leg(lane, op, PENSTOCK_LEG_LOCAL, "no link needed");
    enter_find(lane);
    break;
  case PS_PHASE_VALIDATE:
    tell_step_leg(lane, op, PENSTOCK_LEG_EXEC, "what the launch needs is there");
    lane->link->solver_gone = 0; /* of the one before, which the checks have only found out about now */
    ps_launch_count(lane);
    ps_lane_tell_state(lane, PS_STATE_LAUNCHING, NULL, 0); /* not before: the check may find that it cannot be */
    atomic_store(&lane->options.gate->begun, 1);
    enter_step(lane, PS_PHASE_LAUNCH, PS_STEP_LAUNCH, LAUNCH_DEADLINE_MS);
    break;
  case PS_PHASE_LAUNCH:
    atomic_store(&lane->options.gate->launched, 1);
    tell_step_leg(lane, op, PENSTOCK_LEG_LAUNCH, "the solver's process runs");
    lane->ready_end_ns = uv_hrtime() + ready_ms * 1000000;
    enter_step(lane, PS_PHASE_READY, PS_STEP_READY, ready_ms);
    break;
  case PS_PHASE_READY:
    tell_step_leg(lane, op, PENSTOCK_LEG_READY, "the solver says that it is ready");
    lane->phase = PS_PHASE_CONFIRM;
    lane->phase_ns = uv_hrtime();
    ps_probe_start(lane);
    break;
  case PS_PHASE_IDENTIFY:
    penstock_fail(&lane->probe.error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                  "connections are accepted there, and nobody is behind");
    solver_absent(lane);
    break;
  default:
    break;
  }
}

/* --- probing ------------------------------------------------------------------------------------ */

static void identify(ps_lane *lane, const char *what) {
  if (ps_step_has(lane->link, PS_STEP_IDENTIFY)) {
    uint64_t ready_ms = (uint64_t)ps_settings_int(lane->settings, "ready_timeout", 16000);
    enter_step(lane, PS_PHASE_IDENTIFY, PS_STEP_IDENTIFY,
               ps_probe_patience(IDENTIFY_DEADLINE_MS, lane->probe.misses, ready_ms));
    return;
  }
  if (lane->dead_end.what[0]) {
    ps_retry_failed(lane, &lane->dead_end, 1);
    return;
  }
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s", what);
  penstock_next(&error, "end what listens there, set another `endpoint`, or set `probe = tcp` if it is what you want");
  ps_retry_failed(lane, &error, 1);
}

/* The solver was launched and says that it is ready, but the way to it does not work yet. */
static void not_confirmed(ps_lane *lane) {
  penstock_error error;
  if (ps_ways_doubt(lane)) {
    ps_supervise_ask_again(lane, 0);
    return;
  }
  const penstock_error *final = ps_ways_final(lane);
  if (final) {
    ps_retry_failed(lane, final, 1);
    return;
  }
  if (uv_hrtime() < lane->ready_end_ns) {
    ps_supervise_ask_again(lane, CONFIRM_EVERY_MS);
    return;
  }
  penstock_fail(
      &error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
      "Server startup timed out: the solver says that it is ready, but does not answer through the transport");
  ps_ways_explain(lane, &error);
  ps_retry_failed(lane, &error, 1);
}

/* Nobody has answered in FIND: who is it, if anybody? */
static void not_found(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  int is_slow = probe->result == PS_PROBE_SILENT || (probe->result == PS_PROBE_FAILED && probe->is_late);
  if (is_slow && ++lane->probe_tries < SILENT_TRIES) {
    ps_supervise_ask_again(lane, CONFIRM_EVERY_MS); /* which may take longer */
    return;
  }
  if (ps_ways_doubt(lane)) {
    ps_supervise_ask_again(lane, 0);
    return;
  }
  switch (probe->result) {
  case PS_PROBE_ABSENT:
    if (lane->dead_end.what[0]) {
      identify(lane, "connections to the solver's endpoint are accepted and end without an answer");
    } else {
      solver_absent(lane);
    }
    break;
  case PS_PROBE_SILENT:
    identify(lane, "something listens at the solver's endpoint and does not answer");
    break;
  case PS_PROBE_FOREIGN:
    identify(lane, "something listens at the solver's endpoint that is no solver");
    break;
  default:
    ps_retry_failed(lane, &probe->error, 1);
    break;
  }
}

static void probe_done(ps_lane *lane) {
  lane->probe.finished = 0;
  if (lane->phase == PS_PHASE_SERVE) {
    ps_doubt_answered(lane);
  } else if (lane->phase == PS_PHASE_VERIFY || lane->phase == PS_PHASE_PARKED) {
    ps_halt_answered(lane);
  } else if (lane->probe.result == PS_PROBE_SOLVER) {
    ps_supervise_serve(lane);
  } else if (lane->phase == PS_PHASE_CONFIRM) {
    not_confirmed(lane);
  } else {
    not_found(lane);
  }
}

/* --- the turn ----------------------------------------------------------------------------------- */

static void link_lost(ps_lane *lane) {
  penstock_error error = lane->link->lost_error;
  if (lane->phase == PS_PHASE_IDLE) { /* was waiting for the solver: now for the link too */
    ps_link_destroy(lane->link, &error);
    return;
  }
  ps_retry_failed(lane, &error, 0);
}

/* Without the transport's advice to start the solver, where that is what we are about to do. */
static void log_gone(const ps_lane *lane) {
  penstock_error error = lane->link->gone_error;
  if (lane->may_launch) {
    penstock_next(&error, "it is looked for, and started again where that is allowed");
  }
  ps_log_error(PENSTOCK_LOG_WARN, lane->profile, &error);
}

void ps_supervise_turn(ps_lane *lane) {
  if (lane->stopping) {
    ps_end_continue(lane);
    return;
  }
  if (lane->link && lane->link->op.step != PS_STEP_NONE && lane->link->op.completed) {
    step_done(lane);
  }
  if (lane->link && lane->link->lost) {
    link_lost(lane);
  }
  if (lane->link && lane->probe.finished) {
    probe_done(lane);
  }
  if (lane->halt.is_on) {
    ps_halt_turn(lane);
    return;
  }
  if (!lane->link || lane->phase != PS_PHASE_SERVE) {
    return;
  }
  if (lane->link->solver_gone) {
    log_gone(lane);
    enter_find(lane);
  } else {
    ps_doubt_turn(lane);
  }
}
