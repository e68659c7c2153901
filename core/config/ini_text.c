/* SPDX-License-Identifier: MIT */
#include "config/ini_text.h"

#include <string.h>

/* What no reader of a value acts on, wherever it stands in it. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./:@=%+~^_-$*?![]{}()<>&|";

/* Can a line of a file hold it? */
static int is_writable(const char *text) {
  while (*text) {
    unsigned long point = 0;
    size_t length = ps_utf8_next(text, &point);
    if (length == 0 || point < 0x20 || (point >= 0x7F && point < 0xA0)) {
      return 0;
    }
    text += length;
  }
  return 1;
}

/* Adds a value or an item. `$` is doubled, so that nothing in it is taken for a variable. */
static void add_value(ps_text *out, const char *text) {
  int is_quoted = text[0] == '\0' || text[strspn(text, plain)] != '\0';
  ps_text_adds(out, is_quoted ? "\"" : "");
  for (; *text; text++) {
    if (*text == '$') {
      ps_text_adds(out, "$");
    } else if (is_quoted && (*text == '"' || *text == '\\')) {
      ps_text_adds(out, "\\");
    }
    ps_text_add(out, text, 1);
  }
  ps_text_adds(out, is_quoted ? "\"" : "");
}

void ps_ini_add_comment(ps_text *out, const char *text) {
  ps_text_adds(out, "; ");
  ps_text_add_safe(out, text);
  ps_text_adds(out, "\n");
}

int ps_ini_add_key(ps_text *out, const char *key, const char *text, const char *comment) {
  if (!is_writable(text)) {
    return PENSTOCK_E_INVALID;
  }
  ps_text_addf(out, "%s = ", key);
  add_value(out, text);
  if (comment) {
    ps_text_adds(out, "  ");
    ps_ini_add_comment(out, comment);
  } else {
    ps_text_adds(out, "\n");
  }
  return 0;
}

int ps_ini_add_list(ps_text *out, const char *key, const char *const *items, const char *comment) {
  for (size_t i = 0; items[i]; i++) {
    if (!is_writable(items[i])) {
      return PENSTOCK_E_INVALID;
    }
  }
  if (comment) {
    ps_ini_add_comment(out, comment);
  }
  ps_text_addf(out, "%s =", key);
  int is_long = items[0] && items[1];
  for (size_t i = 0; items[i]; i++) {
    ps_text_adds(out, is_long ? "\n  " : " ");
    add_value(out, items[i]);
  }
  ps_text_adds(out, "\n");
  return 0;
}
