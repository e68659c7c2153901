/* SPDX-License-Identifier: MIT */
#include "host/ask.h"
#include "host/prompt.h"
#include "host/run.h"
#include "host/secret_source.h"

/* More than any password or token is long. */
#define SECRET_BYTES       65536
#define COMMAND_TIMEOUT_MS 30000

typedef struct answer {
  char *secret;
  size_t secret_size;
  penstock_error *error;
  int32_t result;
} answer;

static void on_done(void *context, const penstock_exit *exit) {
  answer *self = context;
  penstock_error *error = self->error;
  if (exit->code == 0) {
    self->result =
        ps_secret_take(exit->output, exit->output_size, self->secret, self->secret_size, "its command", NULL, error);
    return;
  }
  if (exit->timed_out) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "the command for a secret did not end within %d seconds", COMMAND_TIMEOUT_MS / 1000);
    penstock_next(error, "it runs without a terminal: if it asks for something, use `prompt` instead");
    self->result = PENSTOCK_E_TIMEOUT;
  } else {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "the command for a secret failed (%s %d)",
                  exit->signal ? "signal" : "exit status", (int)(exit->signal ? exit->signal : exit->code));
    penstock_next(error, "run it in a shell to see why");
    self->result = PENSTOCK_E_FAILED;
  }
  if (error) {
    (void)snprintf(error->detail, sizeof(error->detail), "%s", exit->error_output);
    penstock_utf8_trim(error->detail, sizeof(error->detail));
  }
}

int32_t ps_secret_from_command(const char *command, char *secret, size_t secret_size, penstock_error *error) {
  answer self = {secret, secret_size, error, PENSTOCK_E_FAILED};
  ps_secret_line line;
  ps_secret_command_line(command, &line);
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn),
                          .timeout_ms = COMMAND_TIMEOUT_MS,
                          .argv = line.argv,
                          .env = line.env[0] ? line.env : NULL,
                          .capture_limit = SECRET_BYTES,
                          .done = on_done,
                          .context = &self};
  int cancel_fd = ps_prompt_cancel_fd();
  int32_t result = ps_prompt_cancelled() ? PENSTOCK_E_CANCELLED : ps_run(&spawn, cancel_fd, error);
  if (result == PENSTOCK_E_CANCELLED) {
    ps_wipe(secret, secret_size);
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the gateway is shutting down");
    return result;
  }
  return result == PENSTOCK_OK ? self.result : result;
}
