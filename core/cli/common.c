/* SPDX-License-Identifier: MIT */
/* The options that every command has. */
#include "cli/cli.h"

#include "base/advice.h"
#include "log/log.h"

ps_cli_common ps_cli_options;

/* As given; NULL = not given. */
static const char *log_level;
static const char *color;

const ps_cli_option ps_cli_common_options[] = {
    {"config", "FILE", ps_advice_config, NULL, &ps_cli_options.config},
    {"log-level", "LEVEL", "error, warn, info, debug or trace", NULL, &log_level},
    {"log-format", "FORMAT", "auto, text, json, journal or eventlog", NULL, &ps_cli_options.log_format},
    {"log-file", "FILE", "log to this file instead of standard error", NULL, &ps_cli_options.log_file},
    {"batch", NULL, "never ask a question", &ps_cli_options.batch, NULL},
    {"color", "WHEN", "auto, always or never; auto obeys NO_COLOR", NULL, &color},
};
const size_t ps_cli_common_count = sizeof(ps_cli_common_options) / sizeof(ps_cli_common_options[0]);

const ps_cli_option ps_cli_help_option = {"help", NULL, "this text", NULL, NULL};
const ps_cli_option ps_cli_version_option = {"version", NULL, "as the command 'version'", NULL, NULL};

/* Is the word this option, by itself or with its value behind a "="? */
static int is_option(const ps_cli_option *option, const char *word) {
  size_t size = strlen(option->name);
  return strncmp(word, "--", 2) == 0 && strncmp(word + 2, option->name, size) == 0 &&
         (word[2 + size] == '\0' || (word[2 + size] == '=' && option->argument));
}

/* Takes the option at argv[*at], and moves *at past it. Returns 0 or an exit code after a complaint. */
static int take(const ps_cli_option *option, char **argv, int *at) {
  const char *equals = strchr(argv[*at], '=');
  if (!option->argument) {
    *option->flag = 1;
    (*at)++;
    return 0;
  }
  const char *value = equals ? equals + 1 : argv[*at + 1];
  *at += equals ? 1 : 2;
  if (!value || !value[0]) {
    return ps_cli_usage(NULL, "option '--%s' needs a value", option->name);
  }
  *option->value = value;
  return ps_cli_argument_check(option, value);
}

static const ps_cli_option *find(const char *word) {
  for (size_t i = 0; i < ps_cli_common_count; i++) {
    if (is_option(&ps_cli_common_options[i], word)) {
      return &ps_cli_common_options[i];
    }
  }
  return NULL;
}

static void apply(void) {
  static const char *const colors[] = {
      [PS_COLOR_AUTO] = "auto", [PS_COLOR_ALWAYS] = "always", [PS_COLOR_NEVER] = "never"};
  if (log_level) {
    ps_cli_options.log_level = ps_log_level_parse(log_level);
  }
  for (size_t i = 0; color && i < sizeof(colors) / sizeof(colors[0]); i++) {
    if (strcmp(colors[i], color) == 0) {
      ps_term_set_color((ps_color)i);
    }
  }
}

int ps_cli_take_common(int argc, char **argv, char **rest, int *rest_count) {
  int exit_code = 0;
  int at = 1;
  *rest_count = 0;
  while (at < argc && exit_code == 0 && strcmp(argv[at], "--") != 0) {
    const ps_cli_option *option = find(argv[at]);
    if (option) {
      exit_code = take(option, argv, &at);
    } else {
      rest[(*rest_count)++] = argv[at++];
    }
  }
  while (at < argc && exit_code == 0) {
    rest[(*rest_count)++] = argv[at++];
  }
  rest[*rest_count] = NULL;
  apply();
  return exit_code;
}
