/* SPDX-License-Identifier: MIT */
/* Scripts that run in the container, streams out of it, and its log. */
#include <ctype.h>
#include <stdlib.h>

#include "common/container/container_ask_internal.h"
#include "common/container/container_scripts.h"

/* --- scripts inside -------------------------------------------------------------------------------------- */

script *container_ask_inside(const container_ask *self, const container_view *view, const char *body, size_t size,
                             const char *nonce) {
  size_t wrapped_size = 0;
  char *wrapped = script_wrap(body, size, nonce, &wrapped_size);
  if (!wrapped) {
    return NULL;
  }
  script *s = ask_script(self);
  script_set(s, "ps_id", view->id);
  script_set(s, "ps_user", self->settings->user);
  script_set(s, "ps_workdir", self->settings->workdir);
  script_set_bytes(s, "ps_body", wrapped, wrapped_size);
  script_add(s, script_container_inside);
  free(wrapped);
  return s;
}

/* Lines end as on a terminal in some of what an engine hands on. */
static void drop_returns(char *text) {
  char *to = text;
  for (; *text; text++) {
    if (*text != '\r') {
      *to++ = *text;
    }
  }
  *to = '\0';
}

/* What the client said. Docker says on standard output why it could not run the command at all, where otherwise the
 * command's own output is. To free(). */
static char *client_said(const carrier_result *result) {
  char *said = script_value(result->output, result->output_size, "said");
  const char *own = strstr(result->output, "\nfailed=");
  size_t own_size = own && !strstr(result->output, "penstock-begin") ? (size_t)(own - result->output) : 0;
  size_t size = (said ? strlen(said) : 0) + own_size + 2;
  char *all = said ? malloc(size) : NULL;
  if (all) {
    (void)snprintf(all, size, "%s\n%.*s", said, (int)own_size, result->output);
    drop_returns(all);
    script_make_printable(all, strlen(all));
  }
  free(said);
  return all;
}

void container_ask_inside_error(const container_ask *self, const container_view *view, const carrier_result *result,
                                penstock_error *error) {
  container_report_context context = ask_report_context(self);
  (void)view;
  if (result->error) {
    *error = *result->error;
    return;
  }
  char *said = client_said(result);
  if (said) {
    int64_t code = script_value_number(result->output, result->output_size, "code");
    char *call = script_value(result->output, result->output_size, "failed");
    container_report_call(&context, call ? call : "exec", code, said, error);
    free(call);
  } else {
    container_report_call(&context, "exec", result->code, result->error_output ? result->error_output : "", error);
  }
  free(said);
}

script *container_ask_stream(const container_ask *self, const container_view *view, const char *host, uint16_t port) {
  script *s = ask_script(self);
  script_set(s, "ps_id", view->id);
  script_set(s, "ps_user", self->settings->user);
  script_set(s, "ps_host", host);
  script_set_number(s, "ps_port", port);
  script_set(s, "ps_inside", script_container_stream_inside);
  script_add(s, script_container_stream_fail);
  script_add(s, script_container_stream);
  return s;
}

script *container_ask_command(const container_ask *self, const container_view *view, const char *body, size_t size) {
  script *s = ask_script(self);
  script_set(s, "ps_id", view->id);
  script_set(s, "ps_user", self->settings->user);
  script_set(s, "ps_workdir", self->settings->workdir);
  script_set_bytes(s, "ps_inside", body, size);
  script_add(s, script_container_stream_fail);
  script_add(s, script_container_stream);
  return s;
}

script *container_ask_log_stream(const container_ask *self, const container_view *view, uint32_t lines, int follow) {
  script *s = ask_script(self);
  script_set(s, "ps_id", view->id);
  script_set_number(s, "ps_lines", (int64_t)lines);
  script_set_number(s, "ps_follow", follow != 0);
  script_add(s, script_container_stream_fail);
  script_add(s, script_container_log_stream);
  return s;
}

/* --- the log --------------------------------------------------------------------------------------------- */

enum { LOG_MS = 5000 };

struct ask_log {
  container_ask *ask;
  ask_log *next;
  penstock_timer *timer; /* it could not be asked for */
  penstock_error error;
  carrier_done *done;
  void *context;
};

/*
 * Since when the log's lines are those of the container's last run: what the engine calls its start is a little after
 * the first of them, and what it had said before is long past, since it takes an engine longer to start one. "" if that
 * cannot be said without a calendar, or is not known.
 */
static void last_run(const container_view *view, char since[40]) {
  enum { SECOND_AT = 18, TENTH_AT = 20 }; /* "2026-11-25T03:14:56.283511429Z" */
  const char *at = view->started_at;
  size_t length = strspn(at, "0123456789T:.Z+-");
  since[0] = '\0';
  if (length <= TENTH_AT || at[length] != '\0' || at[TENTH_AT - 1] != '.' || !isdigit((unsigned char)at[TENTH_AT])) {
    return;
  }
  (void)snprintf(since, 40, "%s", at);
  if (since[TENTH_AT] > '0') {
    since[TENTH_AT]--;
    return;
  }
  since[TENTH_AT] = '9';
  if (since[SECOND_AT] > '0') {
    since[SECOND_AT]--;
  } else if (since[SECOND_AT - 1] > '0') {
    since[SECOND_AT] = '9';
    since[SECOND_AT - 1]--;
  } else {
    since[0] = '\0';
  }
}

script *ask_log_script(const container_ask *self, const container_view *view) {
  char since[40];
  script *s = ask_script(self);
  last_run(view, since);
  script_set(s, "ps_id", view->id);
  script_set(s, "ps_since", since);
  script_add(s, script_container_log);
  return s;
}

/* Adds the log's lines to `error`, if there are any. */
void ask_log_take(const carrier_result *result, penstock_error *error) {
  char *lines = result->error ? NULL : script_value(result->output, result->output_size, "log");
  if (lines && lines[0]) {
    container_report_detail(error, lines);
  }
  free(lines);
}

static void finish_log(ask_log *log) {
  penstock_error error = log->error;
  carrier_done *done = log->done;
  void *context = log->context;
  ask_log **at = &log->ask->logs;
  while (*at != log) {
    at = &(*at)->next;
  }
  *at = log->next;
  free(log);
  done(context, &error);
}

static void log_ended(void *context, const carrier_result *result) {
  ask_log *log = context;
  ask_log_take(result, &log->error);
  finish_log(log);
}

static void log_failed(void *context) {
  ask_log *log = context;
  log->timer = NULL;
  finish_log(log);
}

void container_ask_log(container_ask *self, const container_view *view, const penstock_error *error, carrier_done *done,
                       void *context) {
  ask_log *log = calloc(1, sizeof(*log));
  penstock_error unused = {.struct_size = sizeof(unused)};
  size_t size = 0;
  if (!log) {
    done(context, error); /* no memory: better too early than never */
    return;
  }
  script *s = ask_log_script(self, view);
  const char *text = script_text(s, &size);
  *log = (ask_log){.ask = self, .next = self->logs, .error = *error, .done = done, .context = context};
  self->logs = log;
  if (!text || !self->below->ops->run(self->below, text, size, LOG_MS, log_ended, log, &unused)) {
    log->timer = self->host->timer_start(self->host, 0, 0, log_failed, log);
    if (!log->timer) {
      finish_log(log);
    }
  }
  script_destroy(s);
}

void ask_log_drop_all(container_ask *self) {
  for (ask_log *log = self->logs, *next; log; log = next) {
    next = log->next;
    if (log->timer) {
      self->host->timer_stop(self->host, log->timer);
    }
    free(log);
  }
  self->logs = NULL;
}
