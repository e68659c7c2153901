/* SPDX-License-Identifier: MIT */
/*
 * What a lane does next: connect, find or launch the solver, serve, and begin again when something is
 * lost. One switch over phases; see internal.h for the rule of marks and turns.
 *
 *   IDLE → CONNECT → FIND ─(answers)──────────────────────────────→ SERVE
 *                      ├─(nobody)─→ VALIDATE → LAUNCH → READY → CONFIRM ─┘
 *                      └─(a stranger)─→ IDENTIFY ─(nobody after all)─→ VALIDATE …; else failed
 *   SERVE ─(solver gone)→ FIND      any ─(link lost, failed)→ IDLE      any ─(stop)→ end.c
 */
#include "lane/internal.h"

#define LAUNCH_DEADLINE_MS   15000
#define IDENTIFY_DEADLINE_MS 5000
/* Between two questions to a solver that has just said it is ready, or while another lane launches it. */
#define CONFIRM_EVERY_MS 50
#define GATE_EVERY_MS    200
/* A solver deep in work may miss one answer; three times in a row it is not there for anybody. */
#define SILENT_TRIES 3
/* How soon after a try has begun somebody who waits causes the next one, if it has failed or its link is lost: so many
 * who wait do not make more tries, the way back to served stays under a second, and many gateways do not come in step.
 */
#define WAKE_AFTER_MS     250
#define WAKE_AFTER_MAX_MS 500
/* A peer that has accepted the connection and says nothing is given up for a fresh try while somebody waits: after this
 * at first, and after longer each time, for it may only be slow. */
#define HUNG_AFTER_MS     2000
#define HUNG_AFTER_MAX_MS 10000
#define RESTART_WINDOW_NS (600ull * 1000000000)

static void enter_find(ps_lane *lane);

/* --- failing, and trying again ------------------------------------------------------------------ */

void ps_supervise_release_gate(ps_lane *lane) {
  if (lane->has_gate) {
    lane->has_gate = 0;
    lane->options.gate->released_ns = uv_hrtime();
    atomic_store(&lane->options.gate->busy, 0);
  }
}

/* 0 if another lane is at it. */
static int take_gate(ps_lane *lane) {
  if (!lane->has_gate && atomic_exchange(&lane->options.gate->busy, 1) == 0) {
    lane->has_gate = 1;
  }
  return lane->has_gate;
}

static void drop_link(ps_lane *lane, const penstock_error *why) {
  if (lane->link) {
    ps_link_destroy(lane->link, why);
  }
}

/* Before the first success, an error that only the user can mend ends the gateway: they are there to see it. */
static int ends_first_start(const ps_lane *lane, const penstock_error *error) {
  if (lane->options.check_only) {
    return 1;
  }
  switch (error->error_class) {
  case PENSTOCK_CLASS_AUTH:
  case PENSTOCK_CLASS_CONFIG:
  case PENSTOCK_CLASS_PEER_IDENTITY:
  case PENSTOCK_CLASS_INTERNAL:
    return 1;
  case PENSTOCK_CLASS_REFUSED: /* a host that refuses the connection may be starting */
    return error->leg != PENSTOCK_LEG_TCP;
  default:
    return error->leg == PENSTOCK_LEG_LAUNCH || error->leg == PENSTOCK_LEG_READY;
  }
}

static void on_retry(uv_timer_t *timer) {
  ps_supervise_begin(timer->data);
}

static void wait_for_retry(ps_lane *lane, const penstock_error *error) {
  uint64_t delay = ps_backoff_next(&lane->backoff);
  lane->slow_retry = error->error_class == PENSTOCK_CLASS_AUTH || error->error_class == PENSTOCK_CLASS_CONFIG;
  if (lane->slow_retry) {
    delay = lane->backoff.max_ms;
  }
  (void)uv_timer_start(&lane->pause, on_retry, delay, 0);
  int again = strcmp(lane->logged, error->what) == 0;
  (void)snprintf(lane->logged, sizeof(lane->logged), "%s", error->what);
  int quiet = again || lane->options.told;
  ps_log_error(quiet ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_WARN, lane->profile, error);
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "next try in %llu ms", (unsigned long long)delay);
  ps_lane_tell_state(lane, PS_STATE_DOWN, error, delay > 0 ? delay : 1);
}

static void give_up(ps_lane *lane, const penstock_error *error) {
  lane->gave_up = 1;
  ps_lane_tell_state(lane, PS_STATE_DOWN, error, 0);
  if (lane->ever_up) {
    ps_log_error(lane->options.told ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_ERROR, lane->profile, error);
  } else {
    ps_lane_tell(lane, PS_LANE_FATAL, error, NULL);
  }
}

