/* SPDX-License-Identifier: MIT */
#include "cli/explanation.h"

#include <stdlib.h>

#include "cli/json_out.h"
#include "config/ini_text.h"
#include "log/log.h"

enum { SHOWN_MAX = 1000 /* bytes of the explained text in the comment */ };

static void on_key(void *context, const char *key, const char *text, const char *const *items, const char *comment) {
  ps_explanation *self = context;
  json_t *value = items ? json_array() : ps_json_text(text);
  for (size_t i = 0; items && items[i]; i++) {
    (void)json_array_append_new(value, ps_json_text(items[i]));
  }
  (void)json_object_set_new(self->object, key, value);
  int result =
      items ? ps_ini_add_list(&self->keys, key, items, comment) : ps_ini_add_key(&self->keys, key, text, comment);
  if (result && !self->fault) {
    self->fault = strdup(key);
  }
  if (!items && strcmp(key, "host") == 0 && !self->host) {
    self->host = strdup(text);
  }
}

static void on_note(void *context, uint32_t level, const char *text) {
  ps_explanation *self = context;
  int is_warning = level <= PENSTOCK_LOG_WARN;
  ps_text line = {0};
  ps_text_addf(&line, "%s: %s", is_warning ? "Warning" : "Note", text);
  if (line.data) {
    ps_ini_add_comment(&self->notes, line.data);
  }
  free(line.data);
  (void)json_array_append_new(
      self->list, json_pack("{s:s, s:o}", "level", is_warning ? "warn" : "info", "text", ps_json_text(text)));
}

int ps_explanation_get(ps_explanation *explanation, const penstock_explain_ext *ext, penstock_instance *instance,
                       penstock_error *error) {
  const penstock_explain_sink sink = {
      .struct_size = (uint32_t)sizeof(sink), .context = explanation, .key = on_key, .note = on_note};
  explanation->object = json_object();
  explanation->list = json_array();
  int result = ext->explain(instance, &sink, error);
  if (result == 0 && explanation->fault) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "the value of `%s` cannot stand in a profiles file: it has control characters, or is no UTF-8",
                        explanation->fault);
    result = PENSTOCK_E_FAILED;
  }
  return result;
}

void ps_explanation_clear(ps_explanation *explanation) {
  free(explanation->keys.data);
  free(explanation->notes.data);
  free(explanation->host);
  free(explanation->fault);
  json_decref(explanation->object);
  json_decref(explanation->list);
  memset(explanation, 0, sizeof(*explanation));
}

char *ps_explanation_section(const ps_explanation *explanation, const char *name, const char *what) {
  char shown[SHOWN_MAX];
  ps_text out = {0};
  size_t size = strlen(what);
  while (size > 0 && strchr(" \t\r\n", what[size - 1])) {
    size--;
  }
  (void)snprintf(shown, sizeof(shown), "%.*s", (int)(size < sizeof(shown) ? size : sizeof(shown) - 1), what);
  penstock_utf8_trim(shown, sizeof(shown));
  ps_text_addf(&out, "[%s]\n", name);
  ps_ini_add_comment(&out, shown);
  ps_text_adds(&out, explanation->keys.data ? explanation->keys.data : "");
  ps_text_adds(&out, explanation->notes.data ? explanation->notes.data : "");
  if (out.no_memory) {
    free(out.data);
    return NULL;
  }
  return out.data;
}
