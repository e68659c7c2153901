/* SPDX-License-Identifier: MIT */
#include "common/container/container_runtime.h"

#include <stdlib.h>
#include <string.h>

#include "common/container/container_carrier.h"
#include "common/process_runtime.h"

enum {
  LOOK_MS = 5000,
  FIRST_LOOK_MS = 50, /* after the container runs */
  LOOK_EVERY_MS = 250,
  TICK_MS = 1000,
  READY_MARGIN_MS = 800 /* so long before the deadline the log is fetched: our error then comes before the host's */
};

typedef enum step { STEP_NONE, STEP_VALIDATE, STEP_READY, STEP_STOP, STEP_IDENTIFY, STEP_END } step;

typedef struct container_runtime {
  solver_runtime base;
  carrier *inside;
  const penstock_host *host;
  const container_settings *settings;
  solver_runtime *process; /* the one that launches, inside */
  char launched_in[65];    /* id of the container in which it has launched a solver, or "" */

  /* The running step; once the process runtime has it, there is none here. */
  step step;
  penstock_op *op;
  uint64_t started_ns;
  uint64_t deadline_ms;
  container_question question;
  penstock_timer *timer;  /* of the next look */
  penstock_timer *ticker; /* tells progress */
  int is_fetching_log;
  penstock_error error; /* that the log belongs to; how the container has ended */
  uint32_t end;         /* a penstock_end, of the last look at one */
  int is_end_inside;    /* the process runtime has looked */
} container_runtime;

/* --- steps ----------------------------------------------------------------------------------------- */

static uint64_t elapsed_ns(const container_runtime *self) {
  return self->host->now_ns(self->host) - self->started_ns;
}

static uint64_t remaining_ms(const container_runtime *self) {
  uint64_t elapsed = elapsed_ns(self) / 1000000;
  return self->deadline_ms == 0 ? LOOK_MS : self->deadline_ms > elapsed ? self->deadline_ms - elapsed : 1;
}

static uint64_t look_limit_ms(const container_runtime *self) {
  uint64_t left = remaining_ms(self);
  return left < LOOK_MS ? left : LOOK_MS;
}

static void begin(container_runtime *self, step which, penstock_op *op, uint64_t deadline_ms) {
  self->step = which;
  self->op = op;
  self->started_ns = self->host->now_ns(self->host);
  self->deadline_ms = deadline_ms;
  self->is_fetching_log = 0;
}

static void stop_timers(container_runtime *self) {
  if (self->timer) {
    self->host->timer_stop(self->host, self->timer);
  }
  if (self->ticker) {
    self->host->timer_stop(self->host, self->ticker);
  }
  self->timer = self->ticker = NULL;
}

/* The step is over, here. */
static penstock_op *let_go(container_runtime *self) {
  penstock_op *op = self->op;
  stop_timers(self);
  self->op = NULL;
  self->step = STEP_NONE;
  return op;
}

static void finish(container_runtime *self, const penstock_error *error) {
  penstock_error copy;
  if (error) {
    copy = *error; /* may be the runtime's own */
  }
  self->host->op_done(self->host, let_go(self), error ? &copy : NULL);
}

static void finish_cancelled(container_runtime *self) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  finish(self, &error);
}

/* --- validate: it runs, and a launched solver can be reached -------------------------------------- */

/* A solver was launched in this container before: what a launch needs is there, and asking again would only make
   those wait who work with it. */
static int has_launched_here(const container_runtime *self) {
  const container_view *view = container_carrier_view(self->inside);
  return view && self->launched_in[0] && strcmp(view->id, self->launched_in) == 0;
}

static void on_chosen(void *context, const char *host, const penstock_error *error) {
  container_runtime *self = context;
  if (error) {
    finish(self, error);
    return;
  }
  process_runtime_bind(self->process, host);
  if (has_launched_here(self)) {
    finish(self, NULL);
    return;
  }
  uint64_t left = remaining_ms(self);
  self->process->ops->validate(self->process, let_go(self), left);
}

static void fail_up(container_runtime *self, const container_view *view, const penstock_error *error) {
  penstock_error copy = *error;
  if (copy.error_class == PENSTOCK_CLASS_CONFIG && view && view->state != CONTAINER_RUNNING &&
      container_carrier_has_run(self->inside)) {
    copy.error_class = PENSTOCK_CLASS_TRANSIENT; /* it is perhaps being made anew, or restarted by its owner */
  }
  finish(self, &copy);
}