/* How long the leg took that has failed: since the one before it was passed. */
static uint64_t failed_after(const ps_lane *lane) {
  uint64_t since = lane->phase == PS_PHASE_FIND || lane->phase == PS_PHASE_CONFIRM ? lane->phase_ns
                   : lane->link                                                    ? lane->link->op.leg_ns
                                                                                   : 0;
  return since ? uv_hrtime() - since : 0;
}

/* The try has failed. The link stays if it is not what failed: the next try then begins at the solver. */
static void fail(ps_lane *lane, const penstock_error *error, int keep_link) {
  penstock_error copy = *error; /* may lie in the link */
  uint64_t elapsed = failed_after(lane);
  ps_supervise_release_gate(lane);
  lane->phase = PS_PHASE_IDLE;
  ps_lane_tell_leg(lane, copy.leg, elapsed, NULL, &copy);
  if (!keep_link) {
    drop_link(lane, &copy);
  }
  if (lane->ever_up ? copy.error_class == PENSTOCK_CLASS_PEER_IDENTITY : ends_first_start(lane, &copy)) {
    give_up(lane, &copy);
  } else {
    wait_for_retry(lane, &copy);
  }
}

/* Milliseconds since the connect that runs has got anywhere, if it waits for the network; else 0. */
static uint64_t connect_hangs(const ps_lane *lane) {
  const penstock_op *op = &lane->link->op;
  /* LOCAL: no network is in it, but a container may have to start, which itself changes this machine's network. */
  int is_past = op->leg > PENSTOCK_LEG_TCP || op->leg == PENSTOCK_LEG_LOCAL;
  if (op->step != PS_STEP_CONNECT || op->completed || op->cancelled || is_past) {
    return 0;
  }
  return (uv_hrtime() - op->leg_ns) / 1000000;
}

/* The way may be there again, and the try that runs may have been lost with the old one. */
static void give_up_hung(ps_lane *lane) {
  uint64_t limit = 4 * lane->greeting_ns / 1000000;
  limit = (limit > HUNG_AFTER_MS ? limit : HUNG_AFTER_MS) << lane->hung_tries;
  limit = limit < HUNG_AFTER_MAX_MS ? limit : HUNG_AFTER_MAX_MS;
  /* Only there: a name look-up cannot be hurried, and a transport dials anew by itself. */
  if (lane->ever_up && lane->link->op.leg == PENSTOCK_LEG_TCP && connect_hangs(lane) > limit) {
    lane->hung_tries += lane->hung_tries < 3 ? 1 : 0;
    ps_step_give_up(lane->link);
  }
}

void ps_supervise_wake(ps_lane *lane) {
  if (lane->stopping) {
    return;
  }
  if (lane->phase == PS_PHASE_CONNECT) {
    give_up_hung(lane);
  }
  if (lane->phase != PS_PHASE_IDLE || lane->gave_up || lane->slow_retry) {
    return;
  }
  uint64_t since = (uv_hrtime() - lane->last_try_ns) / 1000000;
  uint64_t wait = since >= lane->wake_after_ms ? 0 : lane->wake_after_ms - since;
  if (uv_timer_get_due_in(&lane->pause) > wait) {
    (void)uv_timer_start(&lane->pause, on_retry, wait, 0);
  }
}

void ps_supervise_network(ps_lane *lane) {
  ps_link *link = lane->link;
  ps_backoff_reset(&lane->backoff);
  if (link && link->connected && !link->lost) {
    const penstock_link_ext *ext =
        link->transport->get_extension ? link->transport->get_extension(link->instance, PENSTOCK_EXT_LINK) : NULL;
    if (ext && PENSTOCK_HAS(ext, penstock_link_ext, verify)) {
      ext->verify(link->instance);
      ps_prewarm_renew(lane);
    }
  } else if (link && lane->phase == PS_PHASE_CONNECT && connect_hangs(lane) > WAKE_AFTER_MS) {
    ps_step_give_up(link);
  }
  ps_supervise_wake(lane);
}

void ps_supervise_reconnect(ps_lane *lane) {
  penstock_error why;
  if (lane->stopping) {
    return;
  }
  ps_log(PENSTOCK_LOG_INFO, lane->profile, "connects anew, as it was asked to");
  penstock_fail(&why, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, "a new connection was asked for");
  /* Also what only the user could mend: it is they who ask. */
  lane->gave_up = 0;
  lane->slow_retry = 0;
  lane->hung_tries = 0;
  ps_backoff_reset(&lane->backoff);
  ps_supervise_release_gate(lane);
  lane->phase = PS_PHASE_IDLE;
  drop_link(lane, &why);
  ps_supervise_begin(lane);
}

