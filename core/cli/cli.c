/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/out.h"
#include "cli/term.h"
#include "host/prompt.h"
#include "log/log.h"

ps_cli_common ps_cli_options;

static const struct command {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"up", "run the gateway with a profile until Ctrl-C", ps_cmd_up},
    {"status", "show how the gateways are that run", ps_cmd_status},
    {"reconnect", "have a gateway connect anew at once", ps_cmd_reconnect},
    {"down", "end a gateway in order, wherever it runs", ps_cmd_down},
    {"check", "check the profiles; with --connect, try the way to the solver", ps_cmd_check},
    {"profiles", "list the profiles", ps_cmd_profiles},
    {"plugin", "list and show transport plugins", ps_cmd_plugin},
    {"probe", "ask a port whether a solver answers there", ps_cmd_probe},
    {"trust", "see a host's key and trust it", ps_cmd_trust},
    {"ssh-command", "explain a pasted ssh command; with --save, keep it as a profile", ps_cmd_ssh_command},
    {"version", "versions of penstock and its libraries", ps_cmd_version},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int print_help(void) {
  ps_out_text("Usage: penstock [OPTION]... COMMAND [ARGUMENT]...\n"
              "\n"
              "One local port in front of a solver, any transport behind it.\n"
              "\n"
              "Commands:");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    ps_out_line("  %-22s %s", commands[i].name, commands[i].summary);
  }
  ps_out_text("  help COMMAND           what a command does, and its options\n"
              "\n"
              "Options of every command, before or after its name:\n"
              "  --config FILE          profiles file, instead of $PENSTOCK_CONFIG,\n"
              "                         ~/.config/penstock/penstock.ini or /etc/penstock/penstock.ini\n"
              "  --log-level LEVEL      error, warn, info, debug or trace\n"
              "  --log-format FORMAT    text or json\n"
              "  --log-file FILE        log to this file instead of standard error\n"
              "  --batch                never ask a question\n"
              "  --color WHEN           auto, always or never; auto obeys NO_COLOR\n"
              "  -h, --help             this text\n"
              "  --version              as the command 'version'\n"
              "\n"
              "Exit codes:\n"
              "  0  done\n"
              "  1  failed in a way that has no code of its own\n"
              "  2  the command line is wrong\n"
              "  3  a profile, plugin or setting is wrong\n"
              "  4  the host, the solver or the gateway cannot be reached\n"
              "  5  authentication was refused\n"
              "  6  the host's key is unknown or has changed\n"
              "  7  the port is in use, or something listens there that is no solver\n"
              "  8  the solver, its container or the engine did not start or get ready");
  return PS_EXIT_OK;
}

/* Complains about a word that is none of `words` (NULL-terminated). They are listed if none is near and `list`. */
static int unknown_word(const char *kind, const char *word, const char *const *words, int list) {
  ps_text known = {0};
  ps_nearest nearest;
  ps_nearest_init(&nearest, word);
  for (const char *const *each = words; *each; each++) {
    ps_nearest_offer(&nearest, *each);
    ps_text_addf(&known, "%s%s", known.size ? ", " : "; it is one of ", *each);
  }
  int exit_code = nearest.best
                      ? ps_cli_usage(NULL, "unknown %s '%.64s'; did you mean '%s'?", kind, word, nearest.best)
                      : ps_cli_usage(NULL, "unknown %s '%.64s'%s", kind, word, list && known.data ? known.data : "");
  free(known.data);
  return exit_code;
}

static int set_log_level(const char *value) {
  static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};
  ps_cli_options.log_level = ps_log_level_parse(value);
  return ps_cli_options.log_level ? 0 : unknown_word("log level", value, levels, 1);
}

static int set_log_format(const char *value) {
  static const char *const formats[] = {"text", "json", NULL};
  ps_cli_options.log_format = value;
  return strcmp(value, "text") == 0 || strcmp(value, "json") == 0 ? 0 : unknown_word("log format", value, formats, 1);
}

static int set_color(const char *value) {
  static const char *const modes[] = {"auto", "always", "never", NULL};
  for (int i = 0; modes[i]; i++) {
    if (strcmp(value, modes[i]) == 0) {
      ps_term_set_color((ps_color)i);
      return 0;
    }
  }
  return unknown_word("value for --color", value, modes, 1);
}

static int set_config(const char *value) {
  ps_cli_options.config = value;
  return 0;
}

