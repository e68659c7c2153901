/* SPDX-License-Identifier: MIT */
/* Child processes: what they are given, how they end, and what is said when they cannot start. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/run.h"

static uv_loop_t loop;
static ps_host host;
static const penstock_host *h;
static int closed;
static char folder[64];

typedef struct ended {
  int calls;
  int32_t code;
  int32_t signal;
  uint32_t timed_out;
  char output[8192];
  size_t output_size;
  char error_output[1024];
} ended;

static void on_done(void *context, const penstock_exit *exit) {
  ended *self = context;
  assert_int_equal(exit->struct_size, sizeof(*exit));
  assert_int_equal(exit->output[exit->output_size], '\0');
  assert_int_equal(exit->error_output[exit->error_output_size], '\0');
  self->calls++;
  self->code = exit->code;
  self->signal = exit->signal;
  self->timed_out = exit->timed_out;
  self->output_size = exit->output_size;
  (void)snprintf(self->output, sizeof(self->output), "%s", exit->output);
  (void)snprintf(self->error_output, sizeof(self->error_output), "%s", exit->error_output);
}

static void on_closed(void *context) {
  (void)context;
  closed++;
}

static void run_until(const int *flag) {
  while (!*flag) {
    assert_true(uv_run(&loop, UV_RUN_ONCE) || *flag);
  }
}

static int setup(void **state) {
  (void)state;
  closed = 0;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  h = &host.table;
  (void)snprintf(folder, sizeof(folder), "/tmp/penstock-spawn-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  if (!host.closing) {
    ps_host_close(&host, on_closed, NULL);
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

static penstock_process *start_with(penstock_spawn spawn, ended *end, const char *script) {
  const char *argv[] = {"sh", "-c", script, NULL};
  penstock_process *process = NULL;
  penstock_error error;
  spawn.struct_size = (uint32_t)sizeof(spawn);
  spawn.argv = spawn.argv ? spawn.argv : argv;
  spawn.capture_limit = spawn.capture_limit ? spawn.capture_limit : 4096;
  spawn.done = on_done;
  spawn.context = end;
  if (h->spawn(h, &spawn, &process, &error) != PENSTOCK_OK) {
    print_error("%s\n", error.what);
    fail();
  }
  assert_non_null(process);
  assert_int_equal(end->calls, 0);
  return process;
}

static penstock_process *start(ended *end, const char *script) {
  return start_with((penstock_spawn){0}, end, script);
}

static double seconds_since(uint64_t start_ns) {
  return (double)(uv_hrtime() - start_ns) / 1e9;
}

/* Waits for a line in the file that a child writes. The only events here are the child's own. */
static long read_number(const char *name) {
  char path[128];
  char text[32] = "";
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_true(read(fd, text, sizeof(text) - 1) > 0);
  (void)close(fd);
  return strtol(text, NULL, 10);
}

static void make_fifo(const char *name, char path[128]) {
  (void)snprintf(path, 128, "%s/%s", folder, name);
  assert_int_equal(mkfifo(path, 0600), 0);
}

/* Does the process end within this time? A killed one takes a moment. */
static int ends_within(pid_t pid, int milliseconds) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) {
    assert_int_equal(errno, ESRCH);
    return 1;
  }
  struct pollfd list = {.fd = fd, .events = POLLIN};
  int count = poll(&list, 1, milliseconds);
  (void)close(fd);
  return count == 1;
}

/* --- what it is given --------------------------------------------------------------------------- */

static void test_output_error_and_status(void **state) {
  (void)state;
  ended end = {0};
  start(&end, "echo out; echo err >&2; exit 7");
  run_until(&end.calls);
  assert_int_equal(end.code, 7);
  assert_int_equal(end.signal, 0);
  assert_int_equal(end.timed_out, 0);
  assert_string_equal(end.output, "out\n");
  assert_string_equal(end.error_output, "err\n");
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(end.calls, 1);
  assert_int_equal(host.pending, 0);
}

