/* SPDX-License-Identifier: MIT */
/* Commands that share a word. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/out.h"

const ps_cli_command *ps_cli_find(const ps_cli_group *group, const char *name) {
  for (size_t i = 0; i < group->count; i++) {
    if (strcmp(group->commands[i].name, name) == 0) {
      return &group->commands[i];
    }
  }
  return NULL;
}

/* "list, show". */
static void add_names(ps_text *text, const ps_cli_group *group) {
  for (size_t i = 0; i < group->count; i++) {
    ps_text_addf(text, "%s%s", i ? ", " : "", group->commands[i].name);
  }
}

static int missing_command(const ps_cli_group *group) {
  ps_text names = {0};
  add_names(&names, group);
  int exit_code = ps_cli_usage(group->command, "a command is missing: %s", names.data ? names.data : "");
  free(names.data);
  return exit_code;
}

int ps_cli_unknown_command(const ps_cli_group *group, const char *word) {
  ps_text hint = {0};
  ps_nearest nearest;
  ps_nearest_init(&nearest, word);
  for (size_t i = 0; i < group->count; i++) {
    ps_nearest_offer(&nearest, group->commands[i].name);
  }
  if (nearest.best) {
    ps_text_addf(&hint, "; did you mean '%s'?", nearest.best);
  } else if (group->command) { /* few enough to be listed */
    ps_text_adds(&hint, "; it is one of ");
    add_names(&hint, group);
  }
  int exit_code = ps_cli_usage(group->command, "unknown command '%.64s'%s", word, hint.data ? hint.data : "");
  free(hint.data);
  return exit_code;
}

static void print_usage(void *context, const ps_cli_syntax *syntax) {
  const char **lead = context;
  ps_out_line("%s penstock %s [OPTION]...%s%s", *lead, syntax->command, syntax->arguments[0] ? " " : "",
              syntax->arguments);
  *lead = "      ";
}

static void print_help(const ps_cli_group *group) {
  const char *lead = "Usage:";
  const ps_cli_reader reader = {.context = &lead, .syntax = print_usage};
  for (size_t i = 0; i < group->count; i++) {
    ps_cli_read(&group->commands[i], &reader);
  }
  ps_out_text("");
  for (size_t i = 0; i < group->count; i++) {
    ps_out_line("  %-22s %s", group->commands[i].name, group->commands[i].summary);
  }
  ps_out_text("");
  ps_out_line("More: penstock %s COMMAND --help", group->command);
}

int ps_cli_run_group(const ps_cli_group *group, int argc, char **argv) {
  const char *word = argc > 1 ? argv[1] : NULL;
  const ps_cli_reader *reader = ps_cli_current_reader();
  if (!word) {
    return missing_command(group);
  }
  if (strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0) {
    const ps_cli_command *command = ps_cli_find(group, word);
    return command ? command->run(argc - 1, argv + 1) : ps_cli_unknown_command(group, word);
  }
  if (!reader) {
    print_help(group);
  } else if (reader->group) {
    reader->group(reader->context, group);
  }
  return PS_EXIT_OK;
}
