/* SPDX-License-Identifier: MIT */
#include "common/process_runtime.h"

#include <stdlib.h>
#include <strings.h>

#include "common/address.h"
#include "common/exec.h"
#include "common/process_report.h"
#include "common/process_scripts.h"
#include "common/script.h"

enum {
  TICK_MS = 1000,
  READY_SLICE_MS = 2000, /* how long one script waits for the mark */
  READY_MARGIN_MS = 400, /* the last one ends so long before the deadline: our error then comes before the host's */
  LAST_LOOK_MS = 2000,
  STOP_GRACE_S = 5, /* between SIGTERM and SIGKILL */
};

/* What the scripts count in. */
static const uint64_t twentieth_us = 50000;

typedef enum step { STEP_NONE, STEP_VALIDATE, STEP_LAUNCH, STEP_READY, STEP_STOP, STEP_IDENTIFY, STEP_END } step;

/* Items of a LIST or ENV; the texts are the config's. */
typedef struct items {
  const char **texts;
  size_t count;
} items;

typedef struct process_runtime {
  solver_runtime base;
  carrier *carrier;
  const penstock_host *host;
  const penstock_config *config;
  char endpoint_host[ADDRESS_HOST_SIZE];
  uint16_t endpoint_port;
  char bind_host[ADDRESS_HOST_SIZE];
  items arguments;
  items environment;

  /* The running step. */
  step step;
  penstock_op *op;
  carrier_run *run;
  penstock_timer *ticker;
  uint64_t started_ns;
  uint64_t deadline_ms; /* 0 = none */
  int cancelled;
  int last_look;       /* ready: time is up, and a script fetches the end of the log */
  uint64_t slice_ns;   /* when the running slice of ready began */
  uint64_t slice_naps; /* how many twentieths it was told to take */
  uint64_t nap_us;     /* how long a "twentieth" takes there, which has other work to do */
  char *tail;          /* of the solver's log, as the last slice of ready saw it */
  char *log_file;
  uint32_t end; /* a penstock_end, of the last look at one */
  penstock_error end_error;
} process_runtime;

static const solver_runtime_ops process_ops;

/* --- creation ------------------------------------------------------------------------------------ */

static int read_items(const penstock_config *config, const char *key, items *list) {
  size_t count = 0;
  while (config->get_item(config, key, (uint32_t)count)) {
    count++;
  }
  list->texts = calloc(count + 1, sizeof(*list->texts));
  if (!list->texts) {
    return PENSTOCK_E_NOMEM;
  }
  for (list->count = 0; list->count < count; list->count++) {
    list->texts[list->count] = config->get_item(config, key, (uint32_t)list->count);
  }
  return PENSTOCK_OK;
}

/* "penstock.ini:12", or words that fit in its place. */
static const char *origin_of(const process_runtime *runtime, const char *key) {
  const char *origin = runtime->config->get_origin(runtime->config, key);
  return origin ? origin : "the default";
}

/* What a shell can export: it would take anything else for a part of the command. */
static int is_assignment(const char *text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return length > 0 && text[length] == '=' && !(text[0] >= '0' && text[0] <= '9');
}

static int read_config(process_runtime *runtime, penstock_error *error) {
  const penstock_config *config = runtime->config;
  const char *endpoint = config->get_string(config, "endpoint");
  if (address_split(endpoint, runtime->endpoint_host, &runtime->endpoint_port) || runtime->endpoint_port == 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "`endpoint` is no address to connect to: %s",
                        endpoint ? endpoint : "(unset)");
    penstock_next(error, "Write it as host:port (%s)", origin_of(runtime, "endpoint"));
    return PENSTOCK_E_FAILED;
  }
  if (read_items(config, "args", &runtime->arguments) || read_items(config, "env", &runtime->environment)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  for (size_t i = 0; i < runtime->environment.count; i++) {
    if (!is_assignment(runtime->environment.texts[i])) {
      const char *text = runtime->environment.texts[i];
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                          "`env` names a variable that no shell can hold: %.*s", (int)strcspn(text, "="), text);
      penstock_next(error, "Write NAME=value, the name of letters, digits and _ (%s)", origin_of(runtime, "env"));
      return PENSTOCK_E_FAILED;
    }
  }
  return PENSTOCK_OK;
}

static void process_destroy(solver_runtime *self) {
  process_runtime *runtime = (process_runtime *)self;
  if (runtime->ticker) {
    runtime->host->timer_stop(runtime->host, runtime->ticker);
  }
  free(runtime->arguments.texts);
  free(runtime->environment.texts);
  free(runtime->tail);
  free(runtime->log_file);
  free(runtime);
}