static void test_input_is_given_and_then_ends(void **state) {
  (void)state;
  ended end = {0};
  size_t size = 300000; /* more than a pipe holds */
  char *bytes = malloc(size);
  memset(bytes, 'a', size);
  start_with((penstock_spawn){.input = bytes, .input_size = size}, &end, "wc -c");
  memset(bytes, 'b', size);
  free(bytes);
  run_until(&end.calls);
  assert_int_equal(end.code, 0);
  assert_int_equal(strtol(end.output, NULL, 10), 300000);
}

static void test_no_input_is_an_empty_one(void **state) {
  (void)state;
  ended end = {0};
  start(&end, "cat; echo done");
  run_until(&end.calls);
  assert_string_equal(end.output, "done\n");
}

static void test_input_that_nobody_reads(void **state) {
  (void)state;
  ended end = {0};
  char *bytes = calloc(1, 1000000);
  start_with((penstock_spawn){.input = bytes, .input_size = 1000000}, &end, "exec <&-; echo deaf");
  free(bytes);
  run_until(&end.calls);
  assert_int_equal(end.code, 0);
  assert_string_equal(end.output, "deaf\n");
}

static void test_output_beyond_the_limit_is_dropped(void **state) {
  (void)state;
  ended end = {0};
  start_with((penstock_spawn){.capture_limit = 100}, &end, "head -c 1000000 /dev/zero | tr '\\0' x; exit 3");
  run_until(&end.calls);
  assert_int_equal(end.code, 3);
  assert_int_equal(end.output_size, 100);
}

static void test_environment_is_added_to_ours(void **state) {
  (void)state;
  ended end = {0};
  const char *env[] = {"PENSTOCK_T_NEW=a b", "PENSTOCK_T_OLD=new", NULL};
  assert_int_equal(setenv("PENSTOCK_T_OLD", "old", 1), 0);
  assert_int_equal(setenv("PENSTOCK_T_OLDER", "kept", 1), 0);
  start_with((penstock_spawn){.env = env}, &end, "echo \"$PENSTOCK_T_NEW|$PENSTOCK_T_OLD|$PENSTOCK_T_OLDER\"");
  run_until(&end.calls);
  assert_string_equal(end.output, "a b|new|kept\n");
}

static void test_working_folder(void **state) {
  (void)state;
  ended end = {0};
  start_with((penstock_spawn){.cwd = folder}, &end, "pwd");
  run_until(&end.calls);
  assert_memory_equal(end.output, folder, strlen(folder));
}

