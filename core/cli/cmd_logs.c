/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/far_command.h"
#include "cli/gateway_log.h"

#define LINES_USUAL 100
#define LINES_MOST  1000000

/* The solver's log comes from its machine, by a gateway that runs. */
static int show_solver_log(const char *gateway, int64_t lines, int follow) {
  ps_far_end end;
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *fields = json_pack("{s:I, s:i}", "lines", (json_int_t)lines, "follow", follow);
  const ps_far_command wanted = {
      .gateway = gateway, .request = "solver_log", .fields = fields, .emit = ps_far_to_stdout};
  int code = ps_far_run(&wanted, &end, &error);
  if (code == PENSTOCK_OK && end.status != 0) {
    code = penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                         "what shows the log there ended with status %d", end.status);
    penstock_next(&error, "see whether the log can be read there: penstock exec -- sh");
  }
  int has_failed = code != PENSTOCK_OK && code != PENSTOCK_E_CANCELLED;
  int is_unwritten = code == PENSTOCK_E_LIMIT; /* which has been said */
  if (has_failed && !is_unwritten) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  free(end.errors.data);
  json_decref(fields);
  return !has_failed ? (int)PS_EXIT_OK : is_unwritten ? (int)PS_EXIT_FAILED : ps_gateway_exit_code(&error, code);
}

static int show_own_log(const char *name, int64_t lines, int follow, int json) {
  ps_gateways found;
  penstock_error error = {.struct_size = sizeof(error)};
  int code = ps_gateways_find_one(&found, name, &error);
  int exit_code;
  if (code == PENSTOCK_OK) {
    exit_code = ps_show_gateway_log(&found.items[0], (long)lines, follow, json);
  } else {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
    exit_code = ps_gateway_exit_code(&error, code);
  }
  ps_gateways_free(&found);
  return exit_code;
}

/* Returns 0, or an exit code after a complaint. */
static int read_lines(const char *text, int64_t *lines) {
  char *end = NULL;
  *lines = text ? strtoll(text, &end, 10) : LINES_USUAL;
  if (text && (end == text || *end != '\0' || *lines < 0 || *lines > LINES_MOST)) {
    return ps_cli_usage("logs", "--lines '%s' is no number from 0 to %d", text, LINES_MOST);
  }
  return 0;
}

int ps_cmd_logs(int argc, char **argv) {
  int solver = 0;
  int follow = 0;
  int json = 0;
  const char *count = NULL;
  int64_t lines = 0;
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"solver", NULL, "the solver's log, from its machine or container", &solver, NULL},
      {"follow", NULL, "go on with what is added to it, until Ctrl-C", &follow, NULL},
      {"lines", "N", "how many of its last lines come first; 100 if it is not given", NULL, &count},
      {"json", NULL, "the gateway's log as one JSON object a line", &json, NULL},
  };
  const ps_cli_syntax syntax = {
      "logs",
      "[PROFILE]",
      "Shows the last lines of a gateway that runs, wherever its log goes: it keeps 500 of them in memory.\n"
      "With --solver: the end of the solver's log, over the gateway's connection: the file that a launched\n"
      "solver writes, or what the engine keeps of a container whose own command the solver is.\n"
      "Without PROFILE: the only gateway.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) || (exit_code = read_lines(count, &lines)) != 0) {
    return exit_code;
  }
  if (!solver) {
    return show_own_log(arguments[0], lines, follow, json);
  }
  if (json) {
    return ps_cli_usage("logs", "--json is for the gateway's log; the solver's is whatever the solver writes");
  }
  return show_solver_log(arguments[0], lines, follow);
}
