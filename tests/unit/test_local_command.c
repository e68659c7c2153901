/* SPDX-License-Identifier: MIT */
/* Streams to commands on this machine: the real carrier on the real host services, with real children. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/carrier_local.h"
#include "host/host.h"

#define OPENED "printf 'penstock-stream: open\\n';"
#define CREDIT (1u << 20)

static uv_loop_t loop;
static ps_host host;
static carrier *here;

/* The client's side of the one stream under test. */
static struct {
  int opened;
  int failed;
  int eof;
  int reset;
  penstock_error error;
  penstock_credit_stream stream;
  uint64_t credit; /* granted, and not used yet */
  int keeps_credit;
  uint64_t received;
  char text[4096]; /* its beginning */
  uint64_t to_send;
  uint64_t sent;
  int is_blocked;
  int shuts; /* once all is sent */
  int is_shut;
} got;

static char payload[256 * 1024];

static int open_mark;
static int sink_mark;
#define OPEN ((penstock_open *)(void *)&open_mark)
#define SINK ((penstock_sink *)(void *)&sink_mark)

static void on_open_failed(const penstock_host *table, penstock_open *open, const penstock_error *error) {
  assert_ptr_equal(table, &host.table);
  assert_ptr_equal(open, OPEN);
  assert_int_equal(got.opened, 0);
  got.failed++;
  got.error = *error;
}

static penstock_sink *on_open_done(const penstock_host *table, penstock_open *open,
                                   const penstock_credit_stream *stream) {
  (void)table;
  assert_ptr_equal(open, OPEN);
  assert_int_equal(got.failed, 0);
  got.opened++;
  got.stream = *stream;
  return SINK;
}

static uint64_t on_stream_data(const penstock_host *table, penstock_sink *sink, const void *data, size_t size) {
  (void)table;
  assert_ptr_equal(sink, SINK);
  assert_int_equal(got.eof + got.reset, 0);
  assert_true(size > 0 && size <= got.credit);
  if (got.received < sizeof(got.text) - 1) {
    size_t room = sizeof(got.text) - 1 - (size_t)got.received;
    memcpy(got.text + got.received, data, size < room ? size : room);
  }
  got.received += size;
  got.credit -= size;
  if (got.keeps_credit) {
    return 0;
  }
  got.credit += size;
  return size;
}

static void on_stream_eof(const penstock_host *table, penstock_sink *sink) {
  (void)table;
  assert_ptr_equal(sink, SINK);
  assert_int_equal(got.eof + got.reset, 0);
  got.eof++;
}

static void on_stream_reset(const penstock_host *table, penstock_sink *sink, const penstock_error *error) {
  (void)table;
  assert_ptr_equal(sink, SINK);
  assert_int_equal(got.reset, 0);
  got.reset++;
  got.error = *error;
}

/* Sends what is to be sent, as far as the stream takes it. */
static void push(void) {
  while (got.sent < got.to_send && !got.is_blocked) {
    uint64_t left = got.to_send - got.sent;
    size_t size = left < sizeof(payload) ? (size_t)left : sizeof(payload);
    size_t taken = got.stream.write(got.stream.stream, payload, size);
    assert_true(taken <= size);
    got.sent += taken;
    got.is_blocked = taken < size;
  }
  if (got.sent == got.to_send && got.shuts && !got.is_shut) {
    got.is_shut = 1;
    got.stream.shutdown_write(got.stream.stream);
  }
}

static void on_stream_writable(const penstock_host *table, penstock_sink *sink) {
  (void)table;
  assert_ptr_equal(sink, SINK);
  assert_int_equal(got.is_blocked, 1);
  got.is_blocked = 0;
  push();
}

static void mark_closed(void *context) {
  *(int *)context = 1;
}

