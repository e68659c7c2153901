/* SPDX-License-Identifier: MIT */
#include "log/line.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"

void ps_log_line_time(ps_text *line, const struct timespec *when) {
  char text[32];
  struct tm parts;
  if (!gmtime_r(&when->tv_sec, &parts) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
    ps_text_adds(line, "?");
    return;
  }
  ps_text_addf(line, "%s.%03dZ", text, (int)(when->tv_nsec / 1000000));
}

static const char *colour_of(uint32_t level) {
  switch (level) {
  case PENSTOCK_LOG_ERROR:
    return "\033[31m";
  case PENSTOCK_LOG_WARN:
    return "\033[33m";
  case PENSTOCK_LOG_INFO:
    return "\033[32m";
  default:
    return "\033[2m";
  }
}

/* Each line of a detail on an indented line of its own, so that none can pass for a line of the log. */
static void add_detail(ps_text *line, const char *detail) {
  char *copy = strdup(detail);
  char *rest = copy;
  if (!copy) {
    line->no_memory = 1;
    return;
  }
  for (char *part = strsep(&rest, "\n"); part; part = strsep(&rest, "\n")) {
    size_t length = strlen(part);
    if (length > 0 && part[length - 1] == '\r') {
      part[length - 1] = '\0';
    }
    if (part[0] || rest) {
      ps_text_adds(line, "    | ");
      ps_text_add_safe(line, part);
      ps_text_adds(line, "\n");
    }
  }
  free(copy);
}

void ps_log_line_text(ps_text *line, const ps_log_record *record, int colour) {
  ps_log_line_time(line, &record->when);
  ps_text_addf(line, " %s%-5s%s ", colour ? colour_of(record->level) : "", ps_log_level_name(record->level),
               colour ? "\033[0m" : "");
  ps_log_line_body(line, record);
}

void ps_log_line_body(ps_text *line, const ps_log_record *record) {
  const penstock_error *error = record->error;
  ps_text_add_safe(line, record->source ? record->source : "gateway");
  ps_text_adds(line, ": ");
  if (error && error->leg != PENSTOCK_LEG_NONE) {
    ps_text_addf(line, "[%s, %s] ", ps_leg_name(error->leg), ps_class_name(error->error_class));
  }
  ps_text_add_safe(line, record->text);
  ps_text_adds(line, "\n");
  if (error && error->next[0]) {
    ps_text_adds(line, "    next: ");
    ps_text_add_safe(line, error->next);
    ps_text_adds(line, "\n");
  }
  if (error && error->detail[0]) {
    add_detail(line, error->detail);
  }
}

/* JSON escapes control characters by itself, but takes no text that is not UTF-8. */
static void set_string(json_t *object, const char *key, const char *value) {
  ps_text clean = {0};
  ps_text_add_utf8(&clean, value);
  (void)json_object_set_new(object, key, json_string(clean.data ? clean.data : ""));
  free(clean.data);
}

json_t *ps_log_record_json(const ps_log_record *record) {
  const penstock_error *error = record->error;
  json_t *object = json_object();
  ps_text when = {0};
  ps_log_line_time(&when, &record->when);
  set_string(object, "ts", when.data ? when.data : "");
  free(when.data);
  set_string(object, "level", ps_log_level_name(record->level));
  set_string(object, "source", record->source ? record->source : "gateway");
  set_string(object, "msg", record->text);
  if (error) {
    set_string(object, "leg", ps_leg_name(error->leg));
    set_string(object, "class", ps_class_name(error->error_class));
    if (error->next[0]) {
      set_string(object, "next", error->next);
    }
    if (error->detail[0]) {
      set_string(object, "detail", error->detail);
    }
  }
  return object;
}

void ps_log_line_json(ps_text *line, const ps_log_record *record) {
  json_t *object = ps_log_record_json(record);
  char *dump = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
  json_decref(object);
  if (!dump) {
    line->no_memory = 1;
    return;
  }
  ps_text_adds(line, dump);
  ps_text_adds(line, "\n");
  free(dump);
}
