/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/text.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/term.h"
#include "log/log.h"

/* Each line of the detail on one of its own; line ends are all that is not escaped. */
static void add_detail(ps_text *text, const char *detail) {
  char line[2048];
  ps_text_adds(text, "\n  Details:");
  while (*detail) {
    size_t length = strcspn(detail, "\n");
    size_t shown = length > 0 && detail[length - 1] == '\r' ? length - 1 : length;
    ps_text_addf(text, "\n    %s", ps_show_bytes(line, sizeof(line), detail, shown));
    detail += length + (detail[length] == '\n');
  }
}

/* As a shell takes it. */
static void add_word(ps_text *text, const char *word) {
  int is_plain = word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./~-")] == '\0';
  ps_text_adds(text, is_plain ? "" : "'");
  ps_text_add_safe(text, word);
  ps_text_adds(text, is_plain ? "" : "'");
}

/* A command of ours that is advised needs the profiles file that this one was given. */
static void add_next(ps_text *text, const char *next) {
  static const char advised[] = "penstock trust ";
  const char *at = ps_cli_options.config ? strstr(next, advised) : NULL;
  char before[sizeof(((penstock_error *)0)->next)];
  if (!at) {
    ps_text_add_safe(text, next);
    return;
  }
  (void)snprintf(before, sizeof(before), "%.*s", (int)(at - next), next);
  ps_text_add_safe(text, before);
  ps_text_adds(text, "penstock --config ");
  add_word(text, ps_cli_options.config);
  ps_text_adds(text, " trust ");
  ps_text_add_safe(text, at + sizeof(advised) - 1);
}

static void add_error(ps_text *text, ps_stream stream, const char *headline, const penstock_error *error) {
  ps_text_addf(text, "%s%s:%s ", ps_term_style(stream, PS_STYLE_BAD), headline, ps_term_style(stream, PS_STYLE_END));
  ps_text_add_safe(text, error->what);
  if (error->leg != PENSTOCK_LEG_NONE) {
    ps_text_addf(text, "\n  Leg:  %s (%s)", ps_leg_name(error->leg), ps_class_name(error->error_class));
  }
  if (error->next[0]) {
    ps_text_adds(text, "\n  Next: ");
    add_next(text, error->next);
  }
  if (error->detail[0] && !strstr(error->what, error->detail)) {
    add_detail(text, error->detail);
  }
}

static void print(ps_stream stream, ps_text *text) {
  const char *words = text->data ? text->data : "penstock: out of memory";
  if (stream == PS_STDOUT) {
    ps_out_text(words);
  } else {
    char *labelled = ps_out_labelled() ? ps_out_with_label(words) : NULL;
    (void)fprintf(stderr, "%s\n", labelled ? labelled : words);
    free(labelled);
  }
  free(text->data);
}

void ps_cli_print_error(ps_stream stream, const char *headline, const penstock_error *error) {
  ps_text text = {0};
  add_error(&text, stream, headline, error);
  print(stream, &text);
}

void ps_cli_print_problems(ps_stream stream, ps_problems *problems) {
  ps_problems_sort(problems);
  for (size_t i = 0; i < problems->count; i++) {
    const ps_problem *problem = &problems->items[i];
    ps_text text = {0};
    ps_text_add_safe(&text, problem->file ? problem->file : "penstock.ini");
    if (problem->line > 0) {
      ps_text_addf(&text, ":%d", problem->line);
    }
    ps_text_addf(&text, ": %s%s:%s ", ps_term_style(stream, problem->fatal ? PS_STYLE_BAD : PS_STYLE_WARN),
                 problem->fatal ? "error" : "warning", ps_term_style(stream, PS_STYLE_END));
    ps_text_add_safe(&text, problem->text);
    print(stream, &text);
  }
}
