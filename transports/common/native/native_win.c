/* SPDX-License-Identifier: MIT */
/* The slots: steps are jobs of a worker thread, streams are sockets. */
#include <stdlib.h>

#include "common/local_open.h"
#include "common/native/far_end_win.h"
#include "common/native/native.h"
#include "common/native/native_exec_win.h"
#include "common/native/solver_win.h"

#define LOOK_EVERY_MS 200
/* The last look for the mark is so long before the deadline: our error then comes before the host's. */
#define READY_MARGIN_MS 400
/* Asking a solver to end and waiting for it: two thirds of the time for all of it, and so long if there is no bound. */
#define STOP_PATIENCE_MS 10000

typedef enum step { STEP_CONNECT, STEP_VALIDATE, STEP_LAUNCH, STEP_READY, STEP_STOP, STEP_IDENTIFY, STEP_END } step;

/* What a worker does. It may outlive the instance, so it has a part in the settings. */
typedef struct task {
  penstock_instance *instance; /* NULL: it has gone */
  shared *shared;
  step step;
  DWORD patience_ms; /* to end */
  int is_late;
  int result;
  uint32_t end; /* a penstock_end; `error` says more */
  char told[300];
  penstock_error error;
} task;

struct penstock_instance {
  const penstock_host *host;
  shared *shared;
  local_open *opens;
  native_exec *execs;
  task *task; /* that runs; NULL = none */
  penstock_op *op;
  step step;
  uint64_t started_ns;
  uint64_t deadline_ms; /* 0 = none */
  int cancelled;
  uint32_t end; /* what the last look at a solver that has ended has found, a penstock_end */
  penstock_error end_error;
  penstock_timer *timer;
};

/* --- life ----------------------------------------------------------------------------------------- */

int32_t native_create(const penstock_host *host, const penstock_config *config, native_kind kind,
                      penstock_instance **out, penstock_error *error) {
  penstock_instance *instance = calloc(1, sizeof(*instance));
  shared *held = calloc(1, sizeof(*held));
  *out = NULL;
  if (!instance || !held) {
    free(instance);
    free(held);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "Out of memory");
  }
  held->settings = solver_settings_read(config, kind == NATIVE_PLAIN, error);
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
  native_exec_clear(&instance->execs);
  if (instance->timer) {
    instance->host->timer_stop(instance->host, instance->timer);
  }
  if (instance->task) {
    instance->task->instance = NULL;
  }
  shared_let_go(instance->shared);
  free(instance);
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
  case STEP_CONNECT:
    solver_look_for(settings);
    break;
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
  case STEP_END:
    self->end = solver_end(settings, &self->error);
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
  if (done->step == STEP_END) {
    instance->end = done->end;
    instance->end_error = done->error;
  }
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
  shared_let_go(self->shared);
  free(self);
}

static void run(penstock_instance *instance, int is_late) {
  const penstock_host *host = instance->host;
  penstock_error error = {.struct_size = sizeof(error)};
  task *made = calloc(1, sizeof(*made));
  if (made) {
    uint64_t most = instance->deadline_ms * 2 / 3;
    made->instance = instance;
    made->shared = shared_take(instance->shared);
    made->step = instance->step;
    made->is_late = is_late;
    made->patience_ms = most > 0 && most < STOP_PATIENCE_MS ? (DWORD)most : STOP_PATIENCE_MS;
    made->error.struct_size = sizeof(made->error);
    if (host->run_job(host, work, on_done, made) == PENSTOCK_OK) {
      instance->task = made;
      return;
    }
    shared_let_go(made->shared);
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

/* There is no link to make. A solver that runs is looked for, so that it is known how it ends. */
void native_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  begin(instance, STEP_CONNECT, op, deadline_ms);
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
  native_exec_end(&instance->execs, open);
}

/* --- optional parts ------------------------------------------------------------------------------- */

static void open_command(penstock_instance *instance, penstock_open *open, const penstock_command *command,
                         uint64_t deadline_ms) {
  (void)deadline_ms; /* nothing of it takes long, or could be ended early */
  native_exec_begin(&instance->execs, instance->host, instance->shared, open, command);
}

static void end_command(penstock_instance *instance, const char *token) {
  (void)instance;
  far_end_stop(token);
}

static void end_look(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->end = PENSTOCK_END_UNKNOWN;
  begin(instance, STEP_END, op, deadline_ms);
}

static uint32_t end_how(penstock_instance *instance, penstock_error *error) {
  if (instance->end != PENSTOCK_END_UNKNOWN) {
    *error = instance->end_error;
  }
  return instance->end;
}

static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  (void)deadline_ms;
  return solver_check(instance->shared->settings, sink, error);
}

const void *native_extension(penstock_instance *instance, const char *name) {
  static const penstock_exec_ext exec = {.struct_size = (uint32_t)sizeof(exec),
                                         .open_command = open_command,
                                         .open_log = open_command,
                                         .end_command = end_command};
  static const penstock_end_ext end = {.struct_size = (uint32_t)sizeof(end), .look = end_look, .how = end_how};
  static const penstock_check_ext checks = {.struct_size = (uint32_t)sizeof(checks), .check = check};
  (void)instance;
  if (strcmp(name, PENSTOCK_EXT_EXEC) == 0) {
    return &exec;
  }
  if (strcmp(name, PENSTOCK_EXT_END) == 0) {
    return &end;
  }
  return strcmp(name, PENSTOCK_EXT_CHECK) == 0 ? &checks : NULL;
}
