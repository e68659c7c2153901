/* SPDX-License-Identifier: MIT */
/**
 * @file cli.h
 * What the commands of the command line share: exit codes, options, help, errors as the user sees them.
 * Thread: the main thread.
 */
#ifndef PS_CLI_H
#define PS_CLI_H

#include <penstock/sdk.h>

#include "cli/term.h"
#include "config/config.h"

/** Exit codes, as `penstock --help` documents them. */
typedef enum ps_exit_code {
  PS_EXIT_OK = 0,
  PS_EXIT_FAILED = 1,      /**< anything that has no code of its own */
  PS_EXIT_USAGE = 2,       /**< the command line is wrong */
  PS_EXIT_CONFIG = 3,      /**< a profile, plugin or setting is wrong */
  PS_EXIT_UNREACHABLE = 4, /**< the host, the solver or the gateway cannot be reached */
  PS_EXIT_AUTH = 5,        /**< authentication was refused */
  PS_EXIT_IDENTITY = 6,    /**< the host's key is unknown or has changed */
  PS_EXIT_PORT = 7,        /**< the port is in use, or something listens that is no solver */
  PS_EXIT_LAUNCH = 8       /**< the solver, its container or the engine did not start or get ready */
} ps_exit_code;

/** The exit code that tells of an error. */
ps_exit_code ps_cli_exit_code(const penstock_error *error);

/** The options that every command takes, before or after its name. Strings are borrowed from argv. */
typedef struct ps_cli_common {
  const char *config;     /**< --config, else NULL */
  const char *log_file;   /**< --log-file, else NULL */
  uint32_t log_level;     /**< --log-level, enum penstock_log_level; 0 = not given */
  const char *log_format; /**< --log-format, "text" or "json", else NULL */
  int batch;              /**< --batch: never ask */
} ps_cli_common;

/** The common options of this process. */
extern ps_cli_common ps_cli_options;

/** The program: finds the command and runs it. Returns the exit code. */
int ps_cli_main(int argc, char **argv);

/** One option of a command. Exactly one of `flag` and `value` is set. */
typedef struct ps_cli_option {
  const char *name;     /**< without the dashes */
  const char *argument; /**< what stands for its argument in the help ("FILE"); NULL for a flag */
  const char *help;     /**< one line */
  int *flag;            /**< set to 1 */
  const char **value;   /**< set to the argument, borrowed from argv */
} ps_cli_option;

/** A command's syntax and help. */
typedef struct ps_cli_syntax {
  const char *command;          /**< "up" */
  const char *arguments;        /**< "[PROFILE]"; "" if it takes none */
  const char *text;             /**< what it does, for --help; lines of at most 100 characters */
  const ps_cli_option *options; /**< `option_count` of them */
  size_t option_count;
  int least; /**< fewest arguments */
  int most;  /**< most arguments */
} ps_cli_syntax;

/**
 * Reads a command's line (argv[0] is the command's name). Returns 1 to go on, with *arguments at the first
 * argument of a NULL-terminated list; 0 if the command is to return *exit_code: after --help, or after a
 * complaint with the nearest option.
 */
int ps_cli_parse(const ps_cli_syntax *syntax, int argc, char **argv, char ***arguments, int *exit_code);

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
int ps_cmd_reconnect(int argc, char **argv);
int ps_cmd_down(int argc, char **argv);
int ps_cmd_check(int argc, char **argv);
int ps_cmd_profiles(int argc, char **argv);
int ps_cmd_plugin(int argc, char **argv);
int ps_cmd_probe(int argc, char **argv);
int ps_cmd_trust(int argc, char **argv);
int ps_cmd_ssh_command(int argc, char **argv);
int ps_cmd_version(int argc, char **argv);

#endif