static int set_log_file(const char *value) {
  ps_cli_options.log_file = value;
  return 0;
}

static const struct {
  const char *name;
  int (*set)(const char *value); /* 0, or an exit code after a complaint */
} common[] = {
    {"--config", set_config},     {"--log-level", set_log_level}, {"--log-format", set_log_format},
    {"--log-file", set_log_file}, {"--color", set_color},
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

/* Takes the common option at argv[*at], if it is one, and moves *at past it. Returns 1 if it was, 0 if not; *exit_code
 * is set on a complaint. */
static int take_common(char **argv, int *at, int *exit_code) {
  const char *word = argv[*at];
  if (strcmp(word, "--batch") == 0) {
    ps_cli_options.batch = 1;
    (*at)++;
    return 1;
  }
  for (size_t i = 0; i < COMMON_COUNT; i++) {
    size_t size = strlen(common[i].name);
    if (strncmp(word, common[i].name, size) != 0 || (word[size] != '\0' && word[size] != '=')) {
      continue;
    }
    const char *value = word[size] == '=' ? word + size + 1 : argv[*at + 1];
    *at += word[size] == '=' ? 1 : 2;
    *exit_code =
        value && value[0] ? common[i].set(value) : ps_cli_usage(NULL, "option '%s' needs a value", common[i].name);
    return 1;
  }
  return 0;
}

/*
 * The common options are taken out first, wherever they stand before "--", so that each command has to know
 * only its own. What is left goes to `rest`, which has room for all. Returns 0 or an exit code.
 */
static int take_common_options(int argc, char **argv, char **rest, int *rest_count) {
  int exit_code = 0;
  int at = 1;
  *rest_count = 0;
  while (at < argc && exit_code == 0 && strcmp(argv[at], "--") != 0) {
    if (!take_common(argv, &at, &exit_code)) {
      rest[(*rest_count)++] = argv[at++];
    }
  }
  while (at < argc && exit_code == 0) {
    rest[(*rest_count)++] = argv[at++];
  }
  rest[*rest_count] = NULL;
  return exit_code;
}

static const struct command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(commands[i].name, name) == 0) {
      return &commands[i];
    }
  }
  return NULL;
}

static int unknown_command(const char *word) {
  const char *names[COMMAND_COUNT + 2];
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    names[i] = commands[i].name;
  }
  names[COMMAND_COUNT] = "help";
  names[COMMAND_COUNT + 1] = NULL;
  return unknown_word("command", word, names, 0);
}

static int help_for(int argc, char **argv) {
  char help[] = "--help";
  if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    return print_help();
  }
  const struct command *command = find_command(argv[1]);
  char *line[] = {argv[1], help, NULL};
  return command ? command->run(2, line) : unknown_command(argv[1]);
}

/* An option where a command should be. */
static int global_option(const char *word) {
  static const char *const options[] = {"--config", "--log-level", "--log-format", "--log-file", "--batch",
                                        "--color",  "--help",      "--version",    NULL};
  char name[] = "version";
  char *line[] = {name, NULL};
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
    return print_help();
  }
  if (strcmp(word, "--version") == 0) {
    return ps_cmd_version(1, line);
  }
  return unknown_word("option", word, options, 0);
}

static int dispatch(int argc, char **argv) {
  if (argc == 0) {
    (void)fprintf(stderr,
                  "penstock: a command is missing: up, status, reconnect, down, check, profiles, plugin, probe, trust, "
                  "ssh-command or version\n"
                  "Try 'penstock --help'.\n");
    return PS_EXIT_USAGE;
  }
  if (argv[0][0] == '-') {
    return global_option(argv[0]);
  }
  if (strcmp(argv[0], "help") == 0) {
    return help_for(argc, argv);
  }
  const struct command *command = find_command(argv[0]);
  return command ? command->run(argc, argv) : unknown_command(argv[0]);
}

int ps_cli_main(int argc, char **argv) {
  int count = 0;
  ps_term_prepare();
  char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  if (!rest) {
    (void)fprintf(stderr, "penstock: out of memory\n");
    return PS_EXIT_FAILED;
  }
  int exit_code = take_common_options(argc, argv, rest, &count);
  if (exit_code == 0) {
    if (ps_cli_options.batch) {
      ps_prompt_allow(0);
    }
    exit_code = dispatch(count, rest);
  }
  free(rest);
  return exit_code;
}
