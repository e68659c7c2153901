/* SPDX-License-Identifier: MIT */
/* The line with which a command says that its stream is open, and the words for one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/script_stream.h"

static penstock_error error;
static size_t used;

static script_stream_state read_text(const char *text, size_t size) {
  memset(&error, 0, sizeof(error));
  used = 99;
  return script_stream_read(text, size, "gpu01", &used, &error);
}

static void test_open(void **state) {
  (void)state;
  static const char text[] = "penstock-stream: open\n\0\xff stream";
  assert_int_equal(read_text(text, sizeof(text) - 1), SCRIPT_STREAM_OPEN);
  assert_int_equal(used, strlen("penstock-stream: open\n"));
}

static void test_open_in_pieces(void **state) {
  (void)state;
  static const char text[] = "penstock-stream: open\n";
  for (size_t size = 0; size + 1 < sizeof(text); size++) {
    assert_int_equal(read_text(text, size), SCRIPT_STREAM_UNKNOWN);
    assert_int_equal(used, 0);
  }
  assert_int_equal(read_text(text, sizeof(text) - 1), SCRIPT_STREAM_OPEN);
}

static void test_refused(void **state) {
  (void)state;
  static const char text[] = "penstock-stream: refused nobody listens on port 9090\n";
  assert_int_equal(read_text(text, sizeof(text) - 1), SCRIPT_STREAM_REFUSED);
  assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_REFUSED);
  assert_string_equal(error.what, "nobody listens on port 9090");
  assert_true(error.next[0] != '\0');
}

static void test_failed(void **state) {
  (void)state;
  static const char text[] = "penstock-stream: failed no nc\x1b[31m, no socat\n";
  assert_int_equal(read_text(text, sizeof(text) - 1), SCRIPT_STREAM_FAILED);
  assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.what, "gpu01"));
  assert_non_null(strstr(error.what, "no nc?[31m, no socat"));
}

static void test_impossible(void **state) {
  (void)state;
  static const char text[] = "penstock-stream: impossible the container has neither nc nor socat\n";
  assert_int_equal(read_text(text, sizeof(text) - 1), SCRIPT_STREAM_FAILED);
  assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_string_equal(error.what, "the container has neither nc nor socat");
}

static void test_words_without_text(void **state) {
  (void)state;
  assert_int_equal(read_text("penstock-stream: refused\n", 25), SCRIPT_STREAM_REFUSED);
  assert_true(error.what[0] != '\0');
  assert_int_equal(read_text("penstock-stream: failed\n", 24), SCRIPT_STREAM_FAILED);
  assert_true(error.what[0] != '\0');
}

static void test_something_else(void **state) {
  (void)state;
  static const char *const lines[] = {
      "\n",
      "Welcome to gpu01!\n",
      " penstock-stream: open\n",
      "penstock-stream: opened\n",
      "penstock-stream: open \n",
      "penstock-stream: refusedly\n",
      "penstock-stream:\n",
      "penstock-stream: \n",
      "penstock-stream: open\r\n",
  };
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    assert_int_equal(read_text(lines[i], strlen(lines[i])), SCRIPT_STREAM_FAILED);
    assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
    assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
    assert_true(error.next[0] != '\0');
  }
  assert_int_equal(read_text("penstock-stream: open\0\n", 23), SCRIPT_STREAM_FAILED);
}

static void test_flood(void **state) {
  (void)state;
  char text[2 * SCRIPT_STREAM_LINE_MAX];
  memset(text, 'x', sizeof(text));
  assert_int_equal(read_text(text, SCRIPT_STREAM_LINE_MAX - 1), SCRIPT_STREAM_UNKNOWN);
  assert_int_equal(read_text(text, SCRIPT_STREAM_LINE_MAX), SCRIPT_STREAM_FAILED);
  assert_int_equal(read_text(text, sizeof(text)), SCRIPT_STREAM_FAILED);
  static const char refused[] = "penstock-stream: refused ";
  for (size_t i = 0; i + 1 < sizeof(refused); i++) {
    text[i] = refused[i];
  }
  text[SCRIPT_STREAM_LINE_MAX - 1] = '\n';
  assert_int_equal(read_text(text, sizeof(text)), SCRIPT_STREAM_REFUSED);
  assert_int_equal(used, SCRIPT_STREAM_LINE_MAX);
}

static void test_ended_before_the_line(void **state) {
  (void)state;
  script_stream_end end = {127, "", "sh: docker: not found\n"};
  script_stream_ended("gpu01", 0, &end, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.what, "gpu01"));
  assert_non_null(strstr(error.what, "status 127 (there is no such program)"));
  assert_string_equal(error.detail, "sh: docker: not found\n");
  end.status = 126;
  script_stream_ended("gpu01", 0, &end, &error);
  assert_non_null(strstr(error.what, "cannot be run"));
}

static void test_ended_within_the_stream(void **state) {
  (void)state;
  script_stream_end end = {-1, "KILL", ""};
  script_stream_ended("gpu01", 1, &end, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_STREAM);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.what, "signal KILL"));
  end.signal = "";
  script_stream_ended("gpu01", 1, &end, &error);
  assert_non_null(strstr(error.what, "nobody said how"));
}

/* The shell must not have to read on after the line that becomes the stream: what follows is the stream's. */
static void test_wrap(void **state) {
  (void)state;
  size_t size = 0;
  char *wrapped = script_stream_wrap("exec cat", 8, "0123", &size);
  assert_non_null(wrapped);
  assert_int_equal(strlen(wrapped), size);
  assert_int_equal(wrapped[size - 1], '\n');
  const char *last = strstr(wrapped, "\n}\n");
  assert_non_null(last);
  assert_ptr_equal(strchr(last + 3, '\n'), wrapped + size - 1);
  free(wrapped);
}

