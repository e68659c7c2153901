/* SPDX-License-Identifier: MIT */
/* The process runtime over a carrier that answers what the test says: every step ends once, and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/process_report.h"
#include "common/process_runtime.h"

/* --- a host, a carrier and a config of the test's own --------------------------------------------- */

static uint64_t clock_ns;

static struct {
  int done;
  int failed;
  penstock_error error;
  int legs;
  uint32_t leg;
  int timers; /* that run */
  void (*tick)(void *context);
  void *tick_context;
  char progress[128];
} told;

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
  const char *root;
  const char *endpoint;
  const char *env[3];
} settings;

static int op_mark;
static int run_mark;
static int timer_mark;
#define OP  ((penstock_op *)(void *)&op_mark)
#define RUN ((carrier_run *)(void *)&run_mark)

static uint64_t fake_now(const penstock_host *host) {
  (void)host;
  return clock_ns;
}

static penstock_timer *fake_timer_start(const penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                        void (*callback)(void *context), void *context) {
  (void)host;
  assert_int_equal(delay_ms, 1000);
  assert_int_equal(repeat_ms, 1000);
  told.timers++;
  told.tick = callback;
  told.tick_context = context;
  return (penstock_timer *)(void *)&timer_mark;
}

static void fake_timer_stop(const penstock_host *host, penstock_timer *timer) {
  (void)host;
  (void)timer;
  told.timers--;
}

static void fake_op_done(const penstock_host *host, penstock_op *op, const penstock_error *error) {
  (void)host;
  assert_ptr_equal(op, OP);
  told.done++;
  told.failed = error != NULL;
  if (error) {
    told.error = *error;
  }
}

static void fake_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  (void)host;
  assert_ptr_equal(op, OP);
  (void)snprintf(told.progress, sizeof(told.progress), "%s", text);
}

static void fake_op_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                        const char *text) {
  (void)host;
  (void)elapsed_ns;
  assert_ptr_equal(op, OP);
  assert_non_null(text);
  assert_int_equal(told.done, 0);
  told.legs++;
  told.leg = leg;
}

static carrier_run *fake_run(carrier *self, const char *body, size_t size, uint64_t timeout_ms,
                             void (*done)(void *context, const carrier_result *result), void *context,
                             penstock_error *error) {
  (void)self;
  carried.runs++;
  if (carried.refuse) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
    return NULL;
  }
  free(carried.script);
  carried.script = strndup(body, size);
  carried.timeout_ms = timeout_ms;
  carried.done = done;
  carried.context = context;
  return RUN;
}

static void fake_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  assert_ptr_equal(run, RUN);
  carried.cancels++;
}

static const char *fake_string(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "root") == 0 ? settings.root : strcmp(key, "endpoint") == 0 ? settings.endpoint : NULL;
}

static int64_t fake_int(const penstock_config *config, const char *key, int64_t otherwise) {
  (void)config;
  (void)key;
  return otherwise;
}

static const char *fake_item(const penstock_config *config, const char *key, uint32_t index) {
  (void)config;
  return strcmp(key, "env") == 0 && index < 3 ? settings.env[index] : NULL;
}

static const char *fake_origin(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "root") == 0 ? "x.ini:7" : strcmp(key, "endpoint") == 0 ? "x.ini:8" : NULL;
}

static const penstock_host host = {
    .struct_size = sizeof(host),
    .now_ns = fake_now,
    .timer_start = fake_timer_start,
    .timer_stop = fake_timer_stop,
    .op_done = fake_op_done,
    .op_progress = fake_op_progress,
    .op_leg = fake_op_leg,
};
static const carrier_ops ops = {.run = fake_run, .run_cancel = fake_run_cancel};
static carrier there = {.ops = &ops, .host = &host, .where = "gpu01"};
static const penstock_config config = {
    .struct_size = sizeof(config),
    .profile = "lab",
    .get_string = fake_string,
    .get_int = fake_int,
    .get_item = fake_item,
    .get_origin = fake_origin,
};

