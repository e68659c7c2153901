/* SPDX-License-Identifier: MIT */
/* Lines of a client of the control socket: whatever comes, it is a request of the table with values that its fields may
 * have, or a fault with words in it. */
#include <stdlib.h>
#include <string.h>

#include "control/request.h"
#include "fuzz.h"

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

static void nothing(void *context, ps_control_call *call) {
  (void)context;
  (void)call;
}

static const char *const words[] = {"state", "leg", "progress", "serving", NULL};
static const ps_control_field fields[] = {{"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL, "how long"},
                                          {"events", PS_CONTROL_WORDS, 0, 0, words, "which"}};
static const ps_control_kind kinds[] = {{"status", "how it is", NULL, 0, nothing},
                                        {"stop", "ends it", fields, 1, nothing},
                                        {"subscribe", "tells", fields, 2, nothing}};
static const ps_control_table table = {kinds, 3};

static int is_known(const json_t *word) {
  for (const char *const *each = words; *each; each++) {
    if (json_is_string(word) && strcmp(*each, json_string_value(word)) == 0) {
      return 1;
    }
  }
  return 0;
}

static void check_field(const ps_control_kind *kind, const char *name, const json_t *value) {
  if (strcmp(name, "id") == 0) {
    must(json_is_integer(value) || (json_is_string(value) && json_string_length(value) <= PS_CONTROL_ID_MAX));
  } else if (strcmp(name, "request") == 0) {
    must(strcmp(json_string_value(value), kind->name) == 0);
  } else if (strcmp(name, "drain_ms") == 0) {
    must(kind->field_count > 0 && json_is_integer(value));
    must(json_integer_value(value) >= 0 && json_integer_value(value) <= 3600000);
  } else {
    must(kind->field_count > 1 && strcmp(name, "events") == 0 && json_is_array(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
      must(is_known(json_array_get(value, i)));
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ps_control_request request;
  ps_control_fault fault = {0};
  const char *name;
  json_t *value;
  if (ps_control_request_read(&request, &table, (const char *)data, size, &fault) == 0) {
    must(request.kind != NULL);
    json_object_foreach(request.fields, name, value) {
      check_field(request.kind, name, value);
    }
  } else {
    must(request.kind == NULL && fault.code && fault.what[0] && fault.next[0]);
    json_t *told = ps_control_fault_json(&fault);
    must(told != NULL);
    json_decref(told);
  }
  ps_control_request_clear(&request);
  return 0;
}
