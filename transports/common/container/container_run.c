/* SPDX-License-Identifier: MIT */
/* Scripts inside the container. */
#include <stdlib.h>

#include "common/container/container_internal.h"

enum { LOOK_MS = 5000 };

struct carrier_run {
  container_carrier *inside;
  carrier_run *next;
  carrier_run *below; /* NULL: it looks whether the container is another one by now */
  container_question look;
  penstock_timer *timer; /* of the end of a run that was cancelled while it looked */
  char nonce[SCRIPT_NONCE_SIZE];
  char id[65]; /* of the container, and of its start, that it was asked of */
  char started_at[40];
  int is_second;
  int is_cancelled;
  uint64_t deadline_ns; /* 0 = none */
  penstock_error error; /* of the first try */
  void (*done)(void *context, const carrier_result *result);
  void *context;
  size_t size;
  char body[];
};

static void forget_run(carrier_run *run) {
  carrier_run **at = &run->inside->runs;
  while (*at != run) {
    at = &(*at)->next;
  }
  *at = run->next;
  free(run);
}

static void complete(carrier_run *run, const carrier_result *result) {
  void (*done)(void *, const carrier_result *) = run->done;
  void *context = run->context;
  forget_run(run);
  done(context, result);
}

static void complete_failed(carrier_run *run, const penstock_error *error) {
  penstock_error copy = *error; /* may lie in the run */
  carrier_result result = {&copy, -1, "", 0, ""};
  complete(run, &result);
}

/* --- a try ----------------------------------------------------------------------------------------- */

static void on_ran(void *context, const carrier_result *result);

static int start(carrier_run *run, penstock_error *error) {
  container_carrier *self = run->inside;
  carrier *below = self->base.below;
  size_t size = 0;
  uint64_t left = run->deadline_ns ? container_left_ms(self, run->deadline_ns) : 0;
  if (script_nonce(run->nonce)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "The system gives no random numbers");
  }
  (void)snprintf(run->id, sizeof(run->id), "%s", self->view.id);
  (void)snprintf(run->started_at, sizeof(run->started_at), "%s", self->view.started_at);
  self->fresh_until_ns = 0; /* it may start or end a solver */
  script *outer = container_ask_inside(self->ask, &self->view, run->body, run->size, run->nonce);
  const char *text = script_text(outer, &size);
  if (text) {
    run->below = below->ops->run(below, text, size, run->deadline_ns && !left ? 1 : left, on_ran, run, error);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  script_destroy(outer);
  return run->below ? 0 : PENSTOCK_E_FAILED;
}

/* Recreated or restarted since: then what failed was asked of one that has gone. */
static void on_looked(void *context, const container_view *view, const penstock_error *error) {
  carrier_run *run = context;
  penstock_error failed = {.struct_size = sizeof(failed)};
  int is_same = !view || error || view->state != CONTAINER_RUNNING ||
                (strcmp(view->id, run->id) == 0 && strcmp(view->started_at, run->started_at) == 0);
  if (is_same) {
    complete_failed(run, &run->error);
  } else if (start(run, &failed)) {
    complete_failed(run, &failed);
  }
}

static void try_again(carrier_run *run, const penstock_error *error) {
  if (run->is_second || run->is_cancelled) {
    complete_failed(run, error);
    return;
  }
  run->is_second = 1;
  run->error = *error;
  container_carrier_look(&run->inside->base, &run->look, LOOK_MS, on_looked, run);
}

static void on_ran(void *context, const carrier_result *result) {
  carrier_run *run = context;
  const container_carrier *self = run->inside;
  penstock_error error = {.struct_size = sizeof(error)};
  carrier_result inner = {NULL, -1, "", 0, result->error_output};
  char *found = NULL;
  run->below = NULL;
  if (result->error) {
    complete(run, result);
    return;
  }
  char *output = malloc(result->output_size + 1);
  if (!output) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    complete_failed(run, &error);
    return;
  }
  memcpy(output, result->output, result->output_size);
  output[result->output_size] = '\0';
  if (script_unwrap(output, result->output_size, run->nonce, &found, &inner.output_size, &inner.code)) {
    container_ask_inside_error(self->ask, &self->view, result, &error);
    try_again(run, &error);
  } else {
    inner.output = found;
    complete(run, &inner);
  }
  free(output);
}

/* --- slots ----------------------------------------------------------------------------------------- */

carrier_run *container_run(carrier *carried, const char *body, size_t size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error) {
  container_carrier *self = (container_carrier *)carried;
  if (!self->has_view) {
    (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_INTERNAL,
                        "%s was not looked at before a script was to run in it", self->name);
    return NULL;
  }
  carrier_run *run = calloc(1, sizeof(*run) + size + 1);
  if (!run) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  run->inside = self;
  run->deadline_ns = timeout_ms ? container_now_ns(self) + timeout_ms * 1000000 : 0;
  run->done = done;
  run->context = context;
  run->size = size;
  memcpy(run->body, body, size);
  run->next = self->runs;
  self->runs = run;
  if (start(run, error)) {
    forget_run(run);
    return NULL;
  }
  return run;
}

static void on_cancelled(void *context) {
  carrier_run *run = context;
  penstock_error error = {.struct_size = sizeof(error)};
  run->timer = NULL;
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  complete_failed(run, &error);
}

void container_run_cancel(carrier *self, carrier_run *run) {
  const penstock_host *host = self->host;
  if (run->is_cancelled) {
    return;
  }
  run->is_cancelled = 1;
  if (run->below) {
    self->below->ops->run_cancel(self->below, run->below);
    return;
  }
  container_carrier_forget(self, &run->look);
  run->timer = host->timer_start(host, 0, 0, on_cancelled, run);
  if (!run->timer) {
    on_cancelled(run);
  }
}

void container_run_clear(container_carrier *self) {
  while (self->runs) {
    carrier_run *run = self->runs;
    self->runs = run->next;
    if (run->timer) {
      self->base.host->timer_stop(self->base.host, run->timer);
    }
    free(run);
  }
}