static void put_program(const char *name, const char *text, mode_t mode, char path[128]) {
  (void)snprintf(path, 128, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
}

static void test_relative_program_starts_in_the_folder(void **state) {
  (void)state;
  char path[128];
  ended end = {0};
  const char *argv[] = {"./prog", NULL};
  put_program("prog", "#!/bin/sh\necho here\n", 0700, path);
  start_with((penstock_spawn){.argv = argv, .cwd = folder}, &end, NULL);
  run_until(&end.calls);
  assert_string_equal(end.output, "here\n");
}

static void test_program_is_looked_up_in_its_own_path(void **state) {
  (void)state;
  char path[128];
  char env_path[128];
  ended end = {0};
  const char *argv[] = {"penstock-test-prog", NULL};
  const char *env[] = {env_path, NULL};
  put_program("penstock-test-prog", "#!/bin/sh\necho found\n", 0700, path);
  (void)snprintf(env_path, sizeof(env_path), "PATH=/nonexistent:%s", folder);
  start_with((penstock_spawn){.argv = argv, .env = env}, &end, NULL);
  run_until(&end.calls);
  assert_string_equal(end.output, "found\n");
}

/* A session of its own, default signals, and no descriptor but three: also not one that a library left inheritable. */
static void test_child_inherits_nothing(void **state) {
  (void)state;
  ended end = {0};
  sigset_t block;
  sigset_t before;
  int leaked = dup(0);
  assert_true(leaked > 2);
  (void)sigemptyset(&block);
  (void)sigaddset(&block, SIGUSR1);
  assert_int_equal(pthread_sigmask(SIG_BLOCK, &block, &before), 0);
  start(&end, "i=0; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; "
              /* Without a fork: dash has everything blocked until a child of its own has begun. */
              "while read -r l; do case $l in Sig[BI]*) echo \"$l\";; esac; done </proc/$$/status; "
              "set -- $(cat /proc/$$/stat); test $1 = $5 && test $1 = $6 && echo leader");
  assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
  run_until(&end.calls);
  (void)close(leaked);
  const char *ignored = strstr(end.output, "SigIgn:\t");
  assert_memory_equal(end.output, "0\n1\n2\nSigBlk:\t0000000000000000\n", 31);
  assert_non_null(ignored);
  /* Beyond the 31 standard ones, glibc keeps two for itself. */
  assert_int_equal(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0);
  assert_non_null(strstr(end.output, "\nleader\n"));
}

/* --- why it does not start ---------------------------------------------------------------------- */

static void cannot_start(const char *program, const char *cwd, uint32_t leg, const char *words) {
  const char *argv[] = {program, NULL};
  ended end = {0};
  penstock_error error;
  penstock_process *process = (penstock_process *)&end;
  penstock_spawn spawn = {
      .struct_size = (uint32_t)sizeof(spawn), .argv = argv, .cwd = cwd, .done = on_done, .context = &end};
  assert_true(h->spawn(h, &spawn, &process, &error) < 0);
  assert_null(process);
  assert_int_equal(error.leg, leg);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_true(error.next[0] != '\0');
  if (!strstr(error.what, words)) {
    print_error("'%s' is not in: %s\n", words, error.what);
    fail();
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(end.calls, 0);
}

static void test_reasons_are_told_apart(void **state) {
  (void)state;
  char path[128];
  cannot_start("penstock-no-such-program", NULL, PENSTOCK_LEG_EXEC, "not found in PATH");
  cannot_start("/nonexistent/program", NULL, PENSTOCK_LEG_EXEC, "there is no program");
  put_program("plain", "text", 0600, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "not an executable");
  cannot_start(folder, NULL, PENSTOCK_LEG_EXEC, "not an executable");
  put_program("orphan", "#!/nonexistent/interpreter\n", 0700, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "interpreter");
  put_program("foreign",
              "\x7f"
              "ELFnot",
              0700, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "cannot start");
  cannot_start("true", "/nonexistent/folder", PENSTOCK_LEG_LOCAL, "/nonexistent/folder");
  cannot_start("true", path, PENSTOCK_LEG_LOCAL, "Not a directory");
  assert_int_equal(host.pending, 0);
}

static void test_contract_is_checked(void **state) {
  (void)state;
  const char *argv[] = {NULL};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn), .argv = argv, .done = on_done};
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_INVALID);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_INTERNAL);
  ps_host_close(&host, on_closed, NULL);
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_CANCELLED);
}

static void test_limit_of_descriptors(void **state) {
  (void)state;
  const char *argv[] = {"true", NULL};
  int hoard[512] = {0};
  size_t count = 0;
  ended end = {0};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn), .argv = argv, .done = on_done, .context = &end};
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low = {.rlim_cur = 128, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  while (count < 512 && (hoard[count] = dup(0)) >= 0) {
    count++;
  }
  assert_in_range(count, 4, 511);
  (void)close(hoard[--count]);
  (void)close(hoard[--count]);
  (void)close(hoard[--count]);
  int32_t result = h->spawn(h, &spawn, &process, &error);
  while (count > 0) {
    (void)close(hoard[--count]);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(result, PENSTOCK_E_LIMIT);
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
}

/* --- how it ends -------------------------------------------------------------------------------- */

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
static void test_shorter_struct(void **state) {
  (void)state;
  const char *argv[] = {"true", NULL};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = offsetof(penstock_spawn, done), .argv = argv, .done = on_done};
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_output_error_and_status),
      TEST(test_input_is_given_and_then_ends),
      TEST(test_no_input_is_an_empty_one),
      TEST(test_input_that_nobody_reads),
      TEST(test_output_beyond_the_limit_is_dropped),
      TEST(test_environment_is_added_to_ours),
      TEST(test_working_folder),
      TEST(test_relative_program_starts_in_the_folder),
      TEST(test_program_is_looked_up_in_its_own_path),
      TEST(test_child_inherits_nothing),
      TEST(test_reasons_are_told_apart),
      TEST(test_contract_is_checked),
      TEST(test_limit_of_descriptors),
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
      TEST(test_shorter_struct),
  };
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway has it */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
