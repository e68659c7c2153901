/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>

static ps_color color_mode = PS_COLOR_AUTO;

void ps_term_set_color(ps_color mode) {
  color_mode = mode;
}

static int is_set(const char *name) {
  const char *value = getenv(name);
  return value && value[0];
}

static int is_dumb(void) {
  const char *terminal = getenv("TERM");
  return terminal && strcmp(terminal, "dumb") == 0;
}

/* The first of them that is set counts; words like "C.UTF-8" and "en_US.utf8". */
int ps_term_is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *value = getenv(names[i]);
    if (value && value[0]) {
      return strstr(value, "UTF-8") || strstr(value, "utf-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
  }
  return ps_term_system_is_utf8();
}

static int is_shared;

void ps_term_share(void) {
  is_shared = 1;
}

int ps_term_can_rewrite(ps_stream stream) {
  return !is_shared && ps_term_is_terminal(stream) && !is_dumb();
}

const char *ps_term_style(ps_stream stream, ps_style style) {
  static const char *const codes[] = {
      [PS_STYLE_END] = "\033[0m",   [PS_STYLE_STRONG] = "\033[1m", [PS_STYLE_GOOD] = "\033[32m",
      [PS_STYLE_WARN] = "\033[33m", [PS_STYLE_BAD] = "\033[31m",   [PS_STYLE_FAINT] = "\033[2m",
  };
  if (color_mode == PS_COLOR_ALWAYS) {
    return codes[style];
  }
  /* https://no-color.org: set and not empty means no colour, unless the command line asks for it. */
  if (color_mode == PS_COLOR_NEVER || is_set("NO_COLOR") || is_dumb() || !ps_term_is_terminal(stream)) {
    return "";
  }
  return codes[style];
}