static solver_runtime *solver;

static solver_runtime *create(penstock_error *error) {
  error->struct_size = sizeof(*error);
  return process_runtime_create(&there, &config, error);
}

static int setup(void **state) {
  (void)state;
  penstock_error error;
  memset(&told, 0, sizeof(told));
  memset(&carried, 0, sizeof(carried));
  memset(&settings, 0, sizeof(settings));
  settings.root = "~/ppf";
  settings.endpoint = "127.0.0.1:9191";
  clock_ns = 1;
  solver = create(&error);
  assert_non_null(solver);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  solver->ops->destroy(solver);
  assert_int_equal(told.timers, 0);
  free(carried.script);
  return 0;
}

/* The script ends with this output. */
static void say(const char *output) {
  carrier_result result = {NULL, 0, output, strlen(output), ""};
  assert_int_equal(told.done, 0);
  carried.done(carried.context, &result);
}

static void say_error(uint32_t error_class) {
  penstock_error error = {.struct_size = sizeof(error)};
  carrier_result result = {&error, -1, "", 0, ""};
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, error_class, "the carrier's words");
  carried.done(carried.context, &result);
}

static void expect_failure(uint32_t leg, uint32_t error_class, const char *words) {
  assert_int_equal(told.done, 1);
  assert_int_equal(told.failed, 1);
  assert_int_equal(told.error.leg, leg);
  assert_int_equal(told.error.error_class, error_class);
  assert_non_null(strstr(told.error.what, words));
  assert_null(strchr(told.error.what, '\n'));
}

static void expect_success(uint32_t leg) {
  assert_int_equal(told.done, 1);
  assert_int_equal(told.failed, 0);
  assert_int_equal(told.legs, 1);
  assert_int_equal(told.leg, leg);
}

/* --- creation ------------------------------------------------------------------------------------- */

static void test_endpoint(void **state) {
  (void)state;
  penstock_error error;
  assert_int_equal(process_runtime_port(solver), 9191);
  settings.endpoint = "127.0.0.1:0";
  assert_null(create(&error));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.next, "x.ini:8"));
}

static void test_environment_must_be_exportable(void **state) {
  (void)state;
  static const char *const bad[] = {"=x", "A B=x", "1A=x", "A;touch x;=1", "A", "A-B=x", ""};
  penstock_error error;
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    settings.env[0] = "GOOD=1";
    settings.env[1] = bad[i];
    assert_null(create(&error));
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_non_null(strstr(error.what, "`env`"));
  }
}

/* --- steps ---------------------------------------------------------------------------------------- */

static void test_validate(void **state) {
  (void)state;
  solver->ops->validate(solver, OP, 5000);
  assert_int_equal(told.done, 0);
  assert_int_equal(carried.timeout_ms, 5000);
  assert_non_null(strstr(carried.script, "ps_root='~/ppf'\n"));
  say("root=/home/a/ppf\nprogram=/home/a/ppf/x\noutcome=ok\n");
  expect_success(PENSTOCK_LEG_EXEC);
}

static void test_launch(void **state) {
  (void)state;
  solver->ops->launch(solver, OP, 5000);
  assert_non_null(strstr(carried.script, "ps_port='9191'\n"));
  assert_non_null(strstr(carried.script, "ps_child='ps_child="));
  say("root=/r\npid=12\noutcome=launched\n");
  expect_success(PENSTOCK_LEG_LAUNCH);
}