solver_runtime *process_runtime_create(carrier *where, const penstock_config *config, penstock_error *error) {
  process_runtime *runtime = calloc(1, sizeof(*runtime));
  if (!runtime) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  runtime->base.ops = &process_ops;
  runtime->carrier = where;
  runtime->host = where->host;
  runtime->config = config;
  if (read_config(runtime, error)) {
    process_destroy(&runtime->base);
    return NULL;
  }
  process_runtime_bind(&runtime->base, NULL);
  return &runtime->base;
}

void process_runtime_bind(solver_runtime *self, const char *host) {
  process_runtime *runtime = (process_runtime *)self;
  const char *own = runtime->endpoint_host;
  if (!host) { /* a number, since not every solver looks names up */
    host = strcasecmp(own, "localhost") == 0 ? "127.0.0.1" : own;
  }
  (void)snprintf(runtime->bind_host, sizeof(runtime->bind_host), "%s", host);
}

uint16_t process_runtime_port(const solver_runtime *self) {
  return ((const process_runtime *)self)->endpoint_port;
}

/* --- steps ---------------------------------------------------------------------------------------- */

static uint64_t elapsed_ns(const process_runtime *runtime) {
  return runtime->host->now_ns(runtime->host) - runtime->started_ns;
}

static uint64_t remaining_ms(const process_runtime *runtime) {
  uint64_t elapsed = elapsed_ns(runtime) / 1000000;
  return runtime->deadline_ms > elapsed ? runtime->deadline_ms - elapsed : 0;
}

static void begin(process_runtime *runtime, step which, penstock_op *op, uint64_t deadline_ms) {
  runtime->step = which;
  runtime->op = op;
  runtime->started_ns = runtime->host->now_ns(runtime->host);
  runtime->deadline_ms = deadline_ms;
  runtime->cancelled = runtime->last_look = 0;
  runtime->nap_us = twentieth_us;
}

static void finish(process_runtime *runtime, const penstock_error *error) {
  penstock_op *op = runtime->op;
  if (runtime->ticker) {
    runtime->host->timer_stop(runtime->host, runtime->ticker);
    runtime->ticker = NULL;
  }
  free(runtime->tail);
  free(runtime->log_file);
  runtime->tail = runtime->log_file = NULL;
  runtime->op = NULL;
  runtime->step = STEP_NONE;
  runtime->host->op_done(runtime->host, op, error);
}

static void finish_passed(process_runtime *runtime, uint32_t leg, const char *text) {
  runtime->host->op_leg(runtime->host, runtime->op, leg, elapsed_ns(runtime), text);
  finish(runtime, NULL);
}

static process_report_context report_context(const process_runtime *runtime) {
  const penstock_config *config = runtime->config;
  process_report_context context = {runtime->carrier->where, runtime->endpoint_port, config->get_origin(config, "root"),
                                    config->get_origin(config, "endpoint")};
  return context;
}

/* --- scripts -------------------------------------------------------------------------------------- */

/* A script with the values and functions that all of them share. */
static script *common_script(const process_runtime *runtime) {
  const penstock_config *config = runtime->config;
  script *s = script_create();
  script_set(s, "ps_root", config->get_string(config, "root"));
  script_set(s, "ps_program", config->get_string(config, "program"));
  script_set(s, "ps_host", runtime->bind_host);
  script_set_number(s, "ps_port", runtime->endpoint_port);
  script_add(s, script_lib);
  return s;
}

/* The script that becomes the solver; a value of the one that launches it. */
static script *solver_script(const process_runtime *runtime, const char *token) {
  const penstock_config *config = runtime->config;
  const items *own = &runtime->environment;
  const char *gpu = config->get_string(config, "gpu");
  char token_variable[sizeof("PENSTOCK_TOKEN=") + SCRIPT_NONCE_SIZE];
  char gpu_variable[512];
  const char **environment = calloc(own->count + 2, sizeof(*environment));
  size_t count = 0;
  if (!environment) {
    return NULL;
  }
  while (count < own->count) {
    environment[count] = own->texts[count];
    count++;
  }
  if (gpu && gpu[0]) {
    (void)snprintf(gpu_variable, sizeof(gpu_variable), "CUDA_VISIBLE_DEVICES=%s", gpu);
    environment[count++] = gpu_variable;
  }
  (void)snprintf(token_variable, sizeof(token_variable), "PENSTOCK_TOKEN=%s", token);
  environment[count++] = token_variable;

  script *s = common_script(runtime);
  script_set(s, "ps_token", token);
  script_set(s, "ps_venv", config->get_string(config, "venv"));
  script_set_number(s, "ps_debug", config->get_int(config, "debug", 0) != 0);
  script_list(s, "ps_environment", environment, count);
  script_list(s, "ps_arguments", runtime->arguments.texts, runtime->arguments.count);
  script_add(s, script_solver);
  free(environment);
  return s;
}

