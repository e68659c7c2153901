/* SPDX-License-Identifier: MIT */
#include "log/json.h"

#include <stdlib.h>

#include "log/line.h"
#include "log/log.h"

json_t *ps_json_text(const char *text) {
  if (!text) {
    return json_null();
  }
  json_t *value = json_string(text);
  if (!value) {
    ps_text valid = {0};
    ps_text_add_utf8(&valid, text);
    value = json_string(valid.data ? valid.data : "");
    free(valid.data);
  }
  return value;
}

json_t *ps_json_ms(uint64_t nanoseconds) {
  uint64_t microseconds = nanoseconds / 1000;
  return json_real((double)microseconds / 1e3);
}

json_t *ps_json_time(const struct timespec *when) {
  ps_text text = {0};
  ps_log_line_time(&text, when);
  json_t *value = ps_json_text(text.data);
  free(text.data);
  return value;
}

json_t *ps_json_error(const penstock_error *error) {
  if (!error) {
    return json_null();
  }
  return json_pack("{s:s, s:s, s:o, s:o, s:o}", "leg", ps_leg_name(error->leg), "class",
                   ps_class_name(error->error_class), "what", ps_json_text(error->what), "next",
                   ps_json_text(error->next), "detail", ps_json_text(error->detail));
}

char *ps_json_dump(json_t *object) {
  char *line = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12)) : NULL;
  json_decref(object);
  return line;
}
