/* SPDX-License-Identifier: MIT */
/**
 * @file container_ask_rig.h
 * Who asks an engine's client, over a carrier that answers what the test says, in a host whose clock the test moves.
 */
#ifndef CONTAINER_ASK_RIG_H
#define CONTAINER_ASK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/container/container_ask.h"

#define UNUSED __attribute__((unused))

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* --- a host and a carrier of the test's own -------------------------------------------------------- */

static uint64_t clock_ns;

typedef struct fake_timer {
  int used;
  uint64_t delay_ms;
  uint64_t repeat_ms;
  void (*callback)(void *context);
  void *context;
} fake_timer;

static fake_timer timers[8];
static char progress[256];

static struct {
  int runs;
  int cancels;
  int refuse; /* run() fails */
  char *script;
  uint64_t timeout_ms;
  void (*done)(void *context, const carrier_result *result);
  void *context;
} carried;

static struct {
  int done;
  int failed;
  int seen;
  container_view view;
  penstock_error error;
} told;

static int op_mark;
static int run_mark;
#define OP  ((penstock_op *)(void *)&op_mark)
#define RUN ((carrier_run *)(void *)&run_mark)

UNUSED static uint64_t fake_now(const penstock_host *host) {
  (void)host;
  return clock_ns;
}

UNUSED static penstock_timer *fake_timer_start(const penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                               void (*callback)(void *context), void *context) {
  (void)host;
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (!timers[i].used) {
      timers[i] = (fake_timer){1, delay_ms, repeat_ms, callback, context};
      return (penstock_timer *)(void *)&timers[i];
    }
  }
  fail_msg("too many timers");
  return NULL;
}

UNUSED static void fake_timer_stop(const penstock_host *host, penstock_timer *timer) {
  (void)host;
  fake_timer *stopped = (fake_timer *)(void *)timer;
  assert_true(stopped->used);
  stopped->used = 0;
}

UNUSED static void fake_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  (void)host;
  assert_ptr_equal(op, OP);
  (void)snprintf(progress, sizeof(progress), "%s", text);
}

UNUSED static carrier_run *fake_run(carrier *self, const char *body, size_t size, uint64_t timeout_ms,
                                    void (*done)(void *context, const carrier_result *result), void *context,
                                    penstock_error *error) {
  (void)self;
  carried.runs++;
  if (carried.refuse) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
    return NULL;
  }
  assert_null(carried.done);
  free(carried.script);
  carried.script = strndup(body, size);
  carried.timeout_ms = timeout_ms;
  carried.done = done;
  carried.context = context;
  return RUN;
}

UNUSED static void fake_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  assert_ptr_equal(run, RUN);
  carried.cancels++;
}

UNUSED static const char *fake_origin(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

UNUSED static const char *fake_string(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

UNUSED static void fake_log(const penstock_host *table, uint32_t level, const char *text) {
  (void)table;
  (void)level;
  (void)text;
}

static const penstock_host host = {
    .struct_size = sizeof(host),
    .log = fake_log,
    .now_ns = fake_now,
    .timer_start = fake_timer_start,
    .timer_stop = fake_timer_stop,
    .op_progress = fake_op_progress,
};
static const carrier_ops ops = {.run = fake_run, .run_cancel = fake_run_cancel};
static carrier there = {.ops = &ops, .host = &host, .where = "gpu01"};
static const penstock_config config = {
    .struct_size = sizeof(config),
    .profile = "lab",
    .get_origin = fake_origin,
    .get_string = fake_string,
};

static container_settings settings;
static container_ask *asker;

UNUSED static int setup(void **state) {
  (void)state;
  memset(&told, 0, sizeof(told));
  memset(&carried, 0, sizeof(carried));
  memset(timers, 0, sizeof(timers));
  progress[0] = '\0';
  settings = (container_settings){.config = &config, .container = "ppf", .start_container = 1, .port = 9090};
  clock_ns = 1000000000;
  asker = container_ask_create(&there, &settings);
  assert_non_null(asker);
  return 0;
}

UNUSED static int teardown(void **state) {
  (void)state;
  container_ask_destroy(asker);
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    assert_false(timers[i].used);
  }
  free(carried.script);
  return 0;
}

/* --- what happens ------------------------------------------------------------------------------------ */

UNUSED static void done(void *context, const container_view *view, const penstock_error *error) {
  assert_ptr_equal(context, &told);
  told.done++;
  told.seen = view != NULL;
  told.failed = error != NULL;
  if (view) {
    told.view = *view;
  }
  if (error) {
    told.error = *error;
  }
}

/* Time passes, and with it the timers that fire once. */
UNUSED static void pass(uint64_t ms) {
  clock_ns += ms * 1000000;
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (timers[i].used && !timers[i].repeat_ms && timers[i].delay_ms <= ms) {
      timers[i].used = 0;
      timers[i].callback(timers[i].context);
      return;
    }
  }
}