/* The script that starts it and waits for its end; a value of the one that launches. NULL if out of memory. */
static script *watch_script(const process_runtime *runtime, const char *token) {
  size_t size = 0;
  script *child = solver_script(runtime, token);
  const char *text = script_text(child, &size);
  script *s = text ? script_create() : NULL;
  script_set(s, "ps_child", text);
  script_set(s, "ps_token", token);
  script_set_number(s, "ps_port", runtime->endpoint_port);
  script_add(s, script_watch);
  script_destroy(child);
  return s;
}

static void script_done(void *context, const carrier_result *result);

/* Hands a script to the carrier, and frees it. Ends the step if that fails. */
static void run(process_runtime *runtime, script *s, uint64_t timeout_ms) {
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  const char *text = script_text(s, &size);
  if (text) {
    runtime->run = runtime->carrier->ops->run(runtime->carrier, text, size, timeout_ms, script_done, runtime, &error);
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL,
                        script_result(s) == PENSTOCK_E_NOMEM ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG,
                        script_result(s) == PENSTOCK_E_NOMEM ? "Out of memory"
                                                             : "A setting cannot be passed to a shell");
  }
  script_destroy(s);
  if (!runtime->run) {
    finish(runtime, &error);
  }
}

/* Says that a step needs `root`; 0 if it is set. */
static int lacks_root(process_runtime *runtime) {
  penstock_error error = {.struct_size = sizeof(error)};
  const char *root = runtime->config->get_string(runtime->config, "root");
  if (root && root[0]) {
    return 0;
  }
  (void)penstock_fail(&error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                      "No solver answers at %s:%u on %s, and profile '%s' does not say where to launch one",
                      runtime->endpoint_host, runtime->endpoint_port, runtime->carrier->where,
                      runtime->config->profile);
  penstock_next(&error, "Set `root` to the solver's folder, or `launch = never` and start it yourself");
  finish(runtime, &error);
  return 1;
}

static void process_validate(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  begin(runtime, STEP_VALIDATE, op, deadline_ms);
  if (lacks_root(runtime)) {
    return;
  }
  script *s = common_script(runtime);
  script_add(s, script_validate);
  run(runtime, s, deadline_ms);
}

static void process_launch(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  char token[SCRIPT_NONCE_SIZE];
  penstock_error error = {.struct_size = sizeof(error)};
  begin(runtime, STEP_LAUNCH, op, deadline_ms);
  if (lacks_root(runtime)) {
    return;
  }
  if (script_nonce(token)) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "The system gives no random numbers");
    finish(runtime, &error);
    return;
  }
  size_t size = 0;
  script *child = watch_script(runtime, token);
  const char *text = script_text(child, &size);
  script *s = text ? common_script(runtime) : NULL;
  script_set(s, "ps_token", token);
  script_set(s, "ps_child", text);
  script_add(s, script_launch);
  script_destroy(child);
  run(runtime, s, deadline_ms);
}

static void process_stop(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  const char *root = runtime->config->get_string(runtime->config, "root");
  uint64_t grace_s = deadline_ms && deadline_ms / 2000 < STOP_GRACE_S ? deadline_ms / 2000 : STOP_GRACE_S;
  begin(runtime, STEP_STOP, op, deadline_ms);
  if (!root || !root[0]) {
    finish(runtime, NULL); /* without a folder none was launched */
    return;
  }
  script *s = common_script(runtime);
  script_set_number(s, "ps_grace", (int64_t)grace_s);
  script_add(s, script_stop);
  run(runtime, s, deadline_ms);
}

static void process_identify(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  begin(runtime, STEP_IDENTIFY, op, deadline_ms);
  script *s = common_script(runtime);
  script_add(s, script_identify);
  run(runtime, s, deadline_ms);
}

static void process_end_look(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  const char *root = runtime->config->get_string(runtime->config, "root");
  begin(runtime, STEP_END, op, deadline_ms);
  runtime->end = PENSTOCK_END_UNKNOWN;
  if (!root || !root[0]) {
    finish(runtime, NULL); /* without a folder none was launched */
    return;
  }
  script *s = common_script(runtime);
  script_add(s, script_end);
  run(runtime, s, deadline_ms);
}

