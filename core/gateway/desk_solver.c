/* SPDX-License-Identifier: MIT */
/* What clients of the control socket ask about the solver: that it ends, or starts. */
#include "gateway/desk_internal.h"
#include "log/json.h"

/* The answer comes when it is known what has become of it. */
static void ask_solver(ps_desk *desk, ps_control_call *call, ps_solver_ask what) {
  ps_control_fault fault;
  int is_free = desk->acting == NULL; /* else the gateway refuses, and the one who waits goes on waiting */
  if (is_free) {
    desk->acting = call;
    ps_told_wanted(&desk->told, 1);
  }
  /* A solver that ends takes its streams with it: whoever wants to wait for them says so. */
  if (desk->gateway.solver(desk->gateway.context, what, (uint64_t)ps_control_int(call, "drain_ms", 0), &fault) != 0) {
    if (is_free) {
      desk->acting = NULL;
      ps_told_wanted(&desk->told, 0);
    }
    ps_control_refuse(call, &fault);
  }
}

void ps_desk_on_solver_start(void *context, ps_control_call *call) {
  ask_solver(context, call, PS_SOLVER_START);
}

void ps_desk_on_solver_stop(void *context, ps_control_call *call) {
  ask_solver(context, call, PS_SOLVER_STOP);
}

void ps_desk_on_solver_restart(void *context, ps_control_call *call) {
  ask_solver(context, call, PS_SOLVER_RESTART);
}

static json_t *solver_answer(const ps_desk *desk, const ps_solver_outcome *outcome) {
  int is_there = outcome->what != PS_SOLVER_STOP;
  const char *version = desk->told.protocol_version;
  return json_pack("{s:s, s:b, s:I, s:o, s:o}",                                          /**/
                   "state", ps_state_name(desk->told.state),                             /**/
                   "already", outcome->is_already,                                       /**/
                   "streams", (json_int_t)outcome->streams,                              /**/
                   "adopted", is_there ? json_boolean(desk->told.adopted) : json_null(), /**/
                   "protocol_version", ps_json_text(is_there && version[0] ? version : NULL));
}

void ps_desk_answer_solver(ps_desk *desk, const ps_solver_outcome *outcome) {
  ps_control_call *call = desk ? desk->acting : NULL;
  const penstock_error *error = outcome->error;
  ps_control_fault fault;
  if (desk && error) { /* what was in hand is over, and no other state follows from a solver that goes on */
    ps_told_progress(&desk->told, "");
  }
  if (!call) {
    return;
  }
  ps_told_wanted(&desk->told, 0);
  desk->acting = NULL;
  if (!error) {
    ps_control_answer(call, solver_answer(desk, outcome));
    return;
  }
  int is_ending = error->leg == PENSTOCK_LEG_LOCAL && error->error_class == PENSTOCK_CLASS_CANCELLED;
  int is_start = outcome->what == PS_SOLVER_START || outcome->is_ended;
  ps_control_fault_set(&fault, is_ending ? "stopping" : is_start ? "not-served" : "not-stopped", "%s", error->what);
  ps_control_fault_next(&fault, "%s", error->next);
  ps_control_fault_cause(&fault, error);
  ps_control_refuse(call, &fault);
}
