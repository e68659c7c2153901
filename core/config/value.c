/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/path.h"
#include "base/pointers.h"
#include "config/expand.h"
#include "config/reference.h"

/* One value being parsed. */
typedef struct parser {
  const penstock_option *option;
  ps_place place;
  ps_value *value;
  ps_problems *problems;
  int failed; /* an item of a list was wrong */
} parser;

void ps_value_clear(ps_value *value) {
  for (size_t i = 0; i < value->count; i++) {
    free(value->items[i]);
  }
  free(value->items);
  free(value->text);
  memset(value, 0, sizeof(*value));
}

int ps_value_is_set(const ps_value *value) {
  return value->text != NULL || value->has_number || value->count > 0;
}

static int fail(const parser *self, int line, const char *fault) {
  ps_problems_add(self->problems, 1, self->place.file, self->place.line + line, "`%s`: %s", self->option->key, fault);
  return PENSTOCK_E_INVALID;
}

/* Fails with the fault's text, and frees it. */
static int fail_with(const parser *self, int line, ps_text *fault) {
  int result = fail(self, line, fault->data ? fault->data : "out of memory");
  free(fault->data);
  fault->data = NULL;
  return result;
}

/* --- types ----------------------------------------------------------------------------------------- */

/* Adds a path that counts from the folder of the file it is written in. */
static int add_path(const parser *self, const char *path, ps_text *out, ps_text *fault) {
  const char *slash = self->place.file ? strrchr(self->place.file, '/') : NULL;
  if (!ps_path_is_absolute(path) && path[0] != '~' && slash && self->place.line > 0) {
    ps_text_add(out, self->place.file, (size_t)(slash - self->place.file) + 1);
  }
  return ps_expand_home(path, out, fault);
}

/* Adds each of the folders of a list as a path. */
static int add_folders(const parser *self, const char *text, ps_text *out, ps_text *fault) {
  char *copy = strdup(text);
  char *rest = copy;
  int result = copy ? 0 : PENSTOCK_E_NOMEM;
  for (char *part = strsep(&rest, ps_path_list_separator); part && result == 0;
       part = strsep(&rest, ps_path_list_separator)) {
    if (part[0]) {
      ps_text_adds(out, out->size ? ps_path_list_separator : "");
      result = add_path(self, part, out, fault);
    }
  }
  free(copy);
  return result;
}

static int parse_choice(const parser *self, const char *word, ps_text *out, ps_text *fault) {
  ps_nearest nearest;
  const char *const *choice = self->option->choices;
  ps_nearest_init(&nearest, word);
  for (; *choice; choice++) {
    if (strcmp(*choice, word) == 0) {
      ps_text_adds(out, word);
      return 0;
    }
    ps_nearest_offer(&nearest, *choice);
  }
  ps_text_addf(fault, "'%s' is none of its words: ", word);
  for (choice = self->option->choices; *choice; choice++) {
    ps_text_addf(fault, "%s%s", choice == self->option->choices ? "" : ", ", *choice);
  }
  if (nearest.best) {
    ps_text_addf(fault, "; did you mean '%s'?", nearest.best);
  }
  return PENSTOCK_E_INVALID;
}

static int parse_text(const parser *self, const char *text, ps_text *out, ps_text *fault) {
  switch (self->option->type) {
  case PENSTOCK_OPTION_PATH:
    return add_path(self, text, out, fault);
  case PENSTOCK_OPTION_CHOICE:
    return parse_choice(self, text, out, fault);
  case PENSTOCK_OPTION_ADDRESS:
    return ps_address_parse(text, self->option->max > 0 && self->option->min == 0, out, fault);
  default:
    if (self->option->flags & PS_OPTION_FOLDERS) {
      return add_folders(self, text, out, fault);
    }
    ps_text_adds(out, text);
    return 0;
  }
}

static int parse_bool(const char *text, int64_t *number, ps_text *fault) {
  static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    for (int yes = 0; yes < 2; yes++) {
      if (strcasecmp(text, words[i][yes]) == 0) {
        *number = yes;
        return 0;
      }
    }
  }
  ps_text_addf(fault, "'%s' is neither yes nor no", text);
  return PENSTOCK_E_INVALID;
}

