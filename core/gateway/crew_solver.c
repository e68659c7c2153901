/* SPDX-License-Identifier: MIT */
/*
 * The solver is ended, started or both because the user wants it. See ps_lane_ask for what lanes are asked in turn.
 *
 *   STOP     QUIETING ─(all are quiet)→ ENDING ─→ stopped: all park, until START, or until a look finds a solver
 *   RESTART  QUIETING ───────────────→ ENDING ─→ STARTING ─(serves, or fails)→ done
 *   START                                        STARTING …
 */
#include "gateway/crew_internal.h"

#include <string.h>

static void each(const ps_crew *self, ps_lane_ask what, uint64_t drain_ms) {
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane) {
      ps_lane_solver(self->slots[i].lane, what, drain_ms, self->solver.ticket);
    }
  }
}

int ps_crew_solver_is_busy(const ps_crew *self) {
  return self->solver.stage != PS_CREW_STAGE_NONE;
}

int ps_crew_acts(const ps_crew *self) {
  return ps_crew_solver_is_busy(self);
}

int ps_crew_is_stopped(const ps_crew *self) {
  return self->solver.is_stopped || (ps_crew_solver_is_busy(self) && self->solver.what == PS_SOLVER_STOP);
}

static void tell(ps_crew *self, int is_already, const penstock_error *error) {
  const ps_solver_outcome outcome = {.what = self->solver.what,
                                     .is_already = is_already,
                                     .is_ended = self->solver.stage == PS_CREW_STAGE_STARTING,
                                     .streams = self->solver.streams,
                                     .error = error};
  self->solver.stage = PS_CREW_STAGE_NONE;
  if (self->solver.is_by_itself && error) {
    ps_log_error(PENSTOCK_LOG_WARN, self->options.profile, error);
  }
  self->options.events->solver(self->options.context, self, &outcome);
}

/* --- what is asked ------------------------------------------------------------------------------- */

static int refuse(const ps_crew *self, ps_solver_ask what, penstock_error *error) {
  const ps_crew_options *options = &self->options;
  if (what != PS_SOLVER_START && !options->transport->stop) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_REFUSED,
                        "the transport '%s' only forwards: it cannot end a solver", options->transport->name);
    penstock_next(error, "end it where it was started");
    return PENSTOCK_E_FAILED;
  }
  if (what == PS_SOLVER_RESTART && !self->solver.is_stopped &&
      !ps_lane_may_launch(options->transport, options->settings, options->no_launch)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                        "the solver would not be started again: profile '%s' is not allowed to launch one",
                        options->profile);
    penstock_next(error, "set `launch = auto` (and leave out --no-launch), or end it with `penstock stop` and start it "
                         "by hand");
    return PENSTOCK_E_INVALID;
  }
  return PENSTOCK_OK;
}

static void begin_start(ps_crew *self) {
  self->solver.stage = PS_CREW_STAGE_STARTING;
  self->solver.is_stopped = 0;
  if (!self->solver.is_by_itself) { /* whatever became of launches before: this one is wanted */
    atomic_store(&self->gate.served, 0);
  }
  each(self, PS_LANE_START, 0);
}

/* Those that are inside a blocking connect() have no streams, and are not waited for. */
static void end_when_quiet(ps_crew *self) {
  ps_crew_solver *solver = &self->solver;
  const ps_crew_slot *leader = NULL;
  for (uint32_t i = 0; i < self->started; i++) {
    const ps_crew_slot *slot = &self->slots[i];
    if (!slot->lane) {
      continue;
    }
    if (!slot->is_quiet && !ps_lane_blocked(slot->lane)) {
      return;
    }
    if (!leader || (slot->is_quiet && slot->has_link && !leader->has_link)) {
      leader = slot;
      solver->leader = i;
    }
  }
  if (leader) {
    solver->stage = PS_CREW_STAGE_ENDING;
    ps_lane_solver(leader->lane, PS_LANE_END_SOLVER, 0, solver->ticket);
  }
}