/* --- the phases --------------------------------------------------------------------------------- */

static void enter_step(ps_lane *lane, ps_phase phase, ps_step step, uint64_t deadline_ms) {
  lane->phase = phase;
  lane->phase_ns = uv_hrtime();
  ps_step_run(lane->link, step, deadline_ms);
}

void ps_supervise_begin(ps_lane *lane) {
  penstock_error error;
  (void)uv_timer_stop(&lane->pause);
  if (lane->stopping) {
    ps_lane_later(lane);
    return;
  }
  lane->raced = 0;
  lane->last_try_ns = uv_hrtime();
  lane->wake_after_ms = ps_backoff_between(&lane->backoff, WAKE_AFTER_MS, WAKE_AFTER_MAX_MS);
  if (lane->link) {
    enter_find(lane);
    return;
  }
  ps_lane_tell_state(lane, PS_STATE_CONNECTING, NULL, 0);
  lane->link = ps_link_create(lane, &error);
  if (!lane->link) {
    fail(lane, &error, 0);
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

static void ask_again(ps_lane *lane, uint64_t delay_ms) {
  (void)uv_timer_start(&lane->pause, on_ask, delay_ms, 0);
}

static void enter_find(ps_lane *lane) {
  ps_probe_cancel(lane); /* a question of SERVE, and its pause */
  ps_prewarm_clear(lane);
  (void)uv_timer_stop(&lane->pause);
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

static void enter_serve(ps_lane *lane) {
  ps_supervise_release_gate(lane);
  tell_probe_legs(lane);
  lane->phase = PS_PHASE_SERVE;
  lane->doubt.raised = 0; /* what streams of an earlier solver met says nothing of this one */
  lane->raced = 0;
  lane->link->has_served = 1;
  lane->ever_up = 1;
  atomic_store(&lane->options.gate->served, 1);
  ps_backoff_reset(&lane->backoff);
  lane->hung_tries = 0;
  lane->logged[0] = '\0';
  ps_lane_tell_state(lane, PS_STATE_UP, NULL, 0);
  ps_lane_tell(lane, PS_LANE_SERVING, NULL, lane->probe.version);
  ps_prewarm_start(lane);
}

/* --- launching ---------------------------------------------------------------------------------- */

/* A solver that ends again and again is not started for ever. */
static int within_restart_limit(ps_lane *lane, penstock_error *error) {
  int64_t limit = ps_settings_int(lane->settings, "restart_limit", 5);
  const char *restart = ps_settings_string(lane->settings, "restart");
  ps_launch_gate *gate = lane->options.gate;
  uint64_t now = uv_hrtime();
  size_t kept = 0;
  if (!atomic_load(&gate->served)) {
    return 1;
  }
  if (restart && strcmp(restart, "never") == 0) {
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "the solver has ended, and `restart = never` forbids to start it again");
    penstock_next(error, "start it by hand: it is found and served; or set `restart = always`");
    return 0;
  }
  for (size_t i = 0; i < gate->launch_count; i++) {
    if (now - gate->launches[i] < RESTART_WINDOW_NS) {
      gate->launches[kept++] = gate->launches[i];
    }
  }
  gate->launch_count = kept;
  if ((int64_t)kept >= limit || kept == PS_LAUNCHES_MAX) {
    penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                  "the solver was started %zu times within 10 minutes and ended each time", kept);
    penstock_next(error, "read its server.log; a solver started by hand is found and served; `restart_limit` sets "
                         "how often it is tried");
    return 0;
  }
  return 1;
}

/* Counts a relaunch that does begin: one that found its container or its folder missing has started nothing. */
static void count_relaunch(const ps_lane *lane) {
  ps_launch_gate *gate = lane->options.gate;
  if (atomic_load(&gate->served) && gate->launch_count < PS_LAUNCHES_MAX) {
    gate->launches[gate->launch_count++] = uv_hrtime();
  }
}

static void begin_launch(ps_lane *lane) {
  penstock_error error;
  if (!lane->may_launch) {
    const char *said = lane->probe.error.what; /* in the transport's words */
    penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "nothing listens at the solver's endpoint%s%s", said[0] ? ": " : "", said);
    int is_flag = lane->options.no_launch && strcmp(ps_settings_string(lane->settings, "launch"), "never") != 0;
    penstock_next(&error, lane->transport->launch && is_flag
                              ? "start the solver there, or leave out --no-launch so that penstock does"
                          : lane->transport->launch
                              ? "start the solver there, or set `launch = auto` so that penstock does"
                              : "start what should listen there; this transport only forwards");
    fail(lane, &error, 1);
    return;
  }
  if (!take_gate(lane)) {
    ask_again(lane, GATE_EVERY_MS); /* another lane is at it: soon there will be a solver to find */
    return;
  }
  if (lane->options.gate->released_ns > lane->probe.started_ns) {
    ask_again(lane, 0); /* another lane was at it since we looked */
    return;
  }
  atomic_store(&lane->options.gate->launched, 0); /* if we did before, that one is gone */
  if (!within_restart_limit(lane, &error)) {
    fail(lane, &error, 1);
    return;
  }
  enter_step(lane, PS_PHASE_VALIDATE, PS_STEP_VALIDATE, LAUNCH_DEADLINE_MS);
}