static void on_up(void *context, const container_view *view, const penstock_error *error) {
  container_runtime *self = context;
  if (error) {
    fail_up(self, view, error);
  } else if (!self->settings->has_root) {
    finish(self, NULL);
  } else if (container_carrier_choose(self->inside, remaining_ms(self), on_chosen, self)) {
    penstock_error no_memory = {.struct_size = sizeof(no_memory)};
    (void)penstock_fail(&no_memory, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    finish(self, &no_memory);
  }
}

static void container_validate(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  begin(self, STEP_VALIDATE, op, deadline_ms);
  container_carrier_up(self->inside, &self->question, op, remaining_ms(self), on_up, self);
}

/* --- launch and ready ------------------------------------------------------------------------------ */

static void container_launch(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  const container_view *view = container_carrier_view(self->inside);
  char text[400];
  if (self->settings->has_root) {
    self->process->ops->launch(self->process, op, deadline_ms);
    return;
  }
  begin(self, STEP_NONE, op, deadline_ms);
  (void)snprintf(text, sizeof(text), "by the container's own command%s%s%s", view && view->command[0] ? " (" : "",
                 view ? view->command : "", view && view->command[0] ? ")" : "");
  self->host->op_leg(self->host, op, PENSTOCK_LEG_LAUNCH, 0, text);
  finish(self, NULL);
}

static void on_log(void *context, const penstock_error *error) {
  container_runtime *self = context;
  if (self->is_fetching_log) {
    self->is_fetching_log = 0;
    finish(self, error);
  }
}

/* `error` with the end of the container's log. */
static void finish_with_log(container_runtime *self) {
  stop_timers(self);
  self->is_fetching_log = 1;
  container_carrier_log(self->inside, &self->error, on_log, self);
}

static void fail_ended(container_runtime *self, const container_view *view) {
  penstock_error *error = &self->error;
  if (view->state == CONTAINER_ABSENT) {
    (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "%s was removed while it started",
                        self->inside->where);
    finish(self, error);
    return;
  }
  if (view->state == CONTAINER_PAUSED) {
    (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "%s was paused while it started",
                        self->inside->where);
    penstock_next(error, "Let it run: `%s unpause %s`", view->engine, view->name);
    finish(self, error);
    return;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                      "The solver in %s has ended: its command `%s` exited with code %d%s", self->inside->where,
                      view->command, view->exit_code, view->is_out_of_memory ? ", out of memory" : "");
  penstock_next(error, "Its last words are below; `%s logs %s` shows all of them", view->engine, view->name);
  finish_with_log(self);
}

static void fail_timed_out(container_runtime *self, const container_view *view) {
  penstock_error *error = &self->error;
  unsigned port = self->settings->port;
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                      "Server startup timed out: %s runs (`%s`), but nothing listens on port %u in it",
                      self->inside->where, view ? view->command : "", port);
  penstock_next(error,
                "Set `root` to the solver's folder in the container, and penstock launches it there; if the "
                "container's command is the solver, see that it listens on port %u (`endpoint`), or raise "
                "`ready_timeout`",
                port);
  finish_with_log(self);
}

static void look_for_listener(void *context);

static void look_again(container_runtime *self, uint64_t delay_ms) {
  self->timer = self->host->timer_start(self->host, delay_ms, 0, look_for_listener, self);
  if (!self->timer) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    finish(self, &error);
  }
}

static int is_over(const container_runtime *self) {
  return self->deadline_ms && remaining_ms(self) <= READY_MARGIN_MS;
}

static int has_ended(const container_view *view) {
  switch (view->state) {
  case CONTAINER_RUNNING:
  case CONTAINER_RESTARTING: /* by its engine, as its policy says */
  case CONTAINER_CREATED:
  case CONTAINER_OTHER:
    return 0;
  default:
    return 1;
  }
}

static void on_looked(void *context, const container_view *view, const penstock_error *error) {
  container_runtime *self = context;
  char text[160];
  const container_view *seen = container_carrier_view(self->inside);
  if (error && is_over(self) && error->leg == PENSTOCK_LEG_CONTAINER && seen && seen->state == CONTAINER_RUNNING) {
    fail_timed_out(self, seen); /* the time ran out during a look: what the looks before have seen is what counts */
  } else if (error) {
    finish(self, error);
  } else if (has_ended(view)) {
    fail_ended(self, view);
  } else if (view->state == CONTAINER_RUNNING && (!view->knows_listeners || view->listeners.count > 0)) {
    /* Where nobody can tell who listens, the host's own question to the solver is what is waited for. */
    (void)snprintf(text, sizeof(text), view->knows_listeners ? "listens on port %u" : "port %u: to be asked",
                   (unsigned)self->settings->port);
    self->host->op_leg(self->host, self->op, PENSTOCK_LEG_READY, elapsed_ns(self), text);
    finish(self, NULL);
  } else if (is_over(self)) {
    fail_timed_out(self, view);
  } else {
    look_again(self, LOOK_EVERY_MS);
  }
}

