/* SPDX-License-Identifier: MIT */
#include "host/ask_unix.h"
#include "host/prompt.h"
#include "host/run.h"
#include "log/log.h"

/* The longest answer, and the program's complaints. */
#define CAPTURE_BYTES 4096

typedef struct reply {
  uint32_t kind;
  const char *program;
  char *answer;
  size_t answer_size;
  int32_t result;
} reply;

static void on_done(void *context, const penstock_exit *exit) {
  reply *self = context;
  if (exit->code != 0) {
    /* It says so by its exit status, and nothing else, when the user closes its window. */
    if (exit->error_output_size > 0) {
      ps_log(PENSTOCK_LOG_WARN, "prompt", "%s: %s", self->program, exit->error_output);
    }
    self->result = PENSTOCK_E_CANCELLED;
    return;
  }
  self->result = PENSTOCK_OK;
  if (self->kind == PENSTOCK_PROMPT_CONFIRM) {
    return;
  }
  size_t length = strcspn(exit->output, "\r\n");
  if (length >= self->answer_size || exit->output_size >= CAPTURE_BYTES) {
    self->result = PENSTOCK_E_LIMIT;
    return;
  }
  memcpy(self->answer, exit->output, length);
  self->answer[length] = '\0';
}

int32_t ps_ask_program(const char *program, int cancel_fd, uint32_t kind, const char *question, char *answer,
                       size_t answer_size) {
  reply self = {kind, program, answer, answer_size, PENSTOCK_E_FAILED};
  const char *argv[] = {program, question, NULL};
  const char *confirm[] = {"SSH_ASKPASS_PROMPT=confirm", NULL};
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn),
                          .argv = argv,
                          .env = kind == PENSTOCK_PROMPT_CONFIRM ? confirm : NULL,
                          .capture_limit = CAPTURE_BYTES,
                          .done = on_done,
                          .context = &self};
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  int32_t result = ps_run(&spawn, cancel_fd, &error);
  if (result != PENSTOCK_OK && result != PENSTOCK_E_CANCELLED) {
    ps_log_error(PENSTOCK_LOG_ERROR, "prompt", &error);
    return PENSTOCK_E_FAILED;
  }
  if (result == PENSTOCK_E_CANCELLED) {
    ps_wipe(answer, answer_size);
    return result;
  }
  return self.result;
}