static int parse_int(const char *text, int64_t *number, ps_text *fault) {
  char *end = NULL;
  errno = 0;
  *number = strtoll(text, &end, 10);
  if (!text[0] || isspace((unsigned char)text[0]) || *end || errno != 0) {
    ps_text_addf(fault, "'%s' is no whole number", text);
    return PENSTOCK_E_INVALID;
  }
  return 0;
}

/* Is the number within the option's range? */
static int check_range(const parser *self, const char *text, int64_t number, ps_text *fault) {
  const penstock_option *option = self->option;
  if ((option->min == 0 && option->max == 0) || (number >= option->min && number <= option->max)) {
    return 0;
  }
  ps_text_addf(fault, "%s is out of range: from ", text);
  if (option->type == PENSTOCK_OPTION_DURATION) {
    ps_duration_add(fault, option->min);
    ps_text_adds(fault, " to ");
    ps_duration_add(fault, option->max);
  } else {
    ps_text_addf(fault, "%" PRId64 " to %" PRId64, option->min, option->max);
  }
  return PENSTOCK_E_INVALID;
}

static int parse_number(const parser *self, const char *text, ps_text *fault) {
  int64_t *number = &self->value->number;
  int result = PENSTOCK_E_INVALID;
  switch (self->option->type) {
  case PENSTOCK_OPTION_BOOL:
    result = parse_bool(text, number, fault);
    break;
  case PENSTOCK_OPTION_DURATION:
    result = ps_duration_parse(text, number, fault);
    break;
  default:
    result = parse_int(text, number, fault);
    break;
  }
  if (result == 0 && self->option->type != PENSTOCK_OPTION_BOOL) {
    result = check_range(self, text, *number, fault);
  }
  self->value->has_number = result == 0;
  return result;
}

/* --- scalars and lists ----------------------------------------------------------------------------- */

static int is_number(uint32_t type) {
  return type == PENSTOCK_OPTION_INT || type == PENSTOCK_OPTION_BOOL || type == PENSTOCK_OPTION_DURATION;
}

static int may_be_empty(uint32_t type) {
  return type == PENSTOCK_OPTION_STRING || type == PENSTOCK_OPTION_PATH;
}

/* A line of a profile can hold none; a variable of the environment, or a new line within a value, can. */
static int has_control(const char *text) {
  for (; *text; text++) {
    if ((unsigned char)*text < 0x20 || *text == 0x7F) {
      return 1;
    }
  }
  return 0;
}

