/* SPDX-License-Identifier: MIT */
#include "common/carrier_local.h"

#include <stdlib.h>

#include "common/local_command.h"
#include "common/local_open.h"
#include "common/script.h"

enum { CAPTURE_LIMIT = 256 * 1024 };

typedef struct local {
  carrier base;
  local_shell *shell;
  carrier_run *runs;
  local_open *opens;
  local_commands commands;
} local;

struct carrier_run {
  local *local;
  carrier_run *next;
  penstock_process *process;
  char nonce[SCRIPT_NONCE_SIZE];
  int cancelled;
  void (*done)(void *context, const carrier_result *result);
  void *context;
};

static void forget_run(carrier_run *run) {
  carrier_run **at = &run->local->runs;
  while (*at != run) {
    at = &(*at)->next;
  }
  *at = run->next;
  free(run);
}

/* --- scripts -------------------------------------------------------------------------------------- */

static void run_failed(const carrier_run *run, const penstock_exit *end, penstock_error *error) {
  if (run->cancelled) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "Cancelled");
    return;
  }
  if (end->timed_out) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "A script did not end in time");
    penstock_next(error, "Look for a file system or a device of this machine that hangs");
  } else if (end->signal) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "A script was ended by signal %d",
                        end->signal);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "%.300s ended early, with status %d",
                        run->local->shell->name, end->code);
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%s", end->error_output ? end->error_output : "");
}

static void run_ended(void *context, const penstock_exit *end) {
  carrier_run *run = context;
  penstock_error error = {.struct_size = sizeof(error)};
  carrier_result result = {NULL, -1, "", 0, end->error_output ? end->error_output : ""};
  char *inner = NULL;
  char *output = malloc(end->output_size + 1);
  if (!output) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    result.error = &error;
  } else {
    memcpy(output, end->output, end->output_size);
    output[end->output_size] = '\0';
    if (script_unwrap(output, end->output_size, run->nonce, &inner, &result.output_size, &result.code)) {
      run_failed(run, end, &error);
      result.error = &error;
    } else {
      result.output = inner;
    }
  }
  void (*done)(void *, const carrier_result *) = run->done;
  void *done_context = run->context;
  forget_run(run);
  done(done_context, &result);
  free(output);
}

static int32_t start(carrier_run *run, const char *body, size_t body_size, uint64_t timeout_ms, penstock_error *error) {
  const penstock_host *host = run->local->base.host;
  const local_shell *shell = run->local->shell;
  const char *argv[LOCAL_SHELL_WORDS_MAX + 2] = {NULL};
  size_t wrapped_size = 0;
  char *wrapped = script_nonce(run->nonce) ? NULL : script_wrap(body, body_size, run->nonce, &wrapped_size);
  if (!wrapped) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory or random numbers");
  }
  size_t count = 0;
  for (; shell->words[count]; count++) {
    argv[count] = shell->words[count];
  }
  argv[count] = "-s";
  penstock_spawn spawn = {
      .struct_size = sizeof(spawn),
      .timeout_ms = timeout_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)timeout_ms,
      .argv = argv,
      .env = (const char *const *)shell->env,
      .input = wrapped,
      .input_size = wrapped_size,
      .capture_limit = CAPTURE_LIMIT,
      .done = run_ended,
      .context = run,
  };
  int32_t result = host->spawn(host, &spawn, &run->process, error);
  free(wrapped);
  return result;
}

static carrier_run *local_run(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                              void (*done)(void *context, const carrier_result *result), void *context,
                              penstock_error *error) {
  local *here = (local *)self;
  carrier_run *run = calloc(1, sizeof(*run));
  if (!run) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  run->local = here;
  run->done = done;
  run->context = context;
  run->next = here->runs;
  here->runs = run;
  if (start(run, body, body_size, timeout_ms, error)) {
    forget_run(run);
    return NULL;
  }
  return run;
}

static void local_run_cancel(carrier *self, carrier_run *run) {
  run->cancelled = 1;
  self->host->process_kill(self->host, run->process, 0);
}

/* --- streams -------------------------------------------------------------------------------------- */

static void local_open_start(carrier *self, penstock_open *open, const char *host, uint16_t port,
                             uint64_t deadline_ms) {
  local *here = (local *)self;
  local_open_begin(&here->opens, self->host, open, host, port, deadline_ms);
}

static void local_open_command(carrier *self, penstock_open *open, const char *body, size_t body_size,
                               uint64_t deadline_ms) {
  local *here = (local *)self;
  local_command_begin(&here->commands, open, body, body_size, deadline_ms);
}

static void local_open_cancel(carrier *self, penstock_open *open) {
  local *here = (local *)self;
  local_open_end(&here->opens, open);
  local_command_cancel(&here->commands, open);
}

static void local_destroy(carrier *self) {
  local *here = (local *)self;
  for (carrier_run *run = here->runs, *next; run; run = next) {
    next = run->next; /* its process is the host's, which ends it with the instance */
    free(run);
  }
  local_open_clear(&here->opens);
  local_command_clear(&here->commands);
  local_shell_free(here->shell);
  free(here);
}

static char *local_path(const carrier *self, const char *path) {
  return local_shell_path(((const local *)self)->shell, path);
}

static const carrier_ops local_ops = {
    .destroy = local_destroy,
    .run = local_run,
    .run_cancel = local_run_cancel,
    .open = local_open_start,
    .open_command = local_open_command,
    .open_cancel = local_open_cancel,
    .path = local_path,
};

carrier *carrier_local_create(const penstock_host *host, const penstock_config *config, penstock_error *error) {
  const char *option = config ? config->get_string(config, "shell") : NULL;
  local_shell *shell = local_shell_find(option, config ? config->get_origin(config, "shell") : NULL, error);
  local *here = shell ? calloc(1, sizeof(*here)) : NULL;
  if (!shell) {
    return NULL;
  }
  if (!here) {
    local_shell_free(shell);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  here->base.ops = &local_ops;
  here->base.host = host;
  here->base.where = "this machine";
  here->base.shell = shell->kind == LOCAL_SHELL_NATIVE && (!option || !option[0]) ? NULL : shell->name;
  here->shell = shell;
  here->commands.host = host;
  here->commands.where = here->base.where;
  here->commands.shell = shell;
  return &here->base;
}