/* Nobody listens at the endpoint. */
static void solver_absent(ps_lane *lane) {
  lane->phase = PS_PHASE_FIND; /* after IDENTIFY too: while another lane launches, the probe is what is repeated */
  if (lane->raced) {
    fail(lane, &lane->link->gone_error, 1);
  } else {
    begin_launch(lane);
  }
}

static void step_failed(ps_lane *lane, ps_phase phase, const penstock_error *error) {
  int launching = phase == PS_PHASE_LAUNCH || phase == PS_PHASE_READY;
  if (launching && error->error_class == PENSTOCK_CLASS_REFUSED && !lane->raced) {
    /* The port was taken between our look and the launch: perhaps by a solver that somebody else started. */
    lane->raced = 1;
    atomic_store(&lane->options.gate->launched, 0);
    lane->link->gone_error = *error;
    ps_supervise_release_gate(lane);
    enter_find(lane);
    return;
  }
  if (phase == PS_PHASE_IDENTIFY && error->error_class == PENSTOCK_CLASS_REFUSED && lane->dead_end.what[0]) {
    error = &lane->dead_end; /* who listens there is not to blame */
  }
  int hung = lane->link->op.hung && error->error_class == PENSTOCK_CLASS_TRANSIENT;
  fail(lane, error, phase != PS_PHASE_CONNECT);
  if (hung && lane->phase == PS_PHASE_IDLE && !lane->gave_up) { /* it has waited long enough */
    (void)uv_timer_start(&lane->pause, on_retry, 0, 0);
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
  if (op->has_error) {
    step_failed(lane, phase, &op->error);
    return;
  }
  switch (phase) {
  case PS_PHASE_CONNECT:
    lane->link->connected = 1;
    tell_step_leg(lane, op, PENSTOCK_LEG_LOCAL, "no link needed");
    enter_find(lane);
    break;
  case PS_PHASE_VALIDATE:
    tell_step_leg(lane, op, PENSTOCK_LEG_EXEC, "what the launch needs is there");
    lane->link->solver_gone = 0; /* of the one before, which the checks have only found out about now */
    count_relaunch(lane);
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
    fail(lane, &lane->dead_end, 1);
    return;
  }
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s", what);
  penstock_next(&error, "end what listens there, set another `endpoint`, or set `probe = tcp` if it is what you want");
  fail(lane, &error, 1);
}

/* The solver was launched and says that it is ready, but the way to it does not work yet. */
static void not_confirmed(ps_lane *lane) {
  penstock_error error;
  if (ps_ways_doubt(lane)) {
    ask_again(lane, 0);
    return;
  }
  const penstock_error *final = ps_ways_final(lane);
  if (final) {
    fail(lane, final, 1);
    return;
  }
  if (uv_hrtime() < lane->ready_end_ns) {
    ask_again(lane, CONFIRM_EVERY_MS);
    return;
  }
  penstock_fail(
      &error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
      "Server startup timed out: the solver says that it is ready, but does not answer through the transport");
  ps_ways_explain(lane, &error);
  fail(lane, &error, 1);
}

/* Nobody has answered in FIND: who is it, if anybody? */
static void not_found(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  int is_slow = probe->result == PS_PROBE_SILENT || (probe->result == PS_PROBE_FAILED && probe->is_late);
  if (is_slow && ++lane->probe_tries < SILENT_TRIES) {
    ask_again(lane, CONFIRM_EVERY_MS); /* which may take longer */
    return;
  }
  if (ps_ways_doubt(lane)) {
    ask_again(lane, 0);
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
    fail(lane, &probe->error, 1);
    break;
  }
}

static void probe_done(ps_lane *lane) {
  lane->probe.finished = 0;
  if (lane->phase == PS_PHASE_SERVE) {
    ps_doubt_answered(lane);
  } else if (lane->probe.result == PS_PROBE_SOLVER) {
    enter_serve(lane);
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
    drop_link(lane, &error);
    return;
  }
  fail(lane, &error, 0);
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