/* `$NAME` stays as it is, which may not be what was meant. */
static void warn_of_bare_name(const parser *self, int line, const char *text) {
  /* The command behind a secret may well have variables for its own shell. */
  const char *bare = self->option->flags & PENSTOCK_OPTION_SECRET ? NULL : ps_expand_bare_name(text);
  if (bare && self->place.file) {
    size_t size = strspn(bare + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    ps_problems_add(self->problems, 0, self->place.file, self->place.line + line,
                    "`%s`: `$%.*s` is kept as it is: write ${%.*s} to fill it in, $$%.*s if it is meant so",
                    self->option->key, (int)size, bare + 1, (int)size, bare + 1, (int)size, bare + 1);
  }
}

static int parse_scalar(const parser *self, const char *raw) {
  uint32_t type = self->option->type;
  ps_text plain = {0};
  ps_text text = {0};
  ps_text out = {0};
  const char *rest;
  ps_text fault = {0};
  const char *more = strchr(raw, '\n');
  int result = PENSTOCK_E_INVALID;
  if (more) {
    int lines = (int)strspn(more, "\n");
    ps_text_adds(&fault, "takes one line, and this indented line goes on with it; if it is a key of its own, write it "
                         "as far left as the others");
    return fail_with(self, lines, &fault);
  }
  if (ps_unquote(raw, &plain, &fault) != 0 || !plain.data || ps_expand_environment(plain.data, &text, &fault) != 0 ||
      !text.data) {
    goto out;
  }
  warn_of_bare_name(self, 0, plain.data);
  if (!text.data[0]) {
    result = may_be_empty(type) ? 0 : PENSTOCK_E_INVALID;
    ps_text_adds(&fault, "is empty");
    goto out;
  }
  if (has_control(text.data)) {
    ps_text_adds(&fault, "the value holds a control character");
    goto out;
  }
  if ((self->option->flags & PS_OPTION_AUTO) && strcmp(text.data, "auto") == 0) {
    self->value->text = text.data;
    text.data = NULL;
    result = 0;
    goto out;
  }
  if (is_number(type)) {
    result = parse_number(self, text.data, &fault);
    goto out;
  }
  if ((self->option->flags & PENSTOCK_OPTION_SECRET) && ps_reference_parse(text.data, &rest) == PS_REFERENCE_NONE) {
    /* It is most likely the secret itself, so it is not repeated. */
    ps_text_adds(&fault, "is no reference to a secret, which itself has no place in a profile: write env:NAME, "
                         "file:PATH, command:CMD or prompt");
    goto out;
  }
  result = parse_text(self, text.data, &out, &fault);
  if (result == 0 && out.data) {
    self->value->text = out.data;
    out.data = NULL;
  }
out:
  if (result != 0) {
    result = fail_with(self, 0, &fault);
  }
  free(plain.data);
  free(text.data);
  free(out.data);
  free(fault.data);
  return result;
}

/* What is wrong with an item of an ENV; NULL if nothing. */
static const char *fault_of_variable(const parser *self, const char *item) {
  size_t size = strcspn(item, "=");
  if (item[size] != '=') {
    return "is no NAME=value";
  }
  for (size_t i = 0; i < size || size == 0; i++) {
    if (size == 0 ||
        !(isalpha((unsigned char)item[i]) || item[i] == '_' || (i > 0 && isdigit((unsigned char)item[i])))) {
      return "has no name that a variable can have: letters, digits and `_`, no digit first";
    }
  }
  for (size_t i = 0; i < self->value->count; i++) {
    if (strncmp(self->value->items[i], item, size + 1) == 0) {
      return "sets a variable that is in the list already";
    }
  }
  return NULL;
}

static int parse_item(void *context, const char *raw, int line) {
  parser *self = context;
  ps_text text = {0};
  ps_text fault = {0};
  const char *wrong = NULL;
  int result = ps_expand_environment(raw, &text, &fault);
  if (result == 0) {
    warn_of_bare_name(self, line, raw);
    wrong = self->option->type == PENSTOCK_OPTION_ENV ? fault_of_variable(self, text.data) : NULL;
    if (has_control(text.data)) {
      wrong = "holds a control character";
    }
    if (wrong) {
      ps_text_addf(&fault, "'%.*s' %s", (int)strcspn(text.data, "="), text.data, wrong);
      result = PENSTOCK_E_INVALID;
    }
  }
  if (result == 0 && ps_pointers_add(&self->value->items, &self->value->count, text.data) == 0) {
    return 0;
  }
  free(text.data);
  /* The other items are looked at all the same. */
  (void)fail_with(self, line, &fault);
  self->failed = 1;
  return 0;
}

static int parse_list(parser *self, const char *raw) {
  ps_text fault = {0};
  int line = 0;
  int result = ps_list_split(raw, parse_item, self, &fault, &line);
  if (result != 0) {
    (void)fail(self, line, fault.data ? fault.data : "out of memory");
  }
  free(fault.data);
  return self->failed ? PENSTOCK_E_INVALID : result;
}

int ps_value_parse(const penstock_option *option, const char *text, ps_place place, ps_value *value,
                   ps_problems *problems) {
  parser self = {.option = option, .place = place, .value = value, .problems = problems};
  ps_value_clear(value);
  int is_list = option->type == PENSTOCK_OPTION_LIST || option->type == PENSTOCK_OPTION_ENV;
  int result = is_list ? parse_list(&self, text) : parse_scalar(&self, text);
  if (result != 0) {
    ps_value_clear(value);
  }
  return result;
}
