/* SPDX-License-Identifier: MIT */
/* What the words in capitals stand for. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "base/text.h"

static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};
static const char *const formats[] = {"auto", "text", "json", "journal", "eventlog", NULL};
static const char *const moments[] = {"auto", "always", "never", NULL};

static const ps_cli_argument arguments[] = {
    {"LEVEL", PS_FILL_WORDS, "log level", levels},   {"FORMAT", PS_FILL_WORDS, "log format", formats},
    {"WHEN", PS_FILL_WORDS, "colour mode", moments}, {"FILE", PS_FILL_FILES, NULL, NULL},
    {"FOLDERS", PS_FILL_FOLDERS, NULL, NULL},        {"PROFILE", PS_FILL_PROFILES, NULL, NULL},
    {"TRANSPORT", PS_FILL_TRANSPORTS, NULL, NULL},   {"COMMAND", PS_FILL_COMMANDS, NULL, NULL},
};

const ps_cli_argument *ps_cli_argument_find(const char *name, size_t size) {
  for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
    if (strlen(arguments[i].name) == size && strncmp(arguments[i].name, name, size) == 0) {
      return &arguments[i];
    }
  }
  return NULL;
}

int ps_cli_argument_check(const ps_cli_option *option, const char *value) {
  const ps_cli_argument *argument = ps_cli_argument_find(option->argument, strlen(option->argument));
  ps_text known = {0};
  ps_nearest nearest;
  ps_nearest_init(&nearest, value);
  for (size_t i = 0; argument && argument->words && argument->words[i]; i++) {
    if (strcmp(argument->words[i], value) == 0) {
      free(known.data);
      return 0;
    }
    ps_nearest_offer(&nearest, argument->words[i]);
    ps_text_addf(&known, "%s%s", i ? ", " : "; it is one of ", argument->words[i]);
  }
  if (!argument || !argument->words) {
    return 0;
  }
  int exit_code =
      nearest.best ? ps_cli_usage(NULL, "unknown %s '%.64s'; did you mean '%s'?", argument->kind, value, nearest.best)
                   : ps_cli_usage(NULL, "unknown %s '%.64s'%s", argument->kind, value, known.data ? known.data : "");
  free(known.data);
  return exit_code;
}
