/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <stdlib.h>
#include <string.h>

/* Writes a character if there is a place for it; counts it in any case. */
static void put(char *line, size_t *used, char c) {
  if (line) {
    line[*used] = c;
  }
  (*used)++;
}

/* A backslash is only special in front of a quote: there each stands twice. */
static void put_word(char *line, size_t *used, const char *word) {
  size_t slashes = 0;
  if (word[0] && !strpbrk(word, " \t\n\v\"")) {
    for (; *word; word++) {
      put(line, used, *word);
    }
    return;
  }
  put(line, used, '"');
  for (; *word; word++) {
    size_t before = *word == '"' ? 2 * slashes + 1 : slashes;
    if (*word == '\\') {
      slashes++;
      continue;
    }
    for (slashes = 0; before > 0; before--) {
      put(line, used, '\\');
    }
    put(line, used, *word);
  }
  for (slashes *= 2; slashes > 0; slashes--) {
    put(line, used, '\\');
  }
  put(line, used, '"');
}

static size_t put_all(char *line, const char *const *words) {
  size_t used = 0;
  for (size_t i = 0; words[i]; i++) {
    if (i > 0) {
      put(line, &used, ' ');
    }
    put_word(line, &used, words[i]);
  }
  put(line, &used, '\0');
  return used;
}

char *ps_command_line(const char *const *words) {
  char *line = malloc(put_all(NULL, words));
  if (line) {
    (void)put_all(line, words);
  }
  return line;
}
