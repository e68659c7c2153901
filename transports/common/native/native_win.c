/* SPDX-License-Identifier: MIT */
/* The slots: steps are jobs of a worker thread, streams are sockets. */
#include <stdlib.h>

#include "common/local_open.h"
#include "common/native/native.h"
#include "common/native/solver_win.h"

#define LOOK_EVERY_MS 200
/* The last look for the mark is so long before the deadline: our error then comes before the host's. */
#define READY_MARGIN_MS 400
/* Asking a solver to end and waiting for it: two thirds of the time for all of it, and so long if there is no bound. */
#define STOP_PATIENCE_MS 10000

typedef enum step { STEP_VALIDATE, STEP_LAUNCH, STEP_READY, STEP_STOP, STEP_IDENTIFY } step;

/* What a worker does. It may outlive the instance, so it has a part in the settings. */
typedef struct task {
  penstock_instance *instance; /* NULL: it has gone */
  struct shared *shared;
  step step;
  DWORD patience_ms; /* to end */
  int is_late;
  int result;
  char told[300];
  penstock_error error;
} task;

/* Settings, and how many use them. Only the lane's thread counts. */
typedef struct shared {
  solver_settings *settings;
  unsigned users;
} shared;

struct penstock_instance {
  const penstock_host *host;
  shared *shared;
  local_open *opens;
  task *task; /* that runs; NULL = none */
  penstock_op *op;
  step step;
  uint64_t started_ns;
  uint64_t deadline_ms; /* 0 = none */
  int cancelled;
  penstock_timer *timer;
};

static void let_go(shared *held) {
  if (--held->users == 0) {
    solver_settings_free(held->settings);
    free(held);
  }
}

/* --- life ----------------------------------------------------------------------------------------- */

int32_t native_create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  penstock_instance *instance = calloc(1, sizeof(*instance));
  shared *held = calloc(1, sizeof(*held));
  *out = NULL;
  if (!instance || !held) {
    free(instance);
    free(held);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "Out of memory");
  }
  held->settings = solver_settings_read(config, error);
  held->users = 1;
  if (!held->settings) {
    free(instance);
    free(held);
    return PENSTOCK_E_FAILED;
  }
  instance->host = host;
  instance->shared = held;
  *out = instance;
  return PENSTOCK_OK;
}

void native_destroy(penstock_instance *instance) {
  if (!instance) {
    return;
  }
  local_open_clear(&instance->opens);
  if (instance->timer) {
    instance->host->timer_stop(instance->host, instance->timer);
  }
  if (instance->task) {
    instance->task->instance = NULL;
  }
  let_go(instance->shared);
  free(instance);
}

/* There is no link to make. */
void native_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  instance->host->op_done(instance->host, op, NULL);
}

/* --- steps ---------------------------------------------------------------------------------------- */

static uint64_t elapsed_ms(const penstock_instance *instance) {
  return (instance->host->now_ns(instance->host) - instance->started_ns) / 1000000;
}

static void finish(penstock_instance *instance, const penstock_error *error) {
  penstock_op *op = instance->op;
  if (instance->timer) {
    instance->host->timer_stop(instance->host, instance->timer);
    instance->timer = NULL;
  }
  instance->op = NULL;
  instance->host->op_done(instance->host, op, error);
}

static void finish_cancelled(penstock_instance *instance) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  finish(instance, &error);
}

static void finish_passed(penstock_instance *instance, uint32_t leg, const char *text) {
  const penstock_host *host = instance->host;
  host->op_leg(host, instance->op, leg, host->now_ns(host) - instance->started_ns, text);
  finish(instance, NULL);
}

static void work(void *context) {
  task *self = context;
  const solver_settings *settings = self->shared->settings;
  switch (self->step) {
  case STEP_VALIDATE:
    self->result = solver_validate(settings, &self->error);
    break;
  case STEP_LAUNCH:
    self->result = solver_launch(settings, self->told, sizeof(self->told), &self->error);
    break;
  case STEP_READY:
    self->result = solver_is_ready(settings, self->is_late, &self->error);
    break;
  case STEP_STOP:
    self->result = solver_stop(settings, self->patience_ms, &self->error);
    break;
  case STEP_IDENTIFY:
    solver_identify(settings, &self->error);
    self->result = PENSTOCK_E_FAILED;
    break;
  }
}

