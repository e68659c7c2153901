/* SPDX-License-Identifier: MIT */
/* Standard output behind its thread: a reader that stops must hold up nobody, one that goes away end nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/out.h"

/* What standard output was, and the reading end of the pipe that it is in a test. */
static int saved;
static int reader;

static int to_pipe(void **state) {
  int ends[2];
  (void)state;
  (void)fflush(stdout);
  saved = dup(STDOUT_FILENO);
  if (saved < 0 || pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0) {
    return -1;
  }
  close(ends[1]);
  reader = ends[0];
  return 0;
}

static int back(void **state) {
  (void)state;
  if (reader >= 0) {
    close(reader);
  }
  int result = dup2(saved, STDOUT_FILENO) < 0 ? -1 : 0;
  close(saved);
  return result;
}

static double seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads until the writer has closed its end, which back() does not do: up to a text that must come. */
static char *read_until(const char *last) {
  size_t size = 0;
  size_t room = 1 << 20;
  char *text = malloc(room + 1);
  assert_non_null(text);
  do {
    ssize_t count = read(reader, text + size, room - size);
    assert_true(count > 0);
    size += (size_t)count;
    text[size] = '\0';
  } while (!strstr(text, last));
  return text;
}

static void lines_come_in_order(void **state) {
  (void)state;
  ps_out_line("%s %d", "direct", 1);
  ps_out_start(0);
  for (int i = 0; i < 100; i++) {
    ps_out_line("line %d", i);
  }
  ps_out_progress("progress");
  ps_out_progress("progress"); /* no news */
  ps_out_stop();
  ps_out_text("last");
  char *text = read_until("last\n");
  char expected[4096] = "direct 1\n";
  for (int i = 0; i < 100; i++) {
    (void)snprintf(expected + strlen(expected), 32, "line %d\n", i);
  }
  (void)snprintf(expected + strlen(expected), 32, "progress\nlast\n");
  assert_string_equal(text, expected);
  free(text);
}

static void a_reader_that_stops_holds_up_nobody(void **state) {
  (void)state;
  char line[1001];
  memset(line, 'x', sizeof(line) - 1);
  line[sizeof(line) - 1] = '\0';
  double begin = seconds();
  ps_out_start(1);
  for (int i = 0; i < 2000; i++) {
    ps_out_text(line);
  }
  assert_true(seconds() - begin < 1.0);
  /* It reads on: it gets whole lines, and is told how many are missing. */
  char *text = read_until("{\"event\":\"dropped\",\"lines\":");
  assert_memory_equal(text, line, sizeof(line) - 1);
  free(text);
  ps_out_stop();
}

/* In a process of its own, since it leaves the output broken for good. Returns what `part` returns. */
static int in_child(int (*part)(void)) {
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    _exit(part());
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int stop_unread(void) {
  char line[1001];
  memset(line, 'x', sizeof(line) - 1);
  line[sizeof(line) - 1] = '\0';
  ps_out_start(0);
  for (int i = 0; i < 200; i++) {
    ps_out_text(line);
  }
  double begin = seconds();
  ps_out_stop();
  double stopped = seconds() - begin;
  ps_out_text("nobody waits for this");
  /* It waits for the reader, but not for ever. */
  return stopped < 0.5 ? 1 : stopped > 5.0 ? 2 : seconds() - begin - stopped > 1.0 ? 3 : 0;
}

static void a_reader_that_never_reads_does_not_stop_the_end(void **state) {
  (void)state;
  assert_int_equal(in_child(stop_unread), 0);
}

static int write_to_nobody(void) {
  ps_out_start(0);
  ps_out_text("lost");
  ps_out_stop();
  ps_out_text("lost too");
  return 0;
}

static void a_reader_that_goes_away_ends_nothing(void **state) {
  (void)state;
  (void)signal(SIGPIPE, SIG_IGN);
  close(reader);
  reader = -1;
  assert_int_equal(in_child(write_to_nobody), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lines_come_in_order, to_pipe, back),
      cmocka_unit_test_setup_teardown(a_reader_that_stops_holds_up_nobody, to_pipe, back),
      cmocka_unit_test_setup_teardown(a_reader_that_never_reads_does_not_stop_the_end, to_pipe, back),
      cmocka_unit_test_setup_teardown(a_reader_that_goes_away_ends_nothing, to_pipe, back),
  };
  return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