static uint32_t process_end_how(solver_runtime *self, penstock_error *error) {
  const process_runtime *runtime = (const process_runtime *)self;
  if (runtime->end != PENSTOCK_END_UNKNOWN) {
    *error = runtime->end_error;
  }
  return runtime->end;
}

/* --- ready ---------------------------------------------------------------------------------------- */

static void ready_tick(void *context) {
  process_runtime *runtime = context;
  char text[64];
  (void)snprintf(text, sizeof(text), "waiting for SERVER_READY, %u s", (unsigned)(elapsed_ns(runtime) / 1000000000));
  runtime->host->op_progress(runtime->host, runtime->op, text);
}

static void ready_slice(process_runtime *runtime) {
  uint64_t wait_ms = READY_SLICE_MS;
  if (runtime->deadline_ms) {
    uint64_t left_ms = remaining_ms(runtime);
    left_ms = left_ms > READY_MARGIN_MS ? left_ms - READY_MARGIN_MS : 0;
    wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
  }
  runtime->slice_ns = runtime->host->now_ns(runtime->host);
  runtime->slice_naps = wait_ms * 1000 / runtime->nap_us;
  script *s = common_script(runtime);
  script_set_number(s, "ps_wait", (int64_t)runtime->slice_naps);
  script_add(s, script_ready);
  /* It ends by itself, and with the link; but the last look has only the time that a cancelled step is given. */
  run(runtime, s, runtime->last_look ? LAST_LOOK_MS : 0);
}

static void process_ready(solver_runtime *self, penstock_op *op, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  begin(runtime, STEP_READY, op, deadline_ms);
  if (lacks_root(runtime)) {
    return;
  }
  runtime->ticker = runtime->host->timer_start(runtime->host, TICK_MS, TICK_MS, ready_tick, runtime);
  ready_slice(runtime);
}

static void finish_timed_out(process_runtime *runtime) {
  penstock_error error = {.struct_size = sizeof(error)};
  process_report_context context = report_context(runtime);
  process_report_timeout(&context, runtime->log_file, runtime->tail, &error);
  finish(runtime, &error);
}

static int ready_is_over(const process_runtime *runtime) {
  return runtime->deadline_ms && remaining_ms(runtime) <= READY_MARGIN_MS + twentieth_us / 1000;
}

static void ready_waited(process_runtime *runtime, const carrier_result *result) {
  if (runtime->slice_naps > 0) {
    uint64_t us = (runtime->host->now_ns(runtime->host) - runtime->slice_ns) / 1000 / runtime->slice_naps;
    runtime->nap_us = us > twentieth_us ? us : twentieth_us;
  }
  free(runtime->tail);
  free(runtime->log_file);
  runtime->tail = script_value(result->output, result->output_size, "log");
  runtime->log_file = script_value(result->output, result->output_size, "path");
  if (ready_is_over(runtime)) {
    finish_timed_out(runtime);
  } else if (runtime->cancelled) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_CANCELLED, "Cancelled");
    finish(runtime, &error);
  } else {
    ready_slice(runtime);
  }
}

/* --- what scripts say ------------------------------------------------------------------------------ */

static void finish_launched(process_runtime *runtime, const carrier_result *result, int adopted) {
  char text[96];
  (void)snprintf(text, sizeof(text), "%s, pid %lld", adopted ? "launched before, still starting" : "launched",
                 (long long)script_value_number(result->output, result->output_size, "pid"));
  finish_passed(runtime, PENSTOCK_LEG_LAUNCH, text);
}

static void finish_end(process_runtime *runtime, const carrier_result *result) {
  process_report_context context = report_context(runtime);
  runtime->end_error.struct_size = sizeof(runtime->end_error);
  runtime->end = process_report_end(&context, result->output, result->output_size, &runtime->end_error);
  finish(runtime, NULL);
}

