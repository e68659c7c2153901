/* SPDX-License-Identifier: MIT */
#include "host/prompt.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/text.h"
#include "host/ask_unix.h"
#include "host/vault.h"
#include "log/log.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t pipe_once = PTHREAD_ONCE_INIT;
static atomic_int allowed = 1;
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

void ps_prompt_allow(int allow) {
  atomic_store(&allowed, allow);
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

/* Questions come from servers too. Line breaks stay, as ssh(1) has it; nothing else may steer the terminal. */
static char *safe_question(const char *question) {
  ps_text text = {0};
  char *copy = strdup(question);
  char *rest = copy;
  for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
    ps_text_add_safe(&text, line);
    if (rest) {
      ps_text_adds(&text, "\n");
    }
  }
  free(copy);
  ps_text_adds(&text, "");
  if (!copy || text.no_memory) {
    free(text.data);
    return NULL;
  }
  return text.data;
}

static int is_set(const char *name) {
  const char *value = getenv(name);
  return value && value[0];
}

/* As ssh(1): SSH_ASKPASS counts on a desktop; SSH_ASKPASS_REQUIRE can say force, prefer or never. */
static int32_t ask(uint32_t kind, const char *question, char *answer, size_t answer_size) {
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

static int32_t ask_if_allowed(uint32_t kind, const char *question, char *answer, size_t answer_size) {
  if (!atomic_load(&allowed)) {
    return PENSTOCK_E_UNSUPPORTED;
  }
  (void)ps_prompt_cancel_fd();
  if (ps_prompt_cancelled()) {
    return PENSTOCK_E_CANCELLED;
  }
  char *safe = safe_question(question);
  if (!safe) {
    return PENSTOCK_E_NOMEM;
  }
  int32_t result = ask(kind, safe, answer, answer_size);
  free(safe);
  return result;
}

static void keep(const char *key, const char *answer) {
  if (ps_vault_put(key, answer) != PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_WARN, "prompt",
           "the answer is not kept, as its memory cannot be locked: a reconnect will ask again (raise ulimit -l)");
  }
}

int32_t ps_prompt(uint32_t kind, const char *key, const char *question, char *answer, size_t answer_size) {
  char unused[1];
  int confirms = kind == PENSTOCK_PROMPT_CONFIRM;
  if (!question || kind < PENSTOCK_PROMPT_SECRET || kind > PENSTOCK_PROMPT_CONFIRM ||
      (!confirms && (!answer || answer_size == 0))) {
    return PENSTOCK_E_INVALID;
  }
  if (!answer || answer_size == 0) {
    answer = unused;
    answer_size = sizeof(unused);
  }
  answer[0] = '\0';
  int kept = key && kind == PENSTOCK_PROMPT_SECRET;
  pthread_mutex_lock(&one_at_a_time);
  /* Under the lock: the lane that asked before us may have been told what we want to know. */
  int32_t result = kept ? ps_vault_get(key, answer, answer_size) : PENSTOCK_E_NOT_FOUND;
  if (result == PENSTOCK_E_NOT_FOUND) {
    result = ask_if_allowed(kind, question, answer, answer_size);
    if (result == PENSTOCK_OK && kept) {
      keep(key, answer);
    }
  }
  pthread_mutex_unlock(&one_at_a_time);
  return result;
}

void ps_prompt_forget(const char *key) {
  ps_vault_forget(key);
}
