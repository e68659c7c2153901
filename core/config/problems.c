/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

/* A profile that two others inherit from is checked twice: its problems are told once. */
static int is_known(const ps_problems *problems, const ps_problem *problem) {
  for (size_t i = 0; i < problems->count; i++) {
    const ps_problem *other = &problems->items[i];
    if (other->line == problem->line && strcmp(other->file, problem->file) == 0 &&
        strcmp(other->text, problem->text) == 0) {
      return 1;
    }
  }
  return 0;
}

void ps_problems_add(ps_problems *problems, int fatal, const char *file, int line, const char *format, ...) {
  char *made = NULL;
  ps_text safe = {0};
  va_list arguments;
  if (!problems) {
    return;
  }
  va_start(arguments, format);
  int size = vasprintf(&made, format, arguments);
  va_end(arguments);
  /* Texts quote what the file holds. */
  ps_text_add_safe(&safe, size < 0 ? "out of memory" : made);
  if (size >= 0) {
    free(made);
  }
  ps_problem problem = {.file = strdup(file ? file : ""), .line = line, .fatal = fatal, .text = safe.data};
  ps_problem *items = NULL;
  if (problem.file && problem.text && !is_known(problems, &problem)) {
    items = realloc(problems->items, (problems->count + 1) * sizeof(*items));
  }
  if (!items) {
    free(problem.file);
    free(problem.text);
    return;
  }
  problems->items = items;
  problems->items[problems->count++] = problem;
}

size_t ps_problems_fatal(const ps_problems *problems) {
  size_t count = 0;
  for (size_t i = 0; i < problems->count; i++) {
    count += problems->items[i].fatal != 0;
  }
  return count;
}

static int compare(const void *left, const void *right) {
  const ps_problem *a = left;
  const ps_problem *b = right;
  int order = strcmp(a->file, b->file);
  if (order == 0) {
    order = (a->line > b->line) - (a->line < b->line);
  }
  if (order == 0) {
    order = strcmp(a->text, b->text);
  }
  return order;
}

void ps_problems_sort(ps_problems *problems) {
  if (problems->count > 1) {
    qsort(problems->items, problems->count, sizeof(*problems->items), compare);
  }
}

void ps_problems_clear(ps_problems *problems) {
  for (size_t i = 0; i < problems->count; i++) {
    free(problems->items[i].file);
    free(problems->items[i].text);
  }
  free(problems->items);
  problems->items = NULL;
  problems->count = 0;
}
