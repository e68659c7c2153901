/* SPDX-License-Identifier: MIT */
#include "common/container/container_ask.h"

#include <stdlib.h>

#include "common/container/container_ask_internal.h"
#include "common/container/container_scripts.h"

/* For messages, until a script has said which it is. */
static void name_engine(container_ask *self) {
  char *text = self->engine.words;
  size_t size = sizeof(self->engine.words);
  (void)snprintf(text, size, "%s", self->settings->words[0] ? self->settings->words[0] : "docker");
  for (size_t i = 1; self->settings->words[0] && self->settings->words[i]; i++) {
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, " %s", self->settings->words[i]);
  }
  penstock_utf8_trim(text, size);
}

container_ask *container_ask_create(carrier *below, const container_settings *settings) {
  container_ask *self = calloc(1, sizeof(*self));
  if (self) {
    self->below = below;
    self->settings = settings;
    self->host = below->host;
    container_settings_name(settings, self->name, sizeof(self->name));
    name_engine(self);
  }
  return self;
}

static void stop_timers(container_ask *self) {
  if (self->timer) {
    self->host->timer_stop(self->host, self->timer);
  }
  if (self->ticker) {
    self->host->timer_stop(self->host, self->ticker);
  }
  self->timer = self->ticker = NULL;
}

void container_ask_destroy(container_ask *self) {
  if (self) {
    stop_timers(self);
    ask_log_drop_all(self);
    free(self);
  }
}

/* --- scripts ------------------------------------------------------------------------------------------- */

static size_t count_words(const container_settings *settings) {
  size_t count = 0;
  while (settings->words[count]) {
    count++;
  }
  return count;
}

script *ask_script(const container_ask *self) {
  const container_settings *settings = self->settings;
  const ask_engine *engine = &self->engine;
  int known = engine->version[0] != '\0';
  script *s = script_create();
  script_set_number(s, "ps_auto", settings->words[0] == NULL);
  if (settings->words[0]) {
    script_list(s, "ps_words", (const char *const *)settings->words, count_words(settings));
  }
  script_set(s, "ps_word", engine->word);
  script_set(s, "ps_version", engine->version);
  script_set(s, "ps_podman", !known ? "" : engine->podman ? "1" : "0");
  script_set(s, "ps_at", engine->at);
  script_set(s, "ps_far", engine->far);
  script_add(s, script_container_lib);
  return s;
}

container_report_context ask_report_context(const container_ask *self) {
  container_report_context context = {self->below->where, self->engine.words, self->engine.at, self->settings};
  return context;
}

/* --- one job after another ----------------------------------------------------------------------------- */

static uint64_t now_ns(const container_ask *self) {
  return self->host->now_ns(self->host);
}

uint64_t ask_remaining_ms(const container_ask *self) {
  uint64_t elapsed = (now_ns(self) - self->started_ns) / 1000000;
  return self->timeout_ms == 0 ? UINT64_MAX : self->timeout_ms > elapsed ? self->timeout_ms - elapsed : 0;
}

/* Whoever asks has a deadline as well, and less to say about it. */
static uint64_t earlier(uint64_t timeout_ms) {
  enum { MARGIN_MS = 500 };
  return timeout_ms - (timeout_ms / 4 < MARGIN_MS ? timeout_ms / 4 : MARGIN_MS);
}

void ask_begin(container_ask *self, uint64_t timeout_ms, container_ask_done *done, void *context) {
  self->is_up = 0;
  self->op = NULL;
  self->started_ns = now_ns(self);
  self->timeout_ms = earlier(timeout_ms);
  self->done = done;
  self->context = context;
  self->cancelled = self->has_view = self->failed = 0;
  memset(&self->up, 0, sizeof(self->up));
}

static void tell(void *context) {
  container_ask *self = context;
  self->timer = NULL;
  stop_timers(self);
  self->step = ASK_IDLE;
  self->done(self->context, self->has_view ? &self->view : NULL, self->failed ? &self->error : NULL);
}