static void test_how_it_ended(void **state) {
  (void)state;
  static const struct {
    const char *output;
    uint32_t end;
    const char *what;
  } cases[] = {
      {"outcome=unknown\n", PENSTOCK_END_UNKNOWN, NULL},
      {"pid=5\nstatus=0\npath=/r/server.log\noutcome=ended\n", PENSTOCK_END_CLEAN,
       "the solver (pid 5) ended with exit status 0 on gpu01"},
      {"pid=5\nstatus=3\npath=/r/server.log\nlog=no memory\noutcome=ended\n", PENSTOCK_END_FAILED,
       "the solver (pid 5) ended with exit status 3 on gpu01"},
      {"pid=5\nstatus=139\nsignal=SEGV\nlog=no memory\noutcome=ended\n", PENSTOCK_END_FAILED,
       "the solver (pid 5) was ended by signal 11 (SEGV) on gpu01"},
      {"pid=5\nstatus=137\nsignal=\noutcome=ended\n", PENSTOCK_END_FAILED,
       "the solver (pid 5) was ended by signal 9 on gpu01"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    told.done = 0;
    solver->ops->end_look(solver, OP, 5000);
    say(cases[i].output);
    assert_int_equal(told.done, 1);
    assert_int_equal(told.failed, 0);
    assert_int_equal(solver->ops->end_how(solver, &error), cases[i].end);
    if (cases[i].what) {
      assert_string_equal(error.what, cases[i].what);
      assert_int_equal(strcmp(error.detail, "no memory") == 0, strstr(cases[i].output, "log=") != NULL);
    }
  }
}

static void test_tokens_differ(void **state) {
  (void)state;
  char first[64];
  solver->ops->launch(solver, OP, 5000);
  (void)snprintf(first, sizeof(first), "%.46s", strstr(carried.script, "ps_token="));
  say("pid=12\noutcome=launched\n");
  told.done = told.legs = 0;
  solver->ops->launch(solver, OP, 5000);
  assert_null(strstr(carried.script, first));
  say("pid=12\noutcome=running\n");
  expect_success(PENSTOCK_LEG_LAUNCH);
}

static void test_steps_without_a_root(void **state) {
  (void)state;
  settings.root = NULL;
  solver->ops->validate(solver, OP, 5000);
  expect_failure(PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "'lab'");
  told.done = 0;
  solver->ops->stop(solver, OP, 5000);
  assert_int_equal(told.done, 1);
  assert_int_equal(told.failed, 0);
  assert_int_equal(carried.runs, 0);
}

static void test_stop(void **state) {
  (void)state;
  static const char *const good[] = {"outcome=none\n", "pid=5\noutcome=stopped\n"};
  for (size_t i = 0; i < 2; i++) {
    told.done = 0;
    solver->ops->stop(solver, OP, 10000);
    assert_non_null(strstr(carried.script, "ps_grace='5'\n"));
    say(good[i]);
    assert_int_equal(told.done, 1);
    assert_int_equal(told.failed, 0);
  }
  told.done = 0;
  solver->ops->stop(solver, OP, 4000);
  assert_non_null(strstr(carried.script, "ps_grace='2'\n"));
  say("pid=5\noutcome=stuck\n");
  expect_failure(PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "pid 5");
}

/* --- ready ---------------------------------------------------------------------------------------- */

static void test_ready(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 16000);
  assert_non_null(strstr(carried.script, "ps_wait='40'\n"));
  assert_int_equal(told.timers, 1);
  clock_ns += 2000000000;
  told.tick(told.tick_context);
  assert_string_equal(told.progress, "waiting for SERVER_READY, 2 s");
  say("pid=5\noutcome=waiting\npath=/r/server.log\n");
  assert_int_equal(told.done, 0);
  assert_int_equal(carried.runs, 2);
  say("pid=5\noutcome=ready\n");
  expect_success(PENSTOCK_LEG_READY);
}

static void test_ready_keeps_pace_with_a_slow_machine(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 16000);
  clock_ns += 8000000000; /* four times what it was told to take */
  say("outcome=waiting\n");
  assert_non_null(strstr(carried.script, "ps_wait='10'\n"));
  clock_ns += 7000000000;
  say("outcome=waiting\n");
  assert_int_equal(carried.runs, 3); /* 1 s is left: the last slice fits in 600 ms */
  clock_ns += 600000000;
  say("log=one\nlog=two\noutcome=waiting\npath=/r/server.log\n");
  expect_failure(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "Server startup timed out.");
  assert_string_equal(told.error.detail, "one\ntwo");
  assert_non_null(strstr(told.error.next, "/r/server.log on gpu01"));
}