static int setup(void **state) {
  (void)state;
  memset(&got, 0, sizeof(got));
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  host.table.open_failed = on_open_failed;
  host.table.open_done_credit = on_open_done;
  host.table.stream_data = on_stream_data;
  host.table.stream_eof = on_stream_eof;
  host.table.stream_reset = on_stream_reset;
  host.table.stream_writable = on_stream_writable;
  here = carrier_local_create(&host.table, NULL, NULL);
  assert_non_null(here);
  return 0;
}

/* Whatever a test leaves running is ended with the carrier, and nothing is told any more. */
static int teardown(void **state) {
  (void)state;
  int closed = 0;
  int before = got.opened + got.failed + got.eof + got.reset;
  here->ops->destroy(here);
  ps_host_close(&host, mark_closed, &closed);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(got.opened + got.failed + got.eof + got.reset, before);
  assert_int_equal(uv_loop_close(&loop), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, and no zombie */
  return 0;
}

static void await(const int *flag) {
  while (!*flag) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
}

static void start(const char *script, uint64_t deadline_ms) {
  here->ops->open_command(here, OPEN, script, strlen(script), deadline_ms);
}

static void grant(uint64_t bytes) {
  got.credit += bytes;
  got.stream.grant(got.stream.stream, bytes);
}

static void start_open(const char *script) {
  start(script, 20000);
  while (!got.opened) {
    assert_int_equal(got.failed, 0);
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
}

static void give_back(uint32_t how) {
  got.stream.close(got.stream.stream, how);
}

/* Runs until nothing of the stream is left: no timer, no watch. */
static void run_out(void) {
  while (uv_run(&loop, UV_RUN_ONCE)) {
  }
}

/* --- opening --------------------------------------------------------------------------------------- */

static void test_line_and_stream_together(void **state) {
  (void)state;
  start_open("printf 'penstock-stream: open\\nearly words'");
  assert_int_equal(got.received, 0); /* there is no credit yet */
  grant(5);
  while (got.received < 5) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  assert_int_equal(got.eof, 0);
  grant(CREDIT);
  await(&got.eof);
  assert_string_equal(got.text, "early words");
  give_back(PENSTOCK_CLOSE_CLEAN);
  run_out();
}

static void expect_failure(uint32_t leg, uint32_t error_class, const char *words) {
  await(&got.failed);
  assert_int_equal(got.error.leg, leg);
  assert_int_equal(got.error.error_class, error_class);
  assert_non_null(strstr(got.error.what, words));
  run_out(); /* the command is ended, and everything with it */
}

static void test_refused(void **state) {
  (void)state;
  start("printf 'penstock-stream: refused nobody listens on port 9090\\n'", 20000);
  assert_int_equal(got.failed, 0);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "nobody listens on port 9090");
}

static void test_failed_says_why(void **state) {
  (void)state;
  start("echo details >&2; printf 'penstock-stream: failed no helper\\n'; sleep 60", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no helper");
  assert_non_null(strstr(got.error.detail, "details"));
}

static void test_ends_before_its_line(void **state) {
  (void)state;
  start("echo 'no such container' >&2; exit 1", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "status 1");
  assert_string_equal(got.error.detail, "no such container\n");
}

static void test_ends_well_without_a_line(void **state) {
  (void)state;
  start("exit 0", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "status 0");
}

static void test_no_such_program(void **state) {
  (void)state;
  start("exec /no/such/program", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "status 127");
}

static void test_killed_before_its_line(void **state) {
  (void)state;
  start("kill -9 $$", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "signal 9");
}

static void test_flood_without_a_line(void **state) {
  (void)state;
  start("yes | tr -d '\\n'", 20000);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "something else first");
}

static void test_deadline(void **state) {
  (void)state;
  start("echo asleep >&2; sleep 60", 300);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "in time");
  assert_string_equal(got.error.detail, "asleep\n");
}

static void test_cancelled(void **state) {
  (void)state;
  start("sleep 60", 20000);
  here->ops->open_cancel(here, OPEN);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
}