static void look_for_listener(void *context) {
  container_runtime *self = context;
  self->timer = NULL;
  container_carrier_look(self->inside, &self->question, look_limit_ms(self), on_looked, self);
}

static void tick(void *context) {
  container_runtime *self = context;
  char text[700];
  (void)snprintf(text, sizeof(text), "waiting for port %u in %s, %u s", (unsigned)self->settings->port,
                 self->inside->where, (unsigned)(elapsed_ns(self) / 1000000000));
  self->host->op_progress(self->host, self->op, text);
}

static void container_ready(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  if (self->settings->has_root) {
    const container_view *view = container_carrier_view(self->inside);
    (void)snprintf(self->launched_in, sizeof(self->launched_in), "%s", view ? view->id : "");
    self->process->ops->ready(self->process, op, deadline_ms);
    return;
  }
  begin(self, STEP_READY, op, deadline_ms);
  self->ticker = self->host->timer_start(self->host, TICK_MS, TICK_MS, tick, self);
  look_again(self, FIRST_LOOK_MS);
}

/* --- stop and identify ----------------------------------------------------------------------------- */

static void on_stop_looked(void *context, const container_view *view, const penstock_error *error) {
  container_runtime *self = context;
  if (error) {
    finish(self, error);
  } else if (view->state != CONTAINER_RUNNING) {
    finish(self, NULL); /* what was launched in it has ended with it */
  } else {
    uint64_t left = remaining_ms(self);
    self->process->ops->stop(self->process, let_go(self), left);
  }
}

/* The container's own command: nothing was launched. */
static void refuse_stop(container_runtime *self) {
  const container_view *view = container_carrier_view(self->inside);
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_REFUSED,
                      "The solver goes on: without `root`, it is the own command of %s", self->inside->where);
  if (view && view->name[0]) {
    penstock_next(&error, "Run `%s stop %s` on %s to end both", view->engine, view->name, self->inside->below->where);
  }
  finish(self, &error);
}

static void container_stop(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  begin(self, STEP_STOP, op, deadline_ms);
  if (!self->settings->has_root) {
    refuse_stop(self);
    return;
  }
  container_carrier_look(self->inside, &self->question, look_limit_ms(self), on_stop_looked, self);
}

/* Who listens cannot be reached by any way that there is: then it was not this one that answered. */
static int is_out_of_reach(const container_runtime *self, const container_view *view, penstock_error *error) {
  container_paths paths;
  container_carrier_paths(self->inside, view, &paths);
  for (size_t i = 0; i < paths.count; i++) {
    if (paths.items[i].why_not[0] == '\0') {
      return 0;
    }
  }
  container_paths_report(&paths, view, self->settings, self->inside->below->where, error);
  error->error_class = PENSTOCK_CLASS_REFUSED;
  return 1;
}

static void on_identify_looked(void *context, const container_view *view, const penstock_error *error) {
  container_runtime *self = context;
  penstock_error unreachable = {.struct_size = sizeof(unreachable)};
  if (error) {
    finish(self, error);
  } else if (view->state != CONTAINER_RUNNING || (view->knows_listeners && view->listeners.count == 0)) {
    finish(self, NULL);
  } else if (is_out_of_reach(self, view, &unreachable)) {
    finish(self, &unreachable);
  } else {
    uint64_t left = remaining_ms(self);
    process_runtime_bind(self->process, view->listeners.count ? view->listeners.items[0].host : NULL);
    self->process->ops->identify(self->process, let_go(self), left);
  }
}

static void container_identify(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  begin(self, STEP_IDENTIFY, op, deadline_ms);
  container_carrier_look(self->inside, &self->question, look_limit_ms(self), on_identify_looked, self);
}