static void test_ready_caught_by_the_deadline_still_shows_the_log(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 2000);
  clock_ns += 2000000000;
  solver->ops->cancel(solver, OP);
  assert_int_equal(carried.cancels, 1);
  say_error(PENSTOCK_CLASS_CANCELLED);
  assert_int_equal(told.done, 0);
  assert_non_null(strstr(carried.script, "ps_wait='0'\n"));
  assert_int_equal(carried.timeout_ms, 2000);
  say("log=last words\noutcome=waiting\npath=/r/server.log\n");
  expect_failure(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "Server startup timed out.");
  assert_string_equal(told.error.detail, "last words");
}

static void test_ready_whose_last_look_fails(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 2000);
  clock_ns += 2000000000;
  solver->ops->cancel(solver, OP);
  say_error(PENSTOCK_CLASS_CANCELLED);
  say_error(PENSTOCK_CLASS_TRANSIENT);
  expect_failure(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "Server startup timed out.");
}

static void test_cancel(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 16000);
  solver->ops->cancel(solver, OP);
  say_error(PENSTOCK_CLASS_CANCELLED);
  expect_failure(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "the carrier's words");
  /* The script was faster than the cancel: no next slice begins. */
  told.done = 0;
  solver->ops->ready(solver, OP, 16000);
  solver->ops->cancel(solver, OP);
  say("outcome=waiting\n");
  expect_failure(PENSTOCK_LEG_READY, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_int_equal(carried.runs, 2);
}

/* --- failures ------------------------------------------------------------------------------------- */

