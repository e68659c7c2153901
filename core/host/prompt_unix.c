/* SPDX-License-Identifier: MIT */
#include "host/prompt.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "host/ask.h"
#include "host/ask_unix.h"

static pthread_once_t pipe_once = PTHREAD_ONCE_INIT;
static atomic_int cancelled;
static atomic_int cancel_read = -1;
static atomic_int cancel_write = -1;

static void open_pipe(void) {
  uv_file fds[2];
  if (uv_pipe(fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) == 0) {
    atomic_store(&cancel_read, fds[0]);
    atomic_store(&cancel_write, fds[1]);
  }
}

int ps_prompt_cancel_fd(void) {
  (void)pthread_once(&pipe_once, open_pipe);
  return atomic_load(&cancel_read);
}

int ps_prompt_cancelled(void) {
  return atomic_load(&cancelled);
}

void ps_prompt_cancel(void) {
  int saved = errno;
  /* First the flag: who opens the pipe after we have looked for it looks at the flag after that. */
  atomic_store(&cancelled, 1);
  int fd = atomic_load(&cancel_write);
  if (fd >= 0) {
    /* Never read, so that it wakes whoever asks from now on. A full pipe does as well. */
    ssize_t ignored = write(fd, "", 1);
    (void)ignored;
  }
  errno = saved;
}

static int is_set(const char *name) {
  const char *value = getenv(name);
  return value && value[0];
}

/* As ssh(1): SSH_ASKPASS counts on a desktop; SSH_ASKPASS_REQUIRE can say force, prefer or never. */
int32_t ps_prompt_ask(uint32_t kind, const char *question, char *answer, size_t answer_size) {
  int cancel_fd = ps_prompt_cancel_fd();
  const char *program = is_set("SSH_ASKPASS") ? getenv("SSH_ASKPASS") : NULL;
  const char *require = getenv("SSH_ASKPASS_REQUIRE");
  int desktop = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
  int force = require && strcmp(require, "force") == 0;
  int usable = program && (force || (desktop && !(require && strcmp(require, "never") == 0)));
  int first = usable && (force || (require && strcmp(require, "prefer") == 0));
  if (cancel_fd < 0) {
    return PENSTOCK_E_LIMIT;
  }
  if (first) {
    return ps_ask_program(program, cancel_fd, kind, question, answer, answer_size);
  }
  int32_t result = force ? PENSTOCK_E_UNSUPPORTED : ps_ask_terminal(cancel_fd, kind, question, answer, answer_size);
  if (result == PENSTOCK_E_UNSUPPORTED && usable) {
    return ps_ask_program(program, cancel_fd, kind, question, answer, answer_size);
  }
  return result;
}
