/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "cli/out.h"
#include "cli/term.h"
#include "host/prompt.h"

static int cmd_help(int argc, char **argv);

static const ps_cli_command commands[] = {
    {"up", "run the gateway with a profile until Ctrl-C", ps_cmd_up},
    {"status", "show how the gateways are that run", ps_cmd_status},
    {"use", "have a gateway use another profile while its streams go on", ps_cmd_use},
    {"reload", "have gateways read their files anew", ps_cmd_reload},
    {"reconnect", "have a gateway connect anew at once", ps_cmd_reconnect},
    {"start", "have a gateway start its solver", ps_cmd_start},
    {"stop", "end the solver of a gateway; the gateway goes on", ps_cmd_stop},
    {"restart", "end the solver of a gateway and start it again", ps_cmd_restart},
    {"down", "end a gateway in order, wherever it runs", ps_cmd_down},
    {"autostart", "have gateways start when you log on (Windows)", ps_cmd_autostart},
    {"exec", "run a command where the solver lives", ps_cmd_exec},
    {"gpus", "list the GPUs where the solver lives", ps_cmd_gpus},
    {"logs", "show the log of a gateway, or of its solver", ps_cmd_logs},
    {"check", "check the profiles; with --connect, try the way to the solver", ps_cmd_check},
    {"profiles", "list the profiles", ps_cmd_profiles},
    {"plugin", "list and show transport plugins", ps_cmd_plugin},
    {"probe", "ask a port whether a solver answers there", ps_cmd_probe},
    {"trust", "see a host's key and trust it", ps_cmd_trust},
    {"ssh-command", "explain a pasted ssh command; with --save, keep it as a profile", ps_cmd_ssh_command},
    {"completion", "have a shell complete penstock's words", ps_cmd_completion},
    {"version", "versions of penstock and its libraries", ps_cmd_version},
    {"help", "what a command does, and its options", cmd_help},
};
const ps_cli_group ps_cli_program = {NULL, commands, sizeof(commands) / sizeof(commands[0])};

static int print_help(void) {
  ps_out_text("Usage: penstock [OPTION]... COMMAND [ARGUMENT]...\n"
              "\n"
              "One local port in front of a solver, any transport behind it.\n"
              "\n"
              "Commands:");
  for (size_t i = 0; i < ps_cli_program.count; i++) {
    ps_out_line("  %-22s %s", commands[i].name, commands[i].summary);
  }
  ps_out_text("\n"
              "Options of every command, before or after its name:");
  for (size_t i = 0; i < ps_cli_common_count; i++) {
    ps_cli_print_option(&ps_cli_common_options[i]);
  }
  ps_cli_print_option(&ps_cli_help_option);
  ps_cli_print_option(&ps_cli_version_option);
  ps_out_text("\n"
              "Exit codes:");
  for (int i = 0; ps_cli_exit_text(i); i++) {
    ps_out_line("  %d  %s", i, ps_cli_exit_text(i));
  }
  return PS_EXIT_OK;
}

static int cmd_help(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "help",
      "[COMMAND]...",
      "Tells what a command does and what it takes; without COMMAND, which commands there are.",
      NULL,
      0,
      0,
      2};
  char help[] = "--help";
  char **arguments;
  int exit_code;
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (!arguments[0]) {
    return print_help();
  }
  const ps_cli_command *command = ps_cli_find(&ps_cli_program, arguments[0]);
  if (!command) {
    return ps_cli_unknown_command(&ps_cli_program, arguments[0]);
  }
  if (arguments[1]) {
    char *line[] = {arguments[0], arguments[1], help, NULL};
    return command->run(3, line);
  }
  char *line[] = {arguments[0], help, NULL};
  return command->run(2, line);
}

/* An option where a command should be. */
static int global_option(const char *word) {
  char name[] = "version";
  char *line[] = {name, NULL};
  ps_nearest nearest;
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
    return print_help();
  }
  if (strcmp(word, "--version") == 0) {
    return ps_cmd_version(1, line);
  }
  ps_nearest_init(&nearest, word + strspn(word, "-"));
  for (size_t i = 0; i < ps_cli_common_count; i++) {
    ps_nearest_offer(&nearest, ps_cli_common_options[i].name);
  }
  ps_nearest_offer(&nearest, ps_cli_help_option.name);
  ps_nearest_offer(&nearest, ps_cli_version_option.name);
  return nearest.best ? ps_cli_usage(NULL, "unknown option '%.64s'; did you mean '--%s'?", word, nearest.best)
                      : ps_cli_usage(NULL, "unknown option '%.64s'", word);
}

int ps_cli_main(int argc, char **argv) {
  int count = 0;
  ps_term_prepare();
  /* The program's name, what is left of the line, NULL. */
  char **line = calloc((size_t)argc + 2, sizeof(*line));
  if (!line) {
    (void)fprintf(stderr, "penstock: out of memory\n");
    return PS_EXIT_FAILED;
  }
  line[0] = argc > 0 ? argv[0] : NULL;
  int exit_code = ps_cli_take_common(argc, argv, line + 1, &count);
  if (exit_code == 0) {
    if (ps_cli_options.batch) {
      ps_prompt_allow(0);
    }
    exit_code =
        count > 0 && line[1][0] == '-' ? global_option(line[1]) : ps_cli_run_group(&ps_cli_program, count + 1, line);
  }
  free(line);
  return ps_out_finish(exit_code);
}
