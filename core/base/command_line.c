/* SPDX-License-Identifier: MIT */
#include "base/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A backslash is only special in front of a quote: there each stands twice. */
static void add_word(ps_text *line, const char *word) {
  int is_plain = word[0] && !strpbrk(word, " \t\n\v\"");
  size_t slashes = 0;
  if (is_plain) {
    ps_text_adds(line, word);
    return;
  }
  ps_text_adds(line, "\"");
  for (; *word; word++) {
    if (*word == '\\') {
      slashes++;
      continue;
    }
    for (size_t i = 0; i < (*word == '"' ? 2 * slashes + 1 : slashes); i++) {
      ps_text_adds(line, "\\");
    }
    slashes = 0;
    ps_text_add(line, word, 1);
  }
  for (size_t i = 0; i < 2 * slashes; i++) {
    ps_text_adds(line, "\\");
  }
  ps_text_adds(line, "\"");
}

char *ps_command_line(const char *const *words) {
  ps_text line = {0};
  for (size_t i = 0; words[i]; i++) {
    ps_text_adds(&line, i > 0 ? " " : "");
    add_word(&line, words[i]);
  }
  if (line.no_memory) {
    free(line.data);
    return NULL;
  }
  return line.data;
}