static int ask(ps_crew *self, ps_solver_ask what, uint64_t drain_ms, int is_by_itself, penstock_error *error) {
  ps_crew_solver *solver = &self->solver;
  int result = refuse(self, what, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  int was_stopped = solver->is_stopped;
  solver->what = what;
  solver->is_by_itself = is_by_itself;
  solver->ticket++;
  solver->streams = 0;
  if (what == PS_SOLVER_STOP ? was_stopped : what == PS_SOLVER_START && ps_state_serves(self->state)) {
    tell(self, 1, NULL);
  } else if (what == PS_SOLVER_START || was_stopped) {
    begin_start(self);
  } else {
    solver->stage = PS_CREW_STAGE_QUIETING;
    for (uint32_t i = 0; i < self->started; i++) {
      self->slots[i].is_quiet = self->slots[i].has_link = 0;
    }
    each(self, PS_LANE_HALT, drain_ms);
    end_when_quiet(self);
  }
  return PENSTOCK_OK;
}

int ps_crew_ask_solver(ps_crew *self, ps_solver_ask what, uint64_t drain_ms, penstock_error *error) {
  return ask(self, what, drain_ms, 0, error);
}

/* One that may not be launched again is better than none: it may come to itself. */
static void on_hung(ps_crew *self) {
  penstock_error error = {.struct_size = sizeof(error)};
  const char *on_hang = ps_settings_string(self->options.settings, "on_hang");
  if (!on_hang || strcmp(on_hang, "restart") != 0 || ps_crew_solver_is_busy(self) ||
      !self->options.events->may_restart(self->options.context, self)) {
    return;
  }
  if (!ps_launch_allows(&self->gate, self->options.settings)) {
    ps_log(PENSTOCK_LOG_WARN, self->options.profile,
           "the solver hangs and is left so: `restart` and `restart_limit` do not allow another launch now");
    return;
  }
  ps_log(PENSTOCK_LOG_WARN, self->options.profile, "the solver hangs and is restarted (`on_hang = restart`)");
  if (ask(self, PS_SOLVER_RESTART, 0, 1, &error) != PENSTOCK_OK) {
    ps_log_error(PENSTOCK_LOG_WARN, self->options.profile, &error);
  }
}

void ps_crew_look_at_hang(ps_crew *self) {
  if (self->state == PS_STATE_HUNG && !self->stopping) {
    on_hung(self);
  }
}

/* --- what lanes say ------------------------------------------------------------------------------ */

/* Before they say so themselves, so that the state and the answer do not contradict each other. */
static void move_on(ps_crew *self, ps_state state) {
  for (uint32_t i = 0; i < self->started; i++) {
    ps_crew_slot *slot = &self->slots[i];
    if (slot->lane && (slot->has_link || ps_state_serves(slot->state))) {
      slot->state = state;
    }
  }
  ps_crew_look_at_state(self);
}

static void on_ended(ps_crew *self, const ps_lane_event *event) {
  ps_crew_solver *solver = &self->solver;
  self->slots[solver->leader].has_link = 1;
  if (event->has_error) {
    each(self, PS_LANE_RESUME, 0);
    tell(self, 0, &event->error);
    return;
  }
  atomic_store(&self->gate.launched, 0);
  atomic_store(&self->gate.begun, 0);
  if (solver->what == PS_SOLVER_RESTART) {
    begin_start(self);
    move_on(self, PS_STATE_CONNECTING);
  } else {
    ps_log(PENSTOCK_LOG_INFO, self->options.profile,
           "the solver was stopped, as it was asked for; streams broken off: %zu", solver->streams);
    solver->is_stopped = 1;
    atomic_store(&self->gate.served, 0);
    each(self, PS_LANE_PARK, 0);
    move_on(self, PS_STATE_STOPPED);
    tell(self, 0, NULL);
  }
}

/* Somebody else has started one, and a look has found it. */
static void on_found(ps_crew *self) {
  self->solver.is_stopped = 0;
  each(self, PS_LANE_START, 0);
}

void ps_crew_solver_heard(ps_crew *self, ps_crew_slot *slot, const ps_lane_event *event) {
  ps_crew_solver *solver = &self->solver;
  if (event->ticket != solver->ticket || self->stopping) {
    return;
  }
  if (event->kind == PS_LANE_STATE && event->state == PS_STATE_HUNG) {
    on_hung(self);
    return;
  }
  if (event->kind == PS_LANE_QUIET && solver->stage == PS_CREW_STAGE_QUIETING) {
    slot->is_quiet = 1;
    slot->has_link = event->has_link;
    solver->streams += event->count;
    end_when_quiet(self);
  } else if (event->kind == PS_LANE_ENDED && solver->stage == PS_CREW_STAGE_ENDING) {
    on_ended(self, event);
  } else if (event->kind == PS_LANE_SERVING && solver->stage == PS_CREW_STAGE_STARTING) {
    tell(self, 0, NULL);
  } else if (event->kind == PS_LANE_SERVING && solver->is_stopped) {
    on_found(self);
  } else if (event->kind == PS_LANE_STATE && solver->stage == PS_CREW_STAGE_STARTING && event->has_error &&
             self->state == PS_STATE_DOWN) {
    tell(self, 0, &event->error);
  }
}

void ps_crew_solver_stop(ps_crew *self) {
  penstock_error error;
  if (!ps_crew_solver_is_busy(self)) {
    return;
  }
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the gateway ends");
  penstock_next(&error, "what becomes of the solver is what the profile's `on_exit` says");
  tell(self, 0, &error);
}