/* Ends the step, or goes on with it, if `outcome` is no failure. Returns 0 if it is one. */
static int step_went_well(process_runtime *runtime, const char *outcome, const carrier_result *result) {
  if (runtime->step == STEP_VALIDATE && strcmp(outcome, "ok") == 0) {
    char *program = script_value(result->output, result->output_size, "program");
    finish_passed(runtime, PENSTOCK_LEG_EXEC, program);
    free(program);
  } else if (runtime->step == STEP_LAUNCH && strcmp(outcome, "launched") == 0) {
    finish_launched(runtime, result, 0);
  } else if (runtime->step == STEP_LAUNCH && strcmp(outcome, "running") == 0) {
    finish_launched(runtime, result, 1);
  } else if (runtime->step == STEP_READY && strcmp(outcome, "ready") == 0) {
    finish_passed(runtime, PENSTOCK_LEG_READY, "SERVER_READY");
  } else if (runtime->step == STEP_READY && strcmp(outcome, "waiting") == 0) {
    ready_waited(runtime, result);
  } else if (runtime->step == STEP_STOP && (strcmp(outcome, "stopped") == 0 || strcmp(outcome, "none") == 0)) {
    finish(runtime, NULL);
  } else if (runtime->step == STEP_END && (strcmp(outcome, "ended") == 0 || strcmp(outcome, "unknown") == 0)) {
    finish_end(runtime, result);
  } else {
    return 0;
  }
  return 1;
}

/* Also how a slice of ready ends that the host's deadline caught: then it is the solver that took too long. */
static void script_failed(process_runtime *runtime, const penstock_error *error) {
  if (runtime->last_look) {
    finish_timed_out(runtime);
  } else if (runtime->step == STEP_READY && runtime->cancelled && ready_is_over(runtime)) {
    runtime->last_look = 1;
    ready_slice(runtime);
  } else if (runtime->step == STEP_IDENTIFY && error->leg == PENSTOCK_LEG_EXEC && !runtime->cancelled) {
    penstock_error unasked = {.struct_size = sizeof(unasked)};
    process_report_context context = report_context(runtime);
    process_report_unasked(&context, error, &unasked);
    finish(runtime, &unasked);
  } else {
    finish(runtime, error);
  }
}

static void script_done(void *context, const carrier_result *result) {
  process_runtime *runtime = context;
  penstock_error error = {.struct_size = sizeof(error)};
  runtime->run = NULL;
  if (result->error) {
    script_failed(runtime, result->error);
    return;
  }
  char *outcome = script_value(result->output, result->output_size, "outcome");
  if (!outcome) {
    char there[PROCESS_REPORT_THERE_SIZE];
    process_report_there(runtime->carrier->where, there);
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                        "A script %s ended with status %d before it was done", there, (int)result->code);
    penstock_next(&error, "What the shell there said is below; it must be a POSIX sh");
    (void)snprintf(error.detail, sizeof(error.detail), "%s", result->error_output ? result->error_output : "");
    finish(runtime, &error);
  } else if (!step_went_well(runtime, outcome, result)) {
    process_report_context report = report_context(runtime);
    process_report(&report, result->output, result->output_size, &error);
    finish(runtime, &error);
  }
  free(outcome);
}

static void process_cancel(solver_runtime *self, penstock_op *op) {
  process_runtime *runtime = (process_runtime *)self;
  if (runtime->op != op) {
    return;
  }
  runtime->cancelled = 1;
  if (runtime->run) {
    runtime->carrier->ops->run_cancel(runtime->carrier, runtime->run);
  }
}

/* --- streams --------------------------------------------------------------------------------------- */

static void process_open(solver_runtime *self, penstock_open *open, uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  runtime->carrier->ops->open(runtime->carrier, open, runtime->endpoint_host, runtime->endpoint_port, deadline_ms);
}

static void process_open_log(solver_runtime *self, penstock_open *open, const penstock_command *command,
                             uint64_t deadline_ms) {
  process_runtime *runtime = (process_runtime *)self;
  script *s = common_script(runtime);
  script_set_number(s, "ps_lines", (int64_t)command->lines);
  script_set_number(s, "ps_follow", (command->flags & PENSTOCK_COMMAND_FOLLOW) != 0);
  script_add(s, script_log);
  exec_open(runtime->carrier, open, s, command, deadline_ms);
}

static void process_open_cancel(solver_runtime *self, penstock_open *open) {
  process_runtime *runtime = (process_runtime *)self;
  runtime->carrier->ops->open_cancel(runtime->carrier, open);
}

static const solver_runtime_ops process_ops = {
    .validate = process_validate,
    .launch = process_launch,
    .ready = process_ready,
    .stop = process_stop,
    .identify = process_identify,
    .end_look = process_end_look,
    .end_how = process_end_how,
    .cancel = process_cancel,
    .open = process_open,
    .open_log = process_open_log,
    .open_cancel = process_open_cancel,
    .destroy = process_destroy,
};