static void run(penstock_instance *instance, int is_late);

static void on_look(void *context) {
  penstock_instance *instance = context;
  instance->timer = NULL;
  int is_late = instance->deadline_ms > 0 && elapsed_ms(instance) + READY_MARGIN_MS >= instance->deadline_ms;
  run(instance, is_late);
}

/* Not yet ready: looks again, and says so once a second. */
static void look_again(penstock_instance *instance) {
  const penstock_host *host = instance->host;
  char text[80];
  (void)snprintf(text, sizeof(text), "waiting for SERVER_READY, %llu s",
                 (unsigned long long)(elapsed_ms(instance) / 1000));
  host->op_progress(host, instance->op, text);
  instance->timer = host->timer_start(host, LOOK_EVERY_MS, 0, on_look, instance);
  if (!instance->timer) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    finish(instance, &error);
  }
}

static void settle(penstock_instance *instance, const task *done) {
  if (done->result < 0) {
    finish(instance, &done->error);
  } else if (done->step == STEP_LAUNCH) {
    finish_passed(instance, PENSTOCK_LEG_LAUNCH, done->told);
  } else if (done->step != STEP_READY) {
    finish(instance, NULL);
  } else if (done->result == 1) {
    finish_passed(instance, PENSTOCK_LEG_READY, "SERVER_READY");
  } else if (instance->cancelled) {
    finish_cancelled(instance);
  } else {
    look_again(instance);
  }
}

static void on_done(void *context) {
  task *self = context;
  if (self->instance) {
    self->instance->task = NULL;
    settle(self->instance, self);
  }
  let_go(self->shared);
  free(self);
}

static void run(penstock_instance *instance, int is_late) {
  const penstock_host *host = instance->host;
  penstock_error error = {.struct_size = sizeof(error)};
  task *made = calloc(1, sizeof(*made));
  if (made) {
    uint64_t most = instance->deadline_ms * 2 / 3;
    made->instance = instance;
    made->shared = instance->shared;
    made->step = instance->step;
    made->is_late = is_late;
    made->patience_ms = most > 0 && most < STOP_PATIENCE_MS ? (DWORD)most : STOP_PATIENCE_MS;
    made->error.struct_size = sizeof(made->error);
    made->shared->users++;
    if (host->run_job(host, work, on_done, made) == PENSTOCK_OK) {
      instance->task = made;
      return;
    }
    let_go(made->shared);
    free(made);
  }
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  finish(instance, &error);
}

static void begin(penstock_instance *instance, step which, penstock_op *op, uint64_t deadline_ms) {
  instance->step = which;
  instance->op = op;
  instance->deadline_ms = deadline_ms;
  instance->started_ns = instance->host->now_ns(instance->host);
  instance->cancelled = 0;
  run(instance, 0);
}

void native_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_VALIDATE, op, deadline_ms);
}

void native_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_LAUNCH, op, deadline_ms);
}

void native_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_READY, op, deadline_ms);
}

void native_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_STOP, op, deadline_ms);
}

void native_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_IDENTIFY, op, deadline_ms);
}

/* A task that runs is waited for: it is soon over, and what it did has been done. */
void native_cancel(penstock_instance *instance, penstock_op *op) {
  if (instance->op != op) {
    return;
  }
  instance->cancelled = 1;
  if (!instance->task) {
    finish_cancelled(instance);
  }
}

/* --- streams -------------------------------------------------------------------------------------- */

void native_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  const solver_settings *settings = instance->shared->settings;
  local_open_begin(&instance->opens, instance->host, open, settings->host, settings->port, deadline_ms);
}

void native_cancel_open(penstock_instance *instance, penstock_open *open) {
  local_open_end(&instance->opens, open);
}
