/* SPDX-License-Identifier: MIT */
/*
 * Processes are started anew for the same line (split_win.h). What the console tells reaches all of them by itself, and
 * nothing else is passed on. A thread for each listens to what it says, and waits for its end.
 */
#include "cli/several.h"

#include <uv.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/split_win.h"
#include "win/reason.h"

/* What a child says. */
#define KNOWN 'k'

typedef struct child {
  const char *name; /* NULL: it could not be started */
  ps_split_child process;
  uv_thread_t listener;
  int is_known; /* how it went, or that it has ended */
} child;

/* `lock` guards what its children say. */
typedef struct several {
  child children[PS_SEVERAL_MAX];
  size_t started;
  uv_mutex_t lock;
  uv_cond_t changed;
  int is_ending; /* somebody has pressed Ctrl-C: no other one is started */
  int exit_code;
} several;

static several all;

void ps_several_known(void) {
  ps_split_say(KNOWN);
}

/* Nothing is passed on, so there is nobody to be kept from it. */
void ps_several_stopping(void) {}

/* On a thread of the system's. */
static void on_key(void) {
  uv_mutex_lock(&all.lock);
  all.is_ending = 1;
  uv_cond_broadcast(&all.changed);
  uv_mutex_unlock(&all.lock);
}

static void fail(const char *name, const char *what) {
  char safe[256];
  (void)fprintf(stderr, "penstock up: '%s': %s\n", ps_show_safe(safe, sizeof(safe), name), what);
  all.exit_code = all.exit_code ? all.exit_code : (int)PS_EXIT_FAILED;
}

/* It has ended. [locked] */
static void note_outcome(const child *one) {
  char why[128];
  int exit_code = ps_split_outcome(one->process.process, why, sizeof(why));
  if (why[0]) {
    fail(one->name, why);
  } else if (all.exit_code == PS_EXIT_OK) {
    all.exit_code = exit_code;
  }
}

static void listen_to(void *context) {
  child *one = context;
  char said = 0;
  DWORD count = 0;
  while (ReadFile(one->process.words, &said, 1, &count, NULL) && count == 1) {
    uv_mutex_lock(&all.lock);
    one->is_known |= said == KNOWN;
    uv_cond_broadcast(&all.changed);
    uv_mutex_unlock(&all.lock);
  }
  (void)WaitForSingleObject(one->process.process, INFINITE);
  uv_mutex_lock(&all.lock);
  note_outcome(one);
  one->is_known = 1;
  uv_cond_broadcast(&all.changed);
  uv_mutex_unlock(&all.lock);
}

/* Returns whether it runs. [locked] */
static int start(child *one, size_t index) {
  char why[160];
  DWORD reason = ps_split_start(index, 1, &one->process);
  if (reason != 0) {
    ps_reason(reason, why, sizeof(why));
    fail(one->name, why);
    return 0;
  }
  if (uv_thread_create(&one->listener, listen_to, one) != 0) {
    (void)TerminateProcess(one->process.process, 1);
    (void)CloseHandle(one->process.words);
    (void)CloseHandle(one->process.process);
    fail(one->name, "no thread can be had to wait for it");
    return 0;
  }
  return 1;
}

/* One after the other. */
static void start_all(size_t count) {
  uv_mutex_lock(&all.lock);
  while (all.started < count && !all.is_ending) {
    child *one = &all.children[all.started];
    if (!start(one, all.started++)) {
      one->name = NULL;
      continue;
    }
    while (!one->is_known && !all.is_ending) {
      uv_cond_wait(&all.changed, &all.lock);
    }
  }
  uv_mutex_unlock(&all.lock);
}

int ps_several_run(const char *const *names, size_t count, int (*run)(void *context, size_t index), void *context) {
  (void)run;
  (void)context;
  if (uv_mutex_init(&all.lock) != 0 || uv_cond_init(&all.changed) != 0) {
    (void)fprintf(stderr, "penstock up: out of memory\n");
    return PS_EXIT_FAILED;
  }
  for (size_t i = 0; i < count; i++) {
    all.children[i].name = names[i];
  }
  ps_split_leave_keys_to_children(on_key);
  start_all(count);
  for (size_t i = 0; i < all.started; i++) {
    child *one = &all.children[i];
    if (one->name) {
      (void)uv_thread_join(&one->listener);
      (void)CloseHandle(one->process.words);
      (void)CloseHandle(one->process.process);
    }
  }
  return all.exit_code;
}
