/* SPDX-License-Identifier: MIT */
#include "control/request.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/text.h"
#include "log/json.h"
#include "log/log.h"

/* Of a word that somebody mistyped, so much is shown. */
#define SHOWN 64

void ps_control_fault_set(ps_control_fault *fault, const char *code, const char *format, ...) {
  va_list arguments;
  fault->code = code;
  fault->next[0] = '\0';
  fault->leg = PENSTOCK_LEG_NONE;
  fault->error_class = PENSTOCK_CLASS_NONE;
  fault->detail[0] = '\0';
  va_start(arguments, format);
  (void)vsnprintf(fault->what, sizeof(fault->what), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(fault->what, sizeof(fault->what));
}

void ps_control_fault_next(ps_control_fault *fault, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(fault->next, sizeof(fault->next), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(fault->next, sizeof(fault->next));
}

void ps_control_fault_cause(ps_control_fault *fault, const penstock_error *cause) {
  fault->leg = cause->leg;
  fault->error_class = cause->error_class;
  (void)snprintf(fault->detail, sizeof(fault->detail), "%s", cause->detail);
}

json_t *ps_control_fault_json(const ps_control_fault *fault) {
  json_t *object = json_pack("{s:s, s:o, s:o}", "code", fault->code, "what", ps_json_text(fault->what), "next",
                             ps_json_text(fault->next));
  if (fault->error_class != PENSTOCK_CLASS_NONE) {
    (void)json_object_set_new(object, "leg", json_string(ps_leg_name(fault->leg)));
    (void)json_object_set_new(object, "class", json_string(ps_class_name(fault->error_class)));
    (void)json_object_set_new(object, "detail", ps_json_text(fault->detail));
  }
  return object;
}

static const char *type_name(const ps_control_field *field) {
  static const char *const names[] = {[PS_CONTROL_INT] = "number",
                                      [PS_CONTROL_TEXT] = "text",
                                      [PS_CONTROL_WORDS] = "words",
                                      [PS_CONTROL_TEXTS] = "texts"};
  return names[field->type];
}

static json_t *field_json(const ps_control_field *field) {
  json_t *object = json_pack("{s:s, s:s, s:s}", "name", field->name, "type", type_name(field), "help", field->help);
  if (field->type != PS_CONTROL_WORDS) {
    (void)json_object_set_new(object, "least", json_integer((json_int_t)field->least));
    (void)json_object_set_new(object, "most", json_integer((json_int_t)field->most));
    return object;
  }
  json_t *words = json_array();
  for (const char *const *word = field->words; *word; word++) {
    (void)json_array_append_new(words, json_string(*word));
  }
  (void)json_object_set_new(object, "words", words);
  return object;
}

json_t *ps_control_table_json(const ps_control_table *table) {
  json_t *list = json_array();
  for (size_t i = 0; i < table->count; i++) {
    const ps_control_kind *kind = &table->kinds[i];
    json_t *fields = json_array();
    for (size_t j = 0; j < kind->field_count; j++) {
      (void)json_array_append_new(fields, field_json(&kind->fields[j]));
    }
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:o}", "request", kind->name, "help", kind->help, "fields", fields));
  }
  return list;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* "'a', 'b'" of what there is. */
typedef struct known {
  ps_text text;
  ps_nearest nearest;
} known;

static void known_begin(known *self, const char *word) {
  memset(self, 0, sizeof(*self));
  ps_nearest_init(&self->nearest, word);
}

static void known_add(known *self, const char *word) {
  ps_text_addf(&self->text, "%s%s", self->text.size ? ", " : "", word);
  ps_nearest_offer(&self->nearest, word);
}

/* What to write instead: the one that is near, else all that there is. */
static void known_end(known *self, ps_control_fault *fault, const char *none) {
  if (self->nearest.best) {
    ps_control_fault_next(fault, "did you mean '%s'?", self->nearest.best);
  } else if (self->text.data) {
    ps_control_fault_next(fault, "it is one of: %s", self->text.data);
  } else {
    ps_control_fault_next(fault, "%s", none);
  }
  free(self->text.data);
}

static int unknown_request(const ps_control_table *table, const char *name, ps_control_fault *fault) {
  known words;
  known_begin(&words, name);
  for (size_t i = 0; i < table->count; i++) {
    known_add(&words, table->kinds[i].name);
  }
  ps_control_fault_set(fault, "unknown-request", "there is no request '%.*s'", SHOWN, name);
  known_end(&words, fault, "this gateway answers nothing");
  return PENSTOCK_E_FAILED;
}

static int unknown_field(const ps_control_kind *kind, const char *name, ps_control_fault *fault) {
  known words;
  known_begin(&words, name);
  for (size_t i = 0; i < kind->field_count; i++) {
    known_add(&words, kind->fields[i].name);
  }
  ps_control_fault_set(fault, "unknown-field", "the request '%s' has no field '%.*s'", kind->name, SHOWN, name);
  known_end(&words, fault, "it has none beside `id` and `request`");
  return PENSTOCK_E_FAILED;
}

static int check_int(const ps_control_field *field, const json_t *value, ps_control_fault *fault) {
  if (json_is_integer(value) && json_integer_value(value) >= field->least && json_integer_value(value) <= field->most) {
    return 0;
  }
  ps_control_fault_set(fault, "bad-value", "`%s` is a whole number from %" PRId64 " to %" PRId64, field->name,
                       field->least, field->most);
  ps_control_fault_next(fault, "%s", field->help);
  return PENSTOCK_E_FAILED;
}

static int check_text(const ps_control_field *field, const json_t *value, ps_control_fault *fault) {
  size_t size = json_string_length(value);
  if (json_is_string(value) && size >= (size_t)field->least && size <= (size_t)field->most) {
    return 0;
  }
  ps_control_fault_set(fault, "bad-value", "`%s` is a text of %" PRId64 " to %" PRId64 " bytes", field->name,
                       field->least, field->most);
  ps_control_fault_next(fault, "%s", field->help);
  return PENSTOCK_E_FAILED;
}

static int check_word(const ps_control_field *field, const char *given, ps_control_fault *fault) {
  known words;
  known_begin(&words, given);
  for (const char *const *word = field->words; *word; word++) {
    if (strcmp(*word, given) == 0) {
      free(words.text.data);
      return 0;
    }
    known_add(&words, *word);
  }
  ps_control_fault_set(fault, "bad-value", "`%s` has no '%.*s'", field->name, SHOWN, given);
  known_end(&words, fault, field->help);
  return PENSTOCK_E_FAILED;
}

static int check_words(const ps_control_field *field, const json_t *value, ps_control_fault *fault) {
  size_t count = json_array_size(value);
  int result = count > 0 ? 0 : PENSTOCK_E_FAILED; /* it has none either if it is no list */
  for (size_t i = 0; i < count && result == 0; i++) {
    const char *word = json_string_value(json_array_get(value, i));
    if (!word) {
      result = PENSTOCK_E_FAILED;
    } else if (check_word(field, word, fault) != 0) {
      return PENSTOCK_E_FAILED;
    }
  }
  if (result != 0) {
    ps_control_fault_set(fault, "bad-value", "`%s` is a list of words", field->name);
    ps_control_fault_next(fault, "%s", field->help);
  }
  return result;
}

static int check_texts(const ps_control_field *field, const json_t *value, ps_control_fault *fault) {
  size_t count = json_array_size(value);
  size_t size = 0;
  int is_good = json_is_array(value);
  for (size_t i = 0; i < count && is_good; i++) {
    const json_t *text = json_array_get(value, i);
    is_good = json_is_string(text);
    size += json_string_length(text) + 1;
  }
  if (is_good && size >= (size_t)field->least && size <= (size_t)field->most) {
    return 0;
  }
  ps_control_fault_set(fault, "bad-value",
                       "`%s` is a list of texts, in all of %" PRId64 " to %" PRId64
                       " bytes, each counted with one more",
                       field->name, field->least, field->most);
  ps_control_fault_next(fault, "%s", field->help);
  return PENSTOCK_E_FAILED;
}

static int check_value(const ps_control_field *field, const json_t *value, ps_control_fault *fault) {
  switch (field->type) {
  case PS_CONTROL_INT:
    return check_int(field, value, fault);
  case PS_CONTROL_TEXT:
    return check_text(field, value, fault);
  case PS_CONTROL_TEXTS:
    return check_texts(field, value, fault);
  default:
    return check_words(field, value, fault);
  }
}

static int check_field(const ps_control_kind *kind, const char *name, const json_t *value, ps_control_fault *fault) {
  for (size_t i = 0; i < kind->field_count; i++) {
    const ps_control_field *field = &kind->fields[i];
    if (strcmp(field->name, name) == 0) {
      return check_value(field, value, fault);
    }
  }
  return unknown_field(kind, name, fault);
}

static int malformed(ps_control_fault *fault, const char *what) {
  ps_control_fault_set(fault, "malformed", "%s", what);
  ps_control_fault_next(fault, "%s", "a request is one line: {\"id\": 1, \"request\": \"status\"}");
  return PENSTOCK_E_FAILED;
}

/* An answer repeats it, so it must not be large. */
static int read_id(ps_control_request *request, ps_control_fault *fault) {
  json_t *id = json_object_get(request->fields, "id");
  if (!id || json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= PS_CONTROL_ID_MAX)) {
    request->id = id;
    return 0;
  }
  ps_control_fault_set(fault, "bad-value", "`id` is a whole number, or a text of at most %d bytes", PS_CONTROL_ID_MAX);
  ps_control_fault_next(fault, "%s", "the answer repeats it; it may be left out");
  return PENSTOCK_E_FAILED;
}

static int read_kind(const ps_control_request *request, const ps_control_table *table, const ps_control_kind **kind,
                     ps_control_fault *fault) {
  const char *name = json_string_value(json_object_get(request->fields, "request"));
  if (!name) {
    return malformed(fault, "`request` is missing, or is no text");
  }
  for (size_t i = 0; i < table->count; i++) {
    if (strcmp(table->kinds[i].name, name) == 0) {
      *kind = &table->kinds[i];
      return 0;
    }
  }
  return unknown_request(table, name, fault);
}

int ps_control_request_read(ps_control_request *request, const ps_control_table *table, const char *line, size_t size,
                            ps_control_fault *fault) {
  const ps_control_kind *kind = NULL;
  const char *name;
  json_t *value;
  json_error_t error;
  char what[sizeof(error.text) + 32];
  memset(request, 0, sizeof(*request));
  request->fields = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
  if (!request->fields) {
    (void)snprintf(what, sizeof(what), "no JSON object: %s", error.text);
    return malformed(fault, what);
  }
  if (!json_is_object(request->fields)) {
    return malformed(fault, "no JSON object, but something else");
  }
  if (read_id(request, fault) != 0 || read_kind(request, table, &kind, fault) != 0) {
    return PENSTOCK_E_FAILED;
  }
  json_object_foreach(request->fields, name, value) {
    if (strcmp(name, "id") != 0 && strcmp(name, "request") != 0 && check_field(kind, name, value, fault) != 0) {
      return PENSTOCK_E_FAILED;
    }
  }
  request->kind = kind;
  return PENSTOCK_OK;
}

void ps_control_request_clear(ps_control_request *request) {
  json_decref(request->fields);
  memset(request, 0, sizeof(*request));
}
