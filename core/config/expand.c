/* SPDX-License-Identifier: MIT */
#include "config/expand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int is_name_start(char c) {
  return c == '_' || isalpha((unsigned char)c);
}

static size_t name_span(const char *text) {
  size_t size = 0;
  while (is_name_start(text[size]) || (size > 0 && isdigit((unsigned char)text[size]))) {
    size++;
  }
  return size;
}

size_t ps_expand_span(const char *text) {
  if (text[0] == '$' && text[1] == '$') {
    return 2;
  }
  if (text[0] != '$' || text[1] != '{') {
    return 0;
  }
  const char *end = strchr(text, '}');
  return end ? (size_t)(end - text) + 1 : 0;
}

/* Adds the value of the expansion `${…}` of `span` bytes at `text`. */
static int expand_one(const char *text, size_t span, ps_text *out, ps_text *fault) {
  const char *name = text + 2;
  size_t size = name_span(name);
  const char *rest = name + size; /* "}" or ":-otherwise}" */
  const char *end = text + span - 1;
  int has_otherwise = strncmp(rest, ":-", 2) == 0;
  if (size == 0 || (rest != end && !has_otherwise)) {
    ps_text_addf(fault, "`%.*s` is no expansion: write ${NAME} or ${NAME:-otherwise}, and $$ for a `$`", (int)span,
                 text);
    return PENSTOCK_E_INVALID;
  }
  char *copy = strndup(name, size);
  const char *value = copy ? getenv(copy) : NULL;
  free(copy);
  if (value && (value[0] || !has_otherwise)) {
    ps_text_adds(out, value);
  } else if (has_otherwise) {
    ps_text_add(out, rest + 2, (size_t)(end - rest) - 2);
  } else {
    ps_text_addf(fault, "the environment variable %.*s is not set: set it, or write ${%.*s:-otherwise}", (int)size,
                 name, (int)size, name);
    return PENSTOCK_E_INVALID;
  }
  return 0;
}

int ps_expand_environment(const char *text, ps_text *out, ps_text *fault) {
  ps_text_adds(out, "");
  while (*text) {
    size_t plain = strcspn(text, "$");
    ps_text_add(out, text, plain);
    text += plain;
    size_t span = ps_expand_span(text);
    if (span == 2) {
      ps_text_adds(out, "$");
    } else if (span > 2) {
      int result = expand_one(text, span, out, fault);
      if (result != 0) {
        return result;
      }
    } else if (text[0] == '$' && text[1] == '{') {
      ps_text_adds(fault, "`${` has no closing `}` (write $${ for a literal one)");
      return PENSTOCK_E_INVALID;
    } else if (text[0] == '$') {
      ps_text_adds(out, "$");
      span = 1;
    }
    text += span;
  }
  return 0;
}

const char *ps_expand_bare_name(const char *text) {
  for (const char *at = strchr(text, '$'); at; at = strchr(at, '$')) {
    size_t span = ps_expand_span(at);
    if (span == 0 && is_name_start(at[1])) {
      return at;
    }
    at += span ? span : 1;
  }
  return NULL;
}
