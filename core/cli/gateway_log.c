/* SPDX-License-Identifier: MIT */
#include "cli/gateway_log.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/status_text.h"
#include "log/line.h"
#include "log/log.h"

/* How long an event is waited for before it is waited for again. */
#define NEXT_MS 3600000

typedef struct viewer {
  ps_gateway_found *gateway;
  int json;
  json_int_t last; /* number of the last line that was shown */
} viewer;

static ps_style style_of(uint32_t level) {
  return level == PENSTOCK_LOG_ERROR  ? PS_STYLE_BAD
         : level == PENSTOCK_LOG_WARN ? PS_STYLE_WARN
         : level == PENSTOCK_LOG_INFO ? PS_STYLE_GOOD
                                      : PS_STYLE_FAINT;
}

/* As the gateway writes it to a file. */
static void print_text(const json_t *line) {
  ps_text text = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  uint32_t level = ps_log_level_parse(ps_status_word(line, "level"));
  const ps_log_record record = {.level = level,
                                .source = ps_status_word(line, "source"),
                                .text = ps_status_word(line, "msg"),
                                .error = json_object_get(line, "leg") ? &error : NULL};
  error.leg = ps_leg_parse(ps_status_word(line, "leg"));
  error.error_class = ps_class_parse(ps_status_word(line, "class"));
  (void)snprintf(error.next, sizeof(error.next), "%s", ps_status_word(line, "next"));
  (void)snprintf(error.detail, sizeof(error.detail), "%s", ps_status_word(line, "detail"));
  ps_text_add_safe(&text, ps_status_word(line, "ts"));
  ps_text_addf(&text, " %s%-5s%s ", ps_term_style(PS_STDOUT, style_of(level)), ps_log_level_name(level),
               ps_term_style(PS_STDOUT, PS_STYLE_END));
  ps_log_line_body(&text, &record);
  if (text.data && !text.no_memory) {
    text.data[text.size - 1] = '\0'; /* without its end, which is added again */
    ps_out_text(text.data);
  }
  free(text.data);
}

/* Those that have been shown come again after lines were lost. */
static void show(viewer *self, json_t *line) {
  json_int_t number = json_integer_value(json_object_get(line, "number"));
  if (number <= self->last) {
    return;
  }
  if (self->last > 0 && number > self->last + 1 && !self->json) {
    ps_out_line("(%lld lines are missing here: the gateway does not have them any more)",
                (long long)(number - self->last - 1));
  }
  self->last = number;
  if (self->json) {
    json_t *shown = json_copy(line);
    (void)json_object_del(shown, "event");
    (void)json_object_del(shown, "seq");
    (void)json_object_del(shown, "time");
    ps_json_line(shown);
  } else {
    print_text(line);
  }
}

static int show_last(viewer *self, long lines, penstock_error *error) {
  json_t *result = NULL;
  size_t index;
  json_t *line;
  long most = lines < PS_GATEWAY_LOG_MOST ? lines : PS_GATEWAY_LOG_MOST;
  int code = ps_gateway_ask(self->gateway, "logs", json_pack("{s:I}", "lines", (json_int_t)most), &result, error);
  json_array_foreach(json_object_get(result, "lines"), index, line) {
    show(self, line);
  }
  json_decref(result);
  return code;
}

static int subscribe(viewer *self, penstock_error *error) {
  json_t *result = NULL;
  int code = ps_gateway_ask(self->gateway, "subscribe", json_pack("{s:[s]}", "events", "log"), &result, error);
  json_decref(result);
  return code;
}

/* The connection was closed: because the gateway ends, or because others crowd there? Returns 0: it goes on; or
 * PENSTOCK_E_NOT_FOUND once it has ended, or another code with `error`. */
static int come_back(viewer *self, penstock_error *error) {
  int code = ps_gateway_reopen(self->gateway, error);
  code = code == PENSTOCK_OK ? subscribe(self, error) : code;
  return code == PENSTOCK_OK ? show_last(self, PS_GATEWAY_LOG_MOST, error) : code;
}

static int follow_log(viewer *self, penstock_error *error) {
  int code = PENSTOCK_OK;
  while (code == PENSTOCK_OK) {
    json_t *event = NULL;
    code = ps_control_client_next(&self->gateway->client, NEXT_MS, &event, error);
    if (code == PENSTOCK_OK && json_object_get(event, "lost")) {
      code = show_last(self, PS_GATEWAY_LOG_MOST, error);
    } else if (code == PENSTOCK_OK && json_object_get(event, "number")) {
      show(self, event);
    } else if (code == PENSTOCK_E_TIMEOUT) {
      code = PENSTOCK_OK;
    } else if (code == PENSTOCK_E_CANCELLED) {
      code = come_back(self, error);
    }
    json_decref(event);
  }
  return code;
}

int ps_show_gateway_log(ps_gateway_found *gateway, long lines, int follow, int json) {
  viewer self = {.gateway = gateway, .json = json};
  penstock_error error = {.struct_size = sizeof(error)};
  int code = follow ? subscribe(&self, &error) : PENSTOCK_OK;
  code = code == PENSTOCK_OK ? show_last(&self, lines, &error) : code;
  code = code == PENSTOCK_OK && follow ? follow_log(&self, &error) : code;
  if (follow && code == PENSTOCK_E_NOT_FOUND) {
    (void)fprintf(stderr, "The gateway has ended.\n");
    return PS_EXIT_OK;
  }
  if (code != PENSTOCK_OK) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
    return ps_gateway_exit_code(&error, code);
  }
  return PS_EXIT_OK;
}