void ask_finish(container_ask *self, const penstock_error *error) {
  self->failed = error != NULL;
  if (error && error != &self->error) {
    self->error = *error;
  }
  self->step = ASK_END;
  self->timer = self->host->timer_start(self->host, 0, 0, tell, self);
  if (!self->timer) {
    tell(self); /* no memory: better too early than never */
  }
}

static void report_cancelled(penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
}

void ask_run(container_ask *self, ask_step step, script *s,
             void (*ended)(void *context, const carrier_result *result)) {
  size_t size = 0;
  const char *text = script_text(s, &size);
  uint64_t left_ms = ask_remaining_ms(self);
  self->error = (penstock_error){.struct_size = sizeof(self->error)};
  self->step = step;
  self->step_ns = now_ns(self);
  if (text) {
    left_ms = left_ms == UINT64_MAX ? 0 : left_ms > 0 ? left_ms : 1;
    self->run = self->below->ops->run(self->below, text, size, left_ms, ended, self, &self->error);
  } else {
    int no_memory = script_result(s) == PENSTOCK_E_NOMEM;
    (void)penstock_fail(&self->error, PENSTOCK_LEG_LOCAL, no_memory ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG,
                        no_memory ? "Out of memory" : "A setting cannot be passed to a shell");
  }
  script_destroy(s);
  if (!self->run) {
    ask_finish(self, &self->error);
  }
}

void ask_report_cut_off(const container_ask *self, const carrier_result *result, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                      "A script on %.200s ended with status %d before it was done", self->below->where,
                      (int)result->code);
  penstock_next(error, "What the shell there said is below; it must be a POSIX sh");
  container_report_detail(error, result->error_output ? result->error_output : "");
}

/* The client hangs when its engine does; the carrier then says no more than that a script took too long. */
static int ran_out_of_time(const container_ask *self, const penstock_error *error) {
  return error->leg == PENSTOCK_LEG_EXEC && error->error_class == PENSTOCK_CLASS_TRANSIENT &&
         ask_remaining_ms(self) <= 50; /* its clock and ours */
}

/* What the failed call of a script comes down to. `said` is to be freed. */
static char *failed_call(const carrier_result *result, char call[32], int64_t *code) {
  char *name = script_value(result->output, result->output_size, "failed");
  char *said = script_value(result->output, result->output_size, "said");
  call[0] = '\0';
  if (name && said) {
    (void)snprintf(call, 32, "%s", name);
  }
  *code = script_value_number(result->output, result->output_size, "code");
  free(name);
  return said;
}

/* The same of a script that ran to its end. */
static int judge_output(const container_ask *self, const carrier_result *result, penstock_error *error) {
  container_report_context context = ask_report_context(self);
  char call[32];
  int64_t code = 0;
  char *said = failed_call(result, call, &code);
  char *outcome = script_value(result->output, result->output_size, "outcome");
  int failed = 1;
  if (!outcome) {
    ask_report_cut_off(self, result, error);
  } else if (call[0]) {
    container_report_call(&context, call, code, said, error);
  } else {
    failed = 0;
  }
  free(said);
  free(outcome);
  return failed;
}

int ask_judge(container_ask *self, const carrier_result *result, penstock_error *error) {
  container_report_context context = ask_report_context(self);
  if (self->cancelled) {
    report_cancelled(error);
    return 1;
  }
  if (!result->error) {
    if (!judge_output(self, result, error)) {
      return 0;
    }
  } else if (ran_out_of_time(self, result->error)) {
    container_report_silent(&context, error);
  } else {
    *error = *result->error;
  }
  /* Whatever was known of the engine may be what has changed. */
  self->engine.word[0] = self->engine.version[0] = self->engine.far[0] = '\0';
  return 1;
}

int ask_has_failed(container_ask *self, const carrier_result *result) {
  penstock_error error = {.struct_size = sizeof(error)};
  self->run = NULL;
  int failed = ask_judge(self, result, &error);
  if (failed) {
    ask_finish(self, &error);
  }
  return failed;
}

/* --- look ---------------------------------------------------------------------------------------------- */

static void copy_value(const carrier_result *result, const char *key, char *text, size_t size) {
  char *value = script_value(result->output, result->output_size, key);
  if (value) {
    (void)snprintf(text, size, "%s", value);
    penstock_utf8_trim(text, size);
  }
  free(value);
}