/* It ignores being asked. */
static void test_cancelled_and_stubborn(void **state) {
  (void)state;
  start("trap '' TERM; while :; do sleep 1; done", 20000);
  here->ops->open_cancel(here, OPEN);
  expect_failure(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
}

static void test_forgotten(void **state) {
  (void)state;
  start("sleep 60", 20000); /* teardown destroys the carrier, and must not wait for a minute */
}

/* --- the stream ------------------------------------------------------------------------------------ */

static void test_both_ways(void **state) {
  (void)state;
  start_open(OPENED "exec cat");
  got.to_send = 64u << 20;
  got.shuts = 1;
  grant(CREDIT);
  push();
  await(&got.eof);
  assert_int_equal(got.received, got.to_send);
  assert_int_equal(got.sent, got.to_send);
  give_back(PENSTOCK_CLOSE_CLEAN);
  run_out();
}

/* The client has ended its direction, and the command goes on and on. */
static void test_half_close(void **state) {
  (void)state;
  start_open(OPENED "cat >/dev/null; echo late; exec head -c 3000000 /dev/zero");
  got.to_send = 100000;
  got.shuts = 1;
  grant(CREDIT);
  push();
  await(&got.eof);
  assert_int_equal(got.received, 3000005);
  assert_memory_equal(got.text, "late\n", 5);
  give_back(PENSTOCK_CLOSE_CLEAN);
  run_out();
}

static void test_only_so_much_as_is_granted(void **state) {
  (void)state;
  start_open(OPENED "exec yes");
  got.keeps_credit = 1;
  grant(100001);
  while (got.credit > 0) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  for (int i = 0; i < 20; i++) {
    (void)uv_run(&loop, UV_RUN_NOWAIT); /* on_stream_data would notice */
  }
  assert_int_equal(got.received, 100001);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

/* A command that does not read holds the client up, and only so much waits in between. */
static void test_back_pressure(void **state) {
  (void)state;
  start_open(OPENED "exec sleep 60");
  got.to_send = 64u << 20;
  push();
  assert_int_equal(got.is_blocked, 1);
  assert_true(got.sent < 4u << 20);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

static void test_fails_within_the_stream(void **state) {
  (void)state;
  start_open(OPENED "echo some; echo 'connection reset' >&2; exit 3");
  grant(CREDIT);
  await(&got.reset);
  assert_int_equal(got.eof, 0);
  assert_int_equal(got.error.leg, PENSTOCK_LEG_STREAM);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(got.error.what, "status 3"));
  assert_string_equal(got.error.detail, "connection reset\n");
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

static void test_killed_within_the_stream(void **state) {
  (void)state;
  start_open(OPENED "echo some; kill -9 $$");
  grant(CREDIT);
  await(&got.reset);
  assert_int_equal(got.eof, 0);
  assert_non_null(strstr(got.error.what, "signal 9"));
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

/* It has ended well, but not read all that it was sent: the client must not take that for success. */
static void test_leaves_data_unread(void **state) {
  (void)state;
  start_open(OPENED "read -r go; exit 0");
  got.to_send = sizeof(payload);
  grant(CREDIT);
  memset(payload, '\n', sizeof(payload));
  push();
  await(&got.reset);
  assert_int_equal(got.eof, 0);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

static void test_more_data_after_its_end(void **state) {
  (void)state;
  start_open(OPENED "exit 0");
  grant(CREDIT);
  await(&got.eof);
  got.to_send = 10;
  push();
  assert_int_equal(got.reset, 0); /* not from inside the write */
  await(&got.reset);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

/* The end of the output alone is no end: it may still turn out to have failed. */
static void test_output_ends_before_the_command(void **state) {
  (void)state;
  start_open(OPENED "exec <&- >&-; sleep 0.3; exit 4");
  grant(CREDIT);
  await(&got.reset);
  assert_int_equal(got.eof, 0);
  assert_non_null(strstr(got.error.what, "status 4"));
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

/* A flood on standard error holds nothing up, and its end is kept. */
static void test_standard_error(void **state) {
  (void)state;
  start_open(OPENED "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo last >&2; echo out; exit 1");
  grant(CREDIT);
  await(&got.reset);
  assert_memory_equal(got.text, "out\n", 4);
  assert_non_null(strstr(got.error.detail, "xxxlast\n"));
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
}

/* --- the end --------------------------------------------------------------------------------------- */

static void test_abort_ends_the_whole_group(void **state) {
  (void)state;
  start_open(OPENED "sleep 60 & echo $!; wait");
  grant(CREDIT);
  while (!strchr(got.text, '\n')) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  pid_t pid = (pid_t)strtol(got.text, NULL, 10);
  assert_true(pid > 1);
  assert_int_equal(kill(pid, 0), 0);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
  char path[64];
  char line[64] = "";
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
  for (int i = 0; i < 2000; i++) { /* whoever has adopted it may not have waited for it yet */
    FILE *file = fopen(path, "r");
    if (!file) {
      return;
    }
    char *got_line = fgets(line, sizeof(line), file);
    (void)fclose(file);
    if (!got_line || strstr(line, ") Z ")) {
      return;
    }
    (void)usleep(1000);
  }
  fail_msg("pid %d runs on", (int)pid);
}

/* The input's end comes before any signal: a command in a container only sees that. */
static void test_abort_ends_the_input_first(void **state) {
  (void)state;
  char folder[] = "/tmp/penstock-test-XXXXXX";
  char script[256];
  char path[64];
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof(path), "%s/saw", folder);
  (void)snprintf(script, sizeof(script), "trap 'exit 1' TERM; " OPENED "cat >/dev/null; echo end >'%s'", path);
  start_open(script);
  give_back(PENSTOCK_CLOSE_ABORT);
  run_out();
  assert_int_equal(access(path, F_OK), 0);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static int count_descriptors(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) {
    count++;
  }
  assert_int_equal(closedir(folder), 0);
  return count;
}

static void test_nothing_leaks(void **state) {
  (void)state;
  int before = 0;
  for (int i = 0; i < 30; i++) {
    memset(&got, 0, sizeof(got));
    start_open(i % 2 ? OPENED "exec cat" : OPENED "sleep 60");
    give_back(PENSTOCK_CLOSE_ABORT);
    if (i % 2) {
      run_out();
    }
    if (i == 9) {
      run_out();
      before = count_descriptors();
    }
  }
  run_out();
  assert_int_equal(count_descriptors(), before);
}

/* The child has its three descriptors, and no other of ours. */
static void test_nothing_is_inherited(void **state) {
  (void)state;
  int pair[2];
  assert_int_equal(pipe(pair), 0); /* inheritable, as a library's might be */
  start_open(OPENED "exec ls /proc/self/fd");
  grant(CREDIT);
  await(&got.eof);
  assert_string_equal(got.text, "0\n1\n2\n3\n"); /* 3: of ls itself */
  (void)close(pair[0]);
  (void)close(pair[1]);
  give_back(PENSTOCK_CLOSE_CLEAN);
  run_out();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_line_and_stream_together),
      CASE(test_refused),
      CASE(test_failed_says_why),
      CASE(test_ends_before_its_line),
      CASE(test_ends_well_without_a_line),
      CASE(test_no_such_program),
      CASE(test_killed_before_its_line),
      CASE(test_flood_without_a_line),
      CASE(test_deadline),
      CASE(test_cancelled),
      CASE(test_cancelled_and_stubborn),
      CASE(test_forgotten),
      CASE(test_both_ways),
      CASE(test_half_close),
      CASE(test_only_so_much_as_is_granted),
      CASE(test_back_pressure),
      CASE(test_fails_within_the_stream),
      CASE(test_killed_within_the_stream),
      CASE(test_leaves_data_unread),
      CASE(test_more_data_after_its_end),
      CASE(test_output_ends_before_the_command),
      CASE(test_standard_error),
      CASE(test_abort_ends_the_whole_group),
      CASE(test_abort_ends_the_input_first),
      CASE(test_nothing_leaks),
      CASE(test_nothing_is_inherited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