/* A real shell that finds the first bytes of the stream right behind the script. */
static void test_wrap_leaves_the_rest_to_the_command(void **state) {
  (void)state;
  size_t size = 0;
  static const char body[] = "printf 'penstock-stream: open\\n'; exec cat";
  char *wrapped = script_stream_wrap(body, strlen(body), "0123", &size);
  char path[] = "/tmp/penstock-test-XXXXXX";
  char command[128];
  char output[256] = "";
  assert_non_null(wrapped);
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, wrapped, size), (ssize_t)size);
  (void)close(fd);
  (void)snprintf(command, sizeof(command), "{ cat %s; sleep 0.2; echo bytes; } | /bin/sh -s", path);
  FILE *shell = popen(command, "r");
  assert_non_null(shell);
  size_t got = fread(output, 1, sizeof(output) - 1, shell);
  assert_int_equal(pclose(shell), 0);
  const char *begin = script_stream_begin(output, got, "0123");
  assert_non_null(begin);
  assert_string_equal(begin, "penstock-stream: open\nbytes\n");
  assert_null(script_stream_begin(output, got, "0124"));
  assert_null(script_stream_begin(output, (size_t)(begin - output) - 1, "0123"));
  assert_int_equal(unlink(path), 0);
  free(wrapped);
}

static void test_tail(void **state) {
  (void)state;
  script_stream_tail tail = {.size = 0};
  char text[SCRIPT_STREAM_TAIL * 2];
  script_stream_keep(&tail, "a\0b", 3);
  assert_string_equal(tail.text, "a?b");
  memset(text, 'x', sizeof(text));
  script_stream_keep(&tail, text, SCRIPT_STREAM_TAIL - 2);
  assert_int_equal(strlen(tail.text), SCRIPT_STREAM_TAIL);
  assert_memory_equal(tail.text, "?bx", 3);
  text[sizeof(text) - 1] = 'z';
  text[sizeof(text) - SCRIPT_STREAM_TAIL] = 'y';
  script_stream_keep(&tail, text, sizeof(text));
  assert_int_equal(tail.text[0], 'y');
  assert_int_equal(tail.text[SCRIPT_STREAM_TAIL - 1], 'z');
  assert_int_equal(strlen(tail.text), SCRIPT_STREAM_TAIL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_open),
      cmocka_unit_test(test_open_in_pieces),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_failed),
      cmocka_unit_test(test_impossible),
      cmocka_unit_test(test_words_without_text),
      cmocka_unit_test(test_something_else),
      cmocka_unit_test(test_flood),
      cmocka_unit_test(test_ended_before_the_line),
      cmocka_unit_test(test_ended_within_the_stream),
      cmocka_unit_test(test_wrap),
      cmocka_unit_test(test_wrap_leaves_the_rest_to_the_command),
      cmocka_unit_test(test_tail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