UNUSED static void tick(void) {
  for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
    if (timers[i].used && timers[i].repeat_ms) {
      timers[i].callback(timers[i].context);
      return;
    }
  }
  fail_msg("nothing ticks");
}

UNUSED static void end_run(const carrier_result *result) {
  void (*ended)(void *, const carrier_result *) = carried.done;
  assert_non_null(ended);
  carried.done = NULL;
  ended(carried.context, result);
}

/* The script ends with this output. */
UNUSED static void say(const char *output) {
  carrier_result result = {NULL, 0, output, strlen(output), ""};
  end_run(&result);
}

UNUSED static void say_error(uint32_t leg, uint32_t error_class) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, leg, error_class, "from the carrier");
  carrier_result result = {&error, -1, "", 0, ""};
  end_run(&result);
}

UNUSED static void say_failed(const char *call, int code, const char *said) {
  char output[1024];
  (void)snprintf(output, sizeof(output),
                 "engine=docker\nversion=20.10.24\nat=unix:///run/d.sock\nword=docker\npodman=0\nfar=no\n"
                 "failed=%s\ncode=%d\nsaid=%s\noutcome=failed\n",
                 call, code, said);
  say(output);
}

/* A look's answer: the container's status, its restarts, and how its last run ended. */
UNUSED static void say_status(const char *status, int restarts, int code) {
  char output[2048];
  int running = strcmp(status, "running") == 0 || strcmp(status, "paused") == 0;
  (void)snprintf(output, sizeof(output),
                 "engine=docker\nversion=20.10.24\nat=unix:///run/d.sock\nword=docker\npodman=0\nfar=no\nremote=0\n"
                 "container={\"Id\":\"" ID "\",\"Name\":\"/ppf\",\"RestartCount\":%d,\"State\":{\"Status\":\"%s\","
                 "\"Running\":%s,\"Paused\":%s,\"Pid\":%d,\"ExitCode\":%d,\"StartedAt\":\"2026-01-01T00:00:10.05Z\"},"
                 "\"Config\":{\"Image\":\"demo:1\"},\"HostConfig\":{\"NetworkMode\":\"bridge\"},"
                 "\"NetworkSettings\":{\"Ports\":{},\"Networks\":{}}}\noutcome=ok\n",
                 restarts, status, running ? "true" : "false", strcmp(status, "paused") == 0 ? "true" : "false",
                 running ? 42 : 0, code);
  say(output);
}

UNUSED static void has(const char *text) {
  if (!strstr(carried.script, text)) {
    fail_msg("'%s' is not in the script: %.600s", text, carried.script);
  }
}

UNUSED static void look(void) {
  container_ask_look(asker, 10000, done, &told);
}

UNUSED static void up(void) {
  container_ask_up(asker, OP, 10000, done, &told);
}

UNUSED static void told_running(void) {
  pass(0);
  assert_int_equal(told.done, 1);
  if (told.failed) {
    fail_msg("%s", told.error.what);
  }
  assert_true(told.seen);
  assert_int_equal(told.view.state, CONTAINER_RUNNING);
}

UNUSED static void told_error(uint32_t leg, uint32_t error_class, const char *what) {
  pass(0);
  assert_int_equal(told.done, 1);
  assert_true(told.failed);
  assert_int_equal(told.error.leg, leg);
  assert_int_equal(told.error.error_class, error_class);
  if (!strstr(told.error.what, what)) {
    fail_msg("'%s' is not in: %s", what, told.error.what);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
