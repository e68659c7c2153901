/* SPDX-License-Identifier: MIT */
/* Commands, options and exit codes, as penstock --help tells them. */
#include <string.h>

#include "cli/cli.h"
#include "manual/manual.h"
#include "manual/mdoc.h"

/* Adds what a command takes: "[PROFILE]", "TRANSPORT|FILE", "'LINE'". */
static void add_arguments(ps_text *page, const char *text) {
  char word[64];
  while (*text) {
    size_t size = strcspn(text, " []|'.");
    if (strncmp(text, "--", 2) == 0) {
      ps_text_adds(page, " Ic");
      ps_mdoc_argument(page, "--");
      size = 2;
    } else if (size > 0 && size < sizeof(word)) {
      (void)snprintf(word, sizeof(word), "%.*s", (int)size, text);
      ps_text_adds(page, " Ar");
      ps_mdoc_argument(page, word);
    } else if (size > 0) {
      size = strlen(text); /* no name of an argument */
    } else if (strncmp(text, "...", 3) == 0) {
      ps_text_adds(page, " No ...");
      size = 3;
    } else {
      ps_text_adds(page, *text == '[' ? " Oo" : *text == ']' ? " Oc" : *text == '|' ? " No \\||" : "");
      size = 1;
    }
    text += size;
  }
}

static void add_option(ps_text *page, const ps_cli_option *option) {
  char name[64];
  (void)snprintf(name, sizeof(name), "-%s", option->name);
  char letter = ps_cli_letter(option);
  if (letter) {
    ps_text_addf(page, ".It Fl %c , Fl", letter);
  } else {
    ps_text_adds(page, ".It Fl");
  }
  ps_mdoc_argument(page, name);
  if (option->argument) {
    ps_text_adds(page, " Ar");
    ps_mdoc_argument(page, option->argument);
  }
  ps_text_adds(page, "\n");
  ps_mdoc_paragraphs(page, option->help);
}

static void on_syntax(void *context, const ps_cli_syntax *syntax) {
  ps_text *page = context;
  ps_text_adds(page, ".It Ic");
  ps_mdoc_argument(page, syntax->command);
  if (syntax->option_count > 0) {
    ps_text_adds(page, " Oo Ar option ... Oc");
  }
  add_arguments(page, syntax->arguments);
  ps_text_adds(page, "\n");
  ps_mdoc_paragraphs(page, syntax->text);
  if (syntax->option_count > 0) {
    ps_text_adds(page, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < syntax->option_count; i++) {
      add_option(page, &syntax->options[i]);
    }
    ps_text_adds(page, ".El\n");
  }
}

static void on_group(void *context, const ps_cli_group *group) {
  const ps_cli_reader reader = {context, on_syntax, on_group};
  for (size_t i = 0; i < group->count; i++) {
    ps_cli_read(&group->commands[i], &reader);
  }
}

void ps_manual_commands(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  ps_text_adds(page, ".Bl -tag -width Ds\n");
  on_group(page, &ps_cli_program);
  ps_text_adds(page, ".El\n");
}

void ps_manual_options(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  ps_text_adds(page, ".Bl -tag -width Ds\n");
  for (size_t i = 0; i < ps_cli_common_count; i++) {
    add_option(page, &ps_cli_common_options[i]);
  }
  add_option(page, &ps_cli_help_option);
  add_option(page, &ps_cli_version_option);
  ps_text_adds(page, ".El\n");
}

void ps_manual_exit_codes(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  ps_text_adds(page, ".Bl -tag -width Ds\n");
  for (int i = 0; ps_cli_exit_text(i); i++) {
    ps_text_addf(page, ".It %d\n", i);
    ps_mdoc_paragraphs(page, ps_cli_exit_text(i));
  }
  ps_text_adds(page, ".El\n");
}
