/* SPDX-License-Identifier: MIT */
/**
 * @file syntax.h
 * What the command line takes: one description of commands, options and arguments, from which lines are read, help is
 * printed, words are completed (complete.h) and the manual is made (manual/).
 * Thread: the main thread.
 */
#ifndef PS_SYNTAX_H
#define PS_SYNTAX_H

#include <stddef.h>

/** One option of a command. Exactly one of `flag` and `value` is set. */
typedef struct ps_cli_option {
  const char *name;     /**< without the dashes */
  const char *argument; /**< what stands for its argument in the help ("FILE", see ps_cli_argument); NULL for a flag */
  const char *help;     /**< one line; it may go on with more */
  int *flag;            /**< set to 1 */
  const char **value;   /**< set to the argument, borrowed from argv */
} ps_cli_option;

/** A command's syntax and help. Its texts are constants; the rest need not outlive the call that is given it. */
typedef struct ps_cli_syntax {
  const char *command;          /**< "up" */
  const char *arguments;        /**< "[PROFILE]" (see ps_cli_argument); "" if it takes none */
  const char *text;             /**< what it does, for --help; lines of at most 100 characters. An indented line is
                                     an example */
  const ps_cli_option *options; /**< `option_count` of them */
  size_t option_count;
  int least; /**< fewest arguments */
  int most;  /**< most arguments */
} ps_cli_syntax;

/** More options than any command has, --help included. */
#define PS_CLI_MOST_OPTIONS 24

/**
 * Reads a command's line (argv[0] is the command's name). Returns 1 to go on, with *arguments at the first
 * argument of a NULL-terminated list; 0 if the command is to return *exit_code: after --help, or after a
 * complaint with the nearest option.
 */
int ps_cli_parse(const ps_cli_syntax *syntax, int argc, char **argv, char ***arguments, int *exit_code);

/* --- commands ----------------------------------------------------------------------------------- */

/**
 * A command, or a word that commands share. `run` gets a NULL-terminated argv that begins with the name, returns an
 * exit code, and first of all calls ps_cli_parse or ps_cli_run_group.
 */
typedef struct ps_cli_command {
  const char *name;
  const char *summary; /**< one line */
  int (*run)(int argc, char **argv);
} ps_cli_command;

/** Commands that share a word, as `plugin list` and `plugin show` do. A constant. */
typedef struct ps_cli_group {
  const char *command; /**< "plugin"; NULL for the program itself */
  const ps_cli_command *commands;
  size_t count;
} ps_cli_group;

/** The commands of the program. */
extern const ps_cli_group ps_cli_program;

/** A command of a group by its name; NULL if there is none. */
const ps_cli_command *ps_cli_find(const ps_cli_group *group, const char *name);
/** Runs the command of a group that argv[1] names. Returns its exit code, or one after help or a complaint. */
int ps_cli_run_group(const ps_cli_group *group, int argc, char **argv);
/** Complains about a word that names no command of the group. Returns PS_EXIT_USAGE. */
int ps_cli_unknown_command(const ps_cli_group *group, const char *word);

/** Somebody else than the user who wants to know what a command takes. Either function may be NULL. */
typedef struct ps_cli_reader {
  void *context;
  void (*syntax)(void *context, const ps_cli_syntax *syntax); /**< it is a command */
  void (*group)(void *context, const ps_cli_group *group);    /**< it is a group of them */
} ps_cli_reader;

/** Tells the reader what would be printed for --help: calls one of its functions. */
void ps_cli_read(const ps_cli_command *command, const ps_cli_reader *reader);
/** Is it told to somebody, so that there is nothing to print? For those who would print help. */
const ps_cli_reader *ps_cli_current_reader(void);

/* --- options of every command ------------------------------------------------------------------- */

/** The options of every command, but for --help. */
extern const ps_cli_option ps_cli_common_options[];
extern const size_t ps_cli_common_count;
/** --help, which every command has, and --version, which stands where a command would. Their `flag` is NULL. */
extern const ps_cli_option ps_cli_help_option;
extern const ps_cli_option ps_cli_version_option;

/** The letter that an option may be written with instead (-d); 0 if there is none. */
char ps_cli_letter(const ps_cli_option *option);
/** Prints a line (or more) of help for an option. */
void ps_cli_print_option(const ps_cli_option *option);

/**
 * Takes the common options out of a line, wherever they stand before "--", so that each command has to know only its
 * own. What is left, but for the program's name, goes to `rest`, which has room for all. Returns 0 or an exit code.
 */
int ps_cli_take_common(int argc, char **argv, char **rest, int *rest_count);

/* --- arguments ---------------------------------------------------------------------------------- */

/** What may be written where an argument stands. */
typedef enum ps_cli_fill {
  PS_FILL_WORDS = 1, /**< one of some words */
  PS_FILL_FILES,
  PS_FILL_FOLDERS,
  PS_FILL_PROFILES,
  PS_FILL_TRANSPORTS,
  PS_FILL_COMMANDS
} ps_cli_fill;

/** A kind of argument, known by what stands for it in the help. */
typedef struct ps_cli_argument {
  const char *name; /**< "LEVEL" */
  ps_cli_fill fill;
  const char *kind;         /**< WORDS: "log level" */
  const char *const *words; /**< WORDS: NULL-terminated */
} ps_cli_argument;

/** The kind of argument that `size` bytes at `name` stand for; NULL if it may be anything. */
const ps_cli_argument *ps_cli_argument_find(const char *name, size_t size);
/** Complains about a value that is none of an option's words. Returns 0 if it is one, or if any value will do. */
int ps_cli_argument_check(const ps_cli_option *option, const char *value);

#endif
