/* SPDX-License-Identifier: MIT */
#include "common/exec.h"

#include "common/process_scripts.h"

enum {
  END_MS = 15000,        /* for a script that takes 2 s where nothing is slow */
  SCRIPT_MOST = 96 << 10 /* a program gets an argument of 128 KiB at most, and a script may be one */
};

static void refuse(const carrier *where, penstock_open *open, const penstock_error *error) {
  where->host->open_failed(where->host, open, error);
}

/* What cannot be passed on, in words. NULL: it can. */
static const char *fault_of(const script *s, size_t size) {
  switch (script_result(s)) {
  case PENSTOCK_OK:
    return size > SCRIPT_MOST ? "the command is too long" : NULL;
  case PENSTOCK_E_NOMEM:
    return "out of memory";
  default:
    return "the command has what cannot be passed to a shell";
  }
}

void exec_open(carrier *where, penstock_open *open, script *s, const penstock_command *command, uint64_t deadline_ms) {
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  script_set(s, "ps_trailer", command->mark);
  script_set(s, "ps_token", command->token);
  script_set_number(s, "ps_merge", (command->flags & PENSTOCK_COMMAND_MERGE) != 0);
  script_add(s, script_exec_family);
  script_add(s, script_exec);
  const char *text = script_text(s, &size);
  const char *fault = fault_of(s, size);
  if (fault) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "No command can be run on %s: %s",
                        where->where, fault);
    refuse(where, open, &error);
  } else if (!where->ops->open_command) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "The way to %s carries no commands",
                        where->where);
    refuse(where, open, &error);
  } else {
    where->ops->open_command(where, open, text, size, deadline_ms);
  }
  script_destroy(s);
}

void exec_open_command(carrier *where, penstock_open *open, const penstock_command *command, uint64_t deadline_ms) {
  penstock_error error = {.struct_size = sizeof(error)};
  const char *program = command->argv[0];
  size_t count = 0;
  while (command->argv[count]) {
    count++;
  }
  /* To a shell's `exec`, such a word may be an option. */
  if (!program || program[0] == '\0' || program[0] == '-') {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "'%.80s' is no name of a program",
                        program ? program : "");
    penstock_next(&error, "Name the program first, then its arguments");
    refuse(where, open, &error);
    return;
  }
  script *s = script_create();
  script_list(s, "ps_command", command->argv, count);
  exec_open(where, open, s, command, deadline_ms);
}

/* --- the end --------------------------------------------------------------------------------------- */

static void on_ended(void *context, const carrier_result *result) {
  const carrier *where = context;
  if (result->error && result->error->error_class != PENSTOCK_CLASS_CANCELLED) {
    penstock_logf(where->host, PENSTOCK_LOG_WARN, "a command on %s may go on, whose client is gone: %s", where->where,
                  result->error->what);
  }
}

void exec_end(carrier *where, const char *token) {
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  script *s = script_create();
  script_set(s, "ps_token", token);
  script_add(s, script_exec_family);
  script_add(s, script_exec_end);
  const char *text = script_text(s, &size);
  if (!text) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  if (!text || !where->ops->run(where, text, size, END_MS, on_ended, where, &error)) {
    penstock_logf(where->host, PENSTOCK_LOG_WARN, "a command on %s may go on, whose client is gone: %s", where->where,
                  error.what);
  }
  script_destroy(s);
}
