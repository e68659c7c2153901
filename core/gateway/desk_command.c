/* SPDX-License-Identifier: MIT */
/* Commands that a client of the control socket has run where the solver lives. */
#include "gateway/desk_internal.h"

/* Lines of a log, if nobody says how many. */
#define LOG_LINES 100

/* The answer comes from the lane that runs it, or by ps_desk_command if none does. */
static void run(ps_desk *desk, ps_control_call *call, ps_command *command) {
  ps_control_fault fault;
  penstock_socket socket;
  if (command) {
    command->call = call;
    command->answer = ps_control_line(call, json_pack("{s:s}", "mark", command->mark));
  }
  if (!command || !command->answer) {
    ps_command_free(command);
    ps_control_fault_set(&fault, "failed", "out of memory or random numbers");
    ps_control_fault_next(&fault, "try again");
    ps_control_refuse(call, &fault);
  } else if (ps_control_lend(call, &socket, &fault) != PENSTOCK_OK) {
    ps_command_free(command);
    ps_control_refuse(call, &fault);
  } else if (desk->gateway.run(desk->gateway.context, command, socket, &fault) != PENSTOCK_OK) {
    if (desk->told.reason.what[0]) {
      ps_control_fault_cause(&fault, &desk->told.reason);
    }
    ps_control_refuse(call, &fault);
  }
}

void ps_desk_command(ps_desk *desk, void *call, const penstock_error *error) {
  ps_control_fault fault;
  if (!desk) {
    return; /* it has closed, and the call with it */
  }
  if (!error) {
    ps_control_taken(call);
    return;
  }
  ps_control_fault_set(&fault, "not-run", "%s", error->what);
  ps_control_fault_next(&fault, "%s", error->next);
  ps_control_fault_cause(&fault, error);
  ps_control_refuse(call, &fault);
}

void ps_desk_on_exec(void *context, ps_control_call *call) {
  enum { WORDS_MOST = 4096 };
  const char *argv[WORDS_MOST];
  ps_control_fault fault;
  size_t count = ps_control_text_count(call, "command");
  if (count == 0 || count > WORDS_MOST) {
    ps_control_fault_set(&fault, "bad-value", count ? "`command` has more than %d words" : "`command` is missing",
                         WORDS_MOST);
    ps_control_fault_next(&fault, "name the program and its arguments");
    ps_control_refuse(call, &fault);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    argv[i] = ps_control_text_at(call, "command", i);
  }
  ps_command *command = ps_command_create(argv, count);
  if (command && ps_control_int(call, "merge", 0)) {
    command->flags |= PENSTOCK_COMMAND_MERGE;
  }
  run(context, call, command);
}

void ps_desk_on_solver_log(void *context, ps_control_call *call) {
  ps_command *command = ps_command_create_log((uint32_t)ps_control_int(call, "lines", LOG_LINES));
  if (command) {
    command->flags = PENSTOCK_COMMAND_MERGE | (ps_control_int(call, "follow", 0) ? PENSTOCK_COMMAND_FOLLOW : 0);
  }
  run(context, call, command);
}
