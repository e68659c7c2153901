/* SPDX-License-Identifier: MIT */
/* Child processes: how they end, by themselves, in time, with their host, and many at once. */
#include "spawn_rig.h"

static void test_signal_is_reported(void **state) {
  (void)state;
  ended end = {0};
  start(&end, "kill -USR1 $$");
  run_until(&end.calls);
  assert_int_equal(end.code, -1);
  assert_int_equal(end.signal, SIGUSR1);
}

static void test_timeout_ends_the_whole_group(void **state) {
  (void)state;
  char script[512];
  ended end = {0};
  uint64_t began = uv_hrtime();
  (void)snprintf(script, sizeof(script), "sleep 100 & echo $! >%s/grandchild; wait; echo not reached", folder);
  start_with((penstock_spawn){.timeout_ms = 300}, &end, script);
  run_until(&end.calls);
  assert_int_equal(end.timed_out, 1);
  assert_int_equal(end.code, -1);
  assert_int_equal(end.signal, SIGTERM);
  assert_true(seconds_since(began) < 2.0);
  assert_true(ends_within((pid_t)read_number("grandchild"), 5000));
}

static void test_timeout_kills_what_ignores_it(void **state) {
  (void)state;
  ended end = {0};
  uint64_t began = uv_hrtime();
  start_with((penstock_spawn){.timeout_ms = 100}, &end, "trap '' TERM; echo on; while :; do sleep 100; done");
  run_until(&end.calls);
  assert_int_equal(end.timed_out, 1);
  assert_int_equal(end.signal, SIGKILL);
  assert_string_equal(end.output, "on\n");
  assert_true(seconds_since(began) > 2.0);
}

/* The leader goes at SIGTERM; a member that ignores it must not outlive the time limit. */
static void test_timeout_leaves_nobody_of_the_group(void **state) {
  (void)state;
  char script[512];
  ended end = {0};
  (void)snprintf(script, sizeof(script),
                 "(trap '' TERM; exec sleep 100) >/dev/null 2>&1 & echo $! >%s/grandchild; sleep 100", folder);
  start_with((penstock_spawn){.timeout_ms = 300}, &end, script);
  run_until(&end.calls);
  assert_int_equal(end.timed_out, 1);
  assert_true(ends_within((pid_t)read_number("grandchild"), 5000));
}

static void test_kill_asks_then_ends(void **state) {
  (void)state;
  char fifo[128];
  char script[512];
  ended end = {0};
  make_fifo("ready", fifo);
  (void)snprintf(script, sizeof(script), "trap 'echo asked' TERM; echo >%s; while :; do sleep 100 & wait $!; done",
                 fifo);
  penstock_process *process = start(&end, script);
  int fd = open(fifo, O_RDONLY | O_CLOEXEC); /* until the trap is set */
  assert_true(fd >= 0);
  (void)close(fd);
  h->process_kill(h, process, 0);
  h->process_kill(h, process, 1);
  run_until(&end.calls);
  assert_int_equal(end.signal, SIGKILL);
  assert_int_equal(end.timed_out, 0);
}

/* A launched server holds the outputs of the shell that launched it, and lives on. */
static void test_grandchild_with_the_pipe_does_not_hold_up_the_end(void **state) {
  (void)state;
  char script[512];
  ended end = {0};
  uint64_t began = uv_hrtime();
  (void)snprintf(script, sizeof(script), "setsid sleep 100 & echo $! >%s/grandchild; echo launched", folder);
  start_with((penstock_spawn){.timeout_ms = 60000}, &end, script);
  run_until(&end.calls);
  assert_true(seconds_since(began) < 2.0);
  assert_int_equal(end.code, 0);
  assert_string_equal(end.output, "launched\n");
  pid_t grandchild = (pid_t)read_number("grandchild");
  assert_false(ends_within(grandchild, 0));
  ps_host_close(&host, on_closed, NULL);
  run_until(&closed);
  assert_false(ends_within(grandchild, 0));
  assert_int_equal(kill(grandchild, SIGKILL), 0);
}