/* Keeps what the script has found out about client and engine. */
static void remember_engine(container_ask *self, const carrier_result *result) {
  ask_engine *engine = &self->engine;
  copy_value(result, "word", engine->word, sizeof(engine->word));
  copy_value(result, "engine", engine->words, sizeof(engine->words));
  copy_value(result, "version", engine->version, sizeof(engine->version));
  copy_value(result, "at", engine->at, sizeof(engine->at));
  engine->podman = script_value_number(result->output, result->output_size, "podman") == 1;
  copy_value(result, "far", engine->far, sizeof(engine->far));
}

/* Engines take any beginning of an id for it. A name, and an id as clients show it, is what the user has written. */
static int is_meant(const container_view *view, const char *container) {
  size_t length = strlen(container);
  return strcmp(view->name, container) == 0 ||
         ((length == 12 || length == strlen(view->id)) && strncmp(view->id, container, length) == 0);
}

/* The view of a container that is not there. */
static void make_absent(container_ask *self) {
  container_view *view = &self->view;
  container_view none = {.state = CONTAINER_ABSENT, .is_podman = view->is_podman, .is_remote = view->is_remote};
  memcpy(none.engine, view->engine, sizeof(none.engine));
  memcpy(none.engine_version, view->engine_version, sizeof(none.engine_version));
  memcpy(none.engine_at, view->engine_at, sizeof(none.engine_at));
  *view = none;
}

/* Did the client say that there is no such container? That is an answer. */
static int is_absent(const carrier_result *result) {
  char call[32];
  int64_t code = 0;
  char *said = failed_call(result, call, &code);
  int absent = strcmp(call, "inspect") == 0 && container_report_classify(call, code, said) == CONTAINER_FAULT_ABSENT;
  free(said);
  return absent;
}

static void look_ended(void *context, const carrier_result *result) {
  container_ask *self = context;
  const container_settings *settings = self->settings;
  if (!result->error) {
    remember_engine(self, result);
  }
  int absent = !self->cancelled && !result->error && is_absent(result);
  if (absent) {
    self->run = NULL;
  } else if (ask_has_failed(self, result)) {
    return;
  }
  if (container_view_read(&self->view, result->output, result->output_size, settings->port, &self->error)) {
    ask_finish(self, &self->error);
    return;
  }
  if (absent || (settings->container && !is_meant(&self->view, settings->container))) {
    make_absent(self);
  }
  self->has_view = 1;
  if (self->is_up) {
    ask_up_seen(self);
  } else {
    ask_finish(self, NULL);
  }
}

void ask_look(container_ask *self) {
  script *s = ask_script(self);
  script_set(s, "ps_container", self->settings->container);
  script_set(s, "ps_service", self->settings->service);
  script_set(s, "ps_project", self->settings->project);
  script_set_number(s, "ps_port", self->settings->port);
  script_add(s, script_container_look);
  ask_run(self, ASK_LOOK, s, look_ended);
}

void container_ask_look(container_ask *self, uint64_t timeout_ms, container_ask_done *done, void *context) {
  ask_begin(self, timeout_ms, done, context);
  ask_look(self);
}

void container_ask_up(container_ask *self, penstock_op *op, uint64_t timeout_ms, container_ask_done *done,
                      void *context) {
  enum { TICK_MS = 1000 };
  ask_begin(self, timeout_ms, done, context);
  self->is_up = 1;
  self->op = op;
  self->ticker = self->host->timer_start(self->host, TICK_MS, TICK_MS, ask_up_tick, self);
  ask_look(self);
}

void container_ask_cancel(container_ask *self) {
  if (self->step == ASK_IDLE || self->step == ASK_END) {
    return;
  }
  self->cancelled = 1;
  if (self->run) {
    self->below->ops->run_cancel(self->below, self->run);
  } else if (self->timer) {
    self->host->timer_stop(self->host, self->timer);
    self->timer = NULL;
    report_cancelled(&self->error);
    ask_finish(self, &self->error);
  }
}
