/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/far_command.h"

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
  if (code != PENSTOCK_OK && code != PENSTOCK_E_CANCELLED) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  free(end.errors.data);
  json_decref(fields);
  return code == PENSTOCK_OK || code == PENSTOCK_E_CANCELLED ? (int)PS_EXIT_OK : (int)ps_cli_exit_code(&error);
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
  const char *count = NULL;
  int64_t lines = 0;
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"solver", NULL, "the solver's log, from its machine or container", &solver, NULL},
      {"follow", NULL, "go on with what is added to it, until Ctrl-C", &follow, NULL},
      {"lines", "N", "how many of its last lines come first; 100 if it is not given", NULL, &count},
  };
  const ps_cli_syntax syntax = {
      "logs",
      "[PROFILE]",
      "Shows the end of the solver's log (--solver), over the connection of a gateway that runs: the\n"
      "file that a launched solver writes, or what the engine keeps of a container whose own command\n"
      "the solver is. Without PROFILE: the only gateway.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) || (exit_code = read_lines(count, &lines)) != 0) {
    return exit_code;
  }
  if (!solver) {
    return ps_cli_usage("logs", "whose log? --solver shows the solver's");
  }
  return show_solver_log(arguments[0], lines, follow);
}