/* The loop is held up until the time for the outputs' end is over: what came meanwhile is not lost. */
static void test_output_survives_a_busy_loop(void **state) {
  (void)state;
  char go[128];
  char ack[128];
  char ready[128];
  char script[1024];
  ended end = {0};
  make_fifo("go", go);
  make_fifo("ack", ack);
  make_fifo("ready", ready);
  (void)snprintf(script, sizeof(script),
                 "setsid sh -c 'read x <%s; echo late; echo >%s; sleep 100' & echo $! >%s/grandchild; "
                 "echo $$ >%s/child; echo early; echo >%s",
                 go, ack, folder, folder, ready);
  start(&end, script);
  int fd = open(ready, O_RDONLY | O_CLOEXEC); /* until the numbers are written */
  (void)close(fd);
  pid_t child = (pid_t)read_number("child");
  while (kill(child, 0) == 0) {
    (void)uv_run(&loop, UV_RUN_ONCE); /* until it is reaped */
  }
  assert_int_equal(end.calls, 0);
  fd = open(go, O_WRONLY | O_CLOEXEC);
  assert_int_equal(write(fd, "\n", 1), 1);
  (void)close(fd);
  fd = open(ack, O_RDONLY | O_CLOEXEC); /* until it has written */
  (void)close(fd);
  (void)poll(NULL, 0, 400);
  run_until(&end.calls);
  assert_string_equal(end.output, "early\nlate\n");
  assert_int_equal(kill((pid_t)read_number("grandchild"), SIGKILL), 0);
}

static void test_close_kills_the_group_without_a_word(void **state) {
  (void)state;
  char fifo[128];
  char script[512];
  ended end = {0};
  make_fifo("ready", fifo);
  (void)snprintf(script, sizeof(script),
                 "trap '' TERM; sleep 100 & echo $! >%s/grandchild; echo $$ >%s/child; "
                 "echo >%s; wait",
                 folder, folder, fifo);
  start(&end, script);
  int fd = open(fifo, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  (void)close(fd);
  ps_host_close(&host, on_closed, NULL);
  run_until(&closed);
  assert_int_equal(end.calls, 0);
  assert_true(ends_within((pid_t)read_number("grandchild"), 5000));
  assert_int_equal(kill((pid_t)read_number("child"), 0), -1);
  assert_int_equal(errno, ESRCH); /* reaped */
}

static void on_done_close(void *context, const penstock_exit *exit) {
  (void)context;
  ps_host_close(&host, on_closed, NULL);
  /* Still whole: the memory goes on a later turn. */
  assert_string_equal(exit->output, "bye\n");
}

static void test_close_from_its_own_end(void **state) {
  (void)state;
  const char *argv[] = {"echo", "bye", NULL};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {
      .struct_size = (uint32_t)sizeof(spawn), .argv = argv, .capture_limit = 100, .done = on_done_close};
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_OK);
  run_until(&closed);
}

static void test_many_at_once(void **state) {
  (void)state;
  static ended ends[40];
  memset(ends, 0, sizeof(ends));
  for (int i = 0; i < 40; i++) {
    char script[64];
    (void)snprintf(script, sizeof(script), "echo %d; exit %d", i, i);
    start(&ends[i], script);
  }
  for (int i = 0; i < 40; i++) {
    run_until(&ends[i].calls);
    assert_int_equal(ends[i].code, i);
    assert_int_equal(strtol(ends[i].output, NULL, 10), i);
  }
}

/* A host on another thread's loop has children too: each must see the end of its own. */
typedef struct other {
  int runs;
  int failures;
} other;

static void on_other_done(void *context, const penstock_exit *exit) {
  other *self = context;
  self->failures += exit->code != 5;
  self->runs++;
}

static void other_thread(void *context) {
  other *self = context;
  const char *argv[] = {"sh", "-c", "exit 5", NULL};
  penstock_error error;
  penstock_spawn spawn = {
      .struct_size = (uint32_t)sizeof(spawn), .argv = argv, .done = on_other_done, .context = context};
  for (int i = 0; i < 25; i++) {
    self->failures += ps_run(&spawn, -1, &error) != PENSTOCK_OK;
  }
}

static void test_two_threads(void **state) {
  (void)state;
  uv_thread_t thread;
  other self = {0};
  assert_int_equal(uv_thread_create(&thread, other_thread, &self), 0);
  for (int i = 0; i < 25; i++) {
    ended end = {0};
    start(&end, "exit 6");
    run_until(&end.calls);
    assert_int_equal(end.code, 6);
  }
  assert_int_equal(uv_thread_join(&thread), 0);
  assert_int_equal(self.runs, 25);
  assert_int_equal(self.failures, 0);
}

/* An older plugin's struct is shorter than ours; what it does not know is zero. */

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_signal_is_reported),
      TEST(test_timeout_ends_the_whole_group),
      TEST(test_timeout_kills_what_ignores_it),
      TEST(test_timeout_leaves_nobody_of_the_group),
      TEST(test_kill_asks_then_ends),
      TEST(test_grandchild_with_the_pipe_does_not_hold_up_the_end),
      TEST(test_output_survives_a_busy_loop),
      TEST(test_close_kills_the_group_without_a_word),
      TEST(test_close_from_its_own_end),
      TEST(test_many_at_once),
      TEST(test_two_threads),
  };
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway has it */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
