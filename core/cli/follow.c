/* SPDX-License-Identifier: MIT */
#include "cli/follow.h"

#include <limits.h>

#include "cli/json_out.h"
#include "cli/legs.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/status_text.h"
#include "log/log.h"

#define PATIENCE_MS 5000
/* Every step of the way has a limit of its own. */
#define NO_LIMIT_MS (INT_MAX / 2)

/* Whose events are shown, and how. */
typedef struct follower {
  const char *gateway;
  int json;
} follower;

static void show_leg(const json_t *event) {
  penstock_error failed = {.struct_size = sizeof(failed)};
  double ms = json_number_value(json_object_get(event, "ms"));
  int is_failed = json_is_object(json_object_get(event, "error"));
  ps_legs_line(ps_leg_parse(ps_status_word(event, "leg")), ms > 0 ? (uint64_t)(ms * 1e6) : 0,
               ps_status_word(event, "text"), is_failed ? &failed : NULL);
}

/* What happens on the way. How it ends is in the answer. */
static void show_event(void *context, const json_t *event) {
  const follower *self = context;
  const char *step = ps_status_word(event, "step");
  char safe[512];
  if (strcmp(ps_status_word(event, "event"), "swap") != 0) {
    return;
  }
  if (self->json) {
    json_t *line = json_deep_copy(event);
    (void)json_object_set_new(line, "gateway", ps_json_text(self->gateway));
    ps_json_line(line);
  } else if (strcmp(step, "leg") == 0) {
    show_leg(event);
  } else if (strcmp(step, "progress") == 0) {
    ps_out_progress(ps_show_safe(safe, sizeof(safe), ps_status_word(event, "text")));
  }
}

int ps_gateway_follow(ps_gateway_found *gateway, const char *request, json_t *fields, int json, int *is_open,
                      json_t **result, penstock_error *error) {
  json_t *heard = NULL;
  follower self = {.gateway = gateway->label, .json = json};
  *is_open = 0;
  gateway->client.heard = show_event;
  gateway->client.context = &self;
  int code = ps_control_client_ask(&gateway->client, "subscribe", json_pack("{s:[s]}", "events", "swap"), PATIENCE_MS,
                                   &heard, error); /* without events it goes as well, only unseen */
  json_decref(heard);
  if (code == PENSTOCK_E_CANCELLED || code == PENSTOCK_E_TIMEOUT) {
    json_decref(fields);
  } else {
    code = ps_control_client_ask(&gateway->client, request, fields, NO_LIMIT_MS, result, error);
    *is_open = code != PENSTOCK_OK && !gateway->client.is_refused;
  }
  gateway->client.heard = NULL;
  return code;
}