static void test_carrier_failures(void **state) {
  (void)state;
  solver->ops->validate(solver, OP, 5000);
  say_error(PENSTOCK_CLASS_TRANSIENT);
  expect_failure(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "the carrier's words");
  told.done = 0;
  carried.refuse = 1;
  solver->ops->ready(solver, OP, 5000);
  expect_failure(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
}

static void test_output_without_an_outcome(void **state) {
  (void)state;
  carrier_result result = {NULL, 2, "pid=1\n", 6, "sh: 12: bad substitution"};
  solver->ops->validate(solver, OP, 5000);
  carried.done(carried.context, &result);
  expect_failure(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "status 2");
  assert_non_null(strstr(told.error.detail, "bad substitution"));
}

static void test_destroy_while_a_script_runs(void **state) {
  (void)state;
  solver->ops->ready(solver, OP, 16000); /* teardown destroys: the timer must go, nothing may be told */
}

/* Every outcome of the scripts has words, with what was found in them. */
static void test_words(void **state) {
  (void)state;
  static const struct {
    const char *output;
    uint32_t leg;
    uint32_t error_class;
    const char *what;
    const char *next;
  } cases[] = {
      {"outcome=no_root\npath=/no\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "Remote path not found (/no).",
       "x.ini:7"},
      {"outcome=no_program\npath=/r/target/release/ppf-cts-server\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
       "Remote path not found (/r/target/release/ppf-cts-server).", "six folders"},
      {"outcome=root_closed\npath=/a\npath=b\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "/a?b", "permissions"},
      {"outcome=not_program\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "/x", "chmod"},
      {"outcome=root_unwritable\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "/x", "gpu01"},
      {"outcome=file_unwritable\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "/x", "gpu01"},
      {"outcome=disk_full\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "full", "gpu01"},
      {"outcome=busy\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "Another launch", "Wait"},
      {"outcome=not_started\npath=/x\n", PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "/x", "below"},
      {"holder_pid=7\nholder_name=nginx\nholder_user=www\noutcome=port_taken\n", PENSTOCK_LEG_ENDPOINT,
       PENSTOCK_CLASS_REFUSED, "Port 9191 is in use on gpu01, by 'nginx' (pid 7, user www)", "x.ini:8"},
      {"holder_user=www\noutcome=held\n", PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
       "Port 9191 on gpu01 is held by a program of user www, which is no solver", "x.ini:8"},
      {"outcome=held\n", PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "cannot be seen", "x.ini:8"},
      {"holder_pid=7\nholder_name=x\noutcome=ours\n", PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
       "'x' (pid 7), a solver that penstock launched", "server.log"},
      {"outcome=unknown\n", PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "no listener of gpu01", "x.ini:8"},
      {"outcome=dead\npid=7\npath=/l\nlog=w\n", PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "pid 7", "/l on gpu01"},
      {"outcome=failed\nmark=ERROR 5\npath=/l\n", PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "ERROR 5", "/l"},
      {"outcome=no_record\npath=/r\n", PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "/r", "again"},
      {"outcome=???\n", PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL, "???", ""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    told.done = 0;
    solver->ops->identify(solver, OP, 5000);
    say(cases[i].output);
    expect_failure(cases[i].leg, cases[i].error_class, cases[i].what);
    assert_non_null(strstr(told.error.next, cases[i].next));
  }
}

/* One is in a container, and on a machine. */
static void test_words_of_a_container(void **state) {
  (void)state;
  static const char *const outcomes[] = {"no_root",   "no_program",  "root_closed",    "not_program", "root_unwritable",
                                         "disk_full", "not_started", "port_taken",     "held",        "ours",
                                         "unknown",   "dead",        "failed",         "no_record",   "stuck",
                                         "busy",      "???",         "file_unwritable"};
  static const char *const places[] = {"container 'ppf'", "container 'ppf' on gpu01", "service 'app' of 'lab'"};
  penstock_error error = {.struct_size = sizeof(error)};
  for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
    for (size_t n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
      char output[64];
      char wrong[64];
      char right[64];
      process_report_context context = {.where = places[n], .port = 9191};
      (void)snprintf(output, sizeof(output), "outcome=%s\n", outcomes[i]);
      (void)snprintf(wrong, sizeof(wrong), "on %s", places[n]);
      (void)snprintf(right, sizeof(right), "%s %s", strcmp(outcomes[i], "unknown") == 0 ? "of" : "in", places[n]);
      process_report(&context, output, strlen(output), &error);
      assert_null(strstr(error.what, wrong));
      assert_null(strstr(error.next, wrong));
      assert_true(strstr(error.what, right) || strstr(error.next, right));
    }
  }
}

/* Of a log that is too long for an error, the end is kept, from a whole line on. */
static void test_long_log(void **state) {
  (void)state;
  char output[20000] = "outcome=dead\n";
  size_t used = strlen(output);
  for (int i = 0; i < 100; i++) {
    used += (size_t)snprintf(output + used, sizeof(output) - used, "log=%03d %0100d\n", i, 0);
  }
  solver->ops->ready(solver, OP, 16000);
  say(output);
  assert_int_equal(told.done, 1);
  assert_true(strlen(told.error.detail) > sizeof(told.error.detail) - 200);
  assert_int_equal(told.error.detail[3], ' ');
  assert_non_null(strstr(told.error.detail, "\n099 "));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_endpoint),
      CASE(test_environment_must_be_exportable),
      CASE(test_validate),
      CASE(test_launch),
      CASE(test_how_it_ended),
      CASE(test_tokens_differ),
      CASE(test_steps_without_a_root),
      CASE(test_stop),
      CASE(test_ready),
      CASE(test_ready_keeps_pace_with_a_slow_machine),
      CASE(test_ready_caught_by_the_deadline_still_shows_the_log),
      CASE(test_ready_whose_last_look_fails),
      CASE(test_cancel),
      CASE(test_carrier_failures),
      CASE(test_output_without_an_outcome),
      CASE(test_destroy_while_a_script_runs),
      CASE(test_words),
      CASE(test_words_of_a_container),
      CASE(test_long_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