/* The solver ended with the container: as its own command, or as one that was launched in it. */
static void say_container_end(container_runtime *self, const container_view *view) {
  int is_signal = view->exit_code > 128 && view->exit_code < 160;
  self->end = view->exit_code == 0 && !view->is_out_of_memory ? PENSTOCK_END_CLEAN : PENSTOCK_END_FAILED;
  (void)penstock_fail(&self->error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT,
                      "the solver has ended with %s (`%.100s`): %s %d%s", self->inside->where, view->command,
                      is_signal ? "signal" : "exit status", is_signal ? view->exit_code - 128 : view->exit_code,
                      view->is_out_of_memory ? ", out of memory" : "");
  penstock_next(&self->error, "`%s logs %s` shows its last words", view->engine, view->name);
}

static void on_end_looked(void *context, const container_view *view, const penstock_error *error) {
  container_runtime *self = context;
  if (error) {
    finish(self, error);
  } else if (view->state == CONTAINER_EXITED || view->state == CONTAINER_DEAD) {
    say_container_end(self, view);
    finish(self, NULL);
  } else if (view->state == CONTAINER_RUNNING && self->settings->has_root) {
    uint64_t left = remaining_ms(self);
    self->is_end_inside = 1;
    self->process->ops->end_look(self->process, let_go(self), left);
  } else {
    finish(self, NULL); /* removed, or its engine has started it anew already */
  }
}

static void container_end_look(solver_runtime *base, penstock_op *op, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  begin(self, STEP_END, op, deadline_ms);
  self->end = PENSTOCK_END_UNKNOWN;
  self->is_end_inside = 0;
  container_carrier_look(self->inside, &self->question, look_limit_ms(self), on_end_looked, self);
}

static uint32_t container_end_how(solver_runtime *base, penstock_error *error) {
  container_runtime *self = (container_runtime *)base;
  if (self->is_end_inside) {
    return self->process->ops->end_how(self->process, error);
  }
  if (self->end != PENSTOCK_END_UNKNOWN) {
    *error = self->error;
  }
  return self->end;
}

static void container_cancel(solver_runtime *base, penstock_op *op) {
  container_runtime *self = (container_runtime *)base;
  if (self->op != op) {
    self->process->ops->cancel(self->process, op);
    return;
  }
  if (self->is_fetching_log) { /* what there is to say is known */
    self->is_fetching_log = 0;
    finish(self, &self->error);
    return;
  }
  container_carrier_forget(self->inside, &self->question);
  container_carrier_unchoose(self->inside, self);
  if (self->step == STEP_READY && is_over(self)) {
    fail_timed_out(self, container_carrier_view(self->inside));
  } else {
    finish_cancelled(self);
  }
}

/* --- streams, and life ----------------------------------------------------------------------------- */

static void container_open_stream(solver_runtime *base, penstock_open *open, uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  self->process->ops->open(self->process, open, deadline_ms);
}

/* The log of a container whose own command is the solver is its engine's to show. */
static void container_open_log(solver_runtime *base, penstock_open *open, const penstock_command *command,
                               uint64_t deadline_ms) {
  container_runtime *self = (container_runtime *)base;
  if (self->settings->has_root) {
    self->process->ops->open_log(self->process, open, command, deadline_ms);
  } else {
    container_carrier_open_log(self->inside, open, command, deadline_ms);
  }
}

static void container_cancel_stream(solver_runtime *base, penstock_open *open) {
  container_runtime *self = (container_runtime *)base;
  self->process->ops->open_cancel(self->process, open);
}

static void container_runtime_destroy(solver_runtime *base) {
  container_runtime *self = (container_runtime *)base;
  stop_timers(self);
  container_carrier_forget(self->inside, &self->question);
  container_carrier_unchoose(self->inside, self);
  self->process->ops->destroy(self->process);
  free(self);
}

static const solver_runtime_ops container_ops = {
    .validate = container_validate,
    .launch = container_launch,
    .ready = container_ready,
    .stop = container_stop,
    .identify = container_identify,
    .end_look = container_end_look,
    .end_how = container_end_how,
    .cancel = container_cancel,
    .open = container_open_stream,
    .open_log = container_open_log,
    .open_cancel = container_cancel_stream,
    .destroy = container_runtime_destroy,
};

solver_runtime *container_runtime_create(carrier *inside, const penstock_config *config, penstock_error *error) {
  container_runtime *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  self->base.ops = &container_ops;
  self->inside = inside;
  self->host = inside->host;
  self->settings = container_carrier_settings(inside);
  self->error.struct_size = sizeof(self->error);
  self->process = process_runtime_create(inside, config, error);
  if (!self->process) {
    free(self);
    return NULL;
  }
  return &self->base;
}
