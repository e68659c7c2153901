/* SPDX-License-Identifier: MIT */
/**
 * @file cli.h
 * What the commands of the command line share: exit codes, options, help, errors as the user sees them.
 * Thread: the main thread.
 */
#ifndef PS_CLI_H
#define PS_CLI_H

#include <penstock/sdk.h>

#include "cli/syntax.h"
#include "cli/term.h"
#include "config/config.h"

/** Exit codes, as `penstock --help` documents them. */
typedef enum ps_exit_code {
  PS_EXIT_OK = 0,
  PS_EXIT_FAILED = 1,      /**< anything that has no code of its own */
  PS_EXIT_USAGE = 2,       /**< the command line is wrong */
  PS_EXIT_CONFIG = 3,      /**< a profile, plugin or setting is wrong */
  PS_EXIT_UNREACHABLE = 4, /**< the host, the solver or the gateway cannot be reached, or is busy */
  PS_EXIT_AUTH = 5,        /**< authentication was refused */
  PS_EXIT_IDENTITY = 6,    /**< the host's key is unknown or has changed */
  PS_EXIT_PORT = 7,        /**< the port is in use, or something listens that is no solver */
  PS_EXIT_LAUNCH = 8       /**< the solver, its container or the engine did not start or get ready */
} ps_exit_code;

/** What an exit code means, in a few words; NULL beyond the last. */
const char *ps_cli_exit_text(int exit_code);
/** The exit code that tells of an error. */
ps_exit_code ps_cli_exit_code(const penstock_error *error);

/** The options that every command takes, before or after its name. Strings are borrowed from argv. */
typedef struct ps_cli_common {
  const char *config;     /**< --config, else NULL */
  const char *log_file;   /**< --log-file, else NULL */
  uint32_t log_level;     /**< --log-level, enum penstock_log_level; 0 = not given */
  const char *log_format; /**< --log-format, one of its words, else NULL */
  int batch;              /**< --batch: never ask */
} ps_cli_common;

/** The common options of this process. */
extern ps_cli_common ps_cli_options;

/** The program: finds the command and runs it. Returns the exit code. */
int ps_cli_main(int argc, char **argv);

/** Complains about the command line on standard error, with a pointer to the help. Returns PS_EXIT_USAGE. */
int ps_cli_usage(const char *command, const char *format, ...) PENSTOCK_PRINTF(2, 3);

/** Prints an error as a block: the headline and what failed, leg and class, what to do next, the detail's lines. */
void ps_cli_print_error(ps_stream stream, const char *headline, const penstock_error *error);
/** Prints problems as `file:line: error|warning: text`, sorted. */
void ps_cli_print_problems(ps_stream stream, ps_problems *problems);

/** Ends the process at once if ps_gateway_abandoned: nothing that its thread may still use is to be freed. */
void ps_cli_leave_if_abandoned(int exit_code);

/** The commands; each returns an exit code. argv[0] is the command's name, argv is NULL-terminated. */
int ps_cmd_up(int argc, char **argv);
int ps_cmd_status(int argc, char **argv);
int ps_cmd_use(int argc, char **argv);
int ps_cmd_reload(int argc, char **argv);
int ps_cmd_reconnect(int argc, char **argv);
int ps_cmd_start(int argc, char **argv);
int ps_cmd_stop(int argc, char **argv);
int ps_cmd_restart(int argc, char **argv);
int ps_cmd_down(int argc, char **argv);
int ps_cmd_autostart(int argc, char **argv);
int ps_cmd_exec(int argc, char **argv);
int ps_cmd_gpus(int argc, char **argv);
int ps_cmd_logs(int argc, char **argv);
int ps_cmd_check(int argc, char **argv);
int ps_cmd_profiles(int argc, char **argv);
int ps_cmd_plugin(int argc, char **argv);
int ps_cmd_probe(int argc, char **argv);
int ps_cmd_trust(int argc, char **argv);
int ps_cmd_ssh_command(int argc, char **argv);
int ps_cmd_completion(int argc, char **argv);
int ps_cmd_version(int argc, char **argv);

#endif
