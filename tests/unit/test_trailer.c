/* SPDX-License-Identifier: MIT */
/* The end of a command's stream: output and trailer are told apart wherever the stream is cut into pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/trailer.h"

#define MARK "penstock-end-pe1234"

static int keep(void *context, const void *data, size_t size) {
  ps_text_add(context, data, size);
  return 0;
}

static int refuse(void *context, const void *data, size_t size) {
  (void)context;
  (void)data;
  return size ? PENSTOCK_E_CANCELLED : 0;
}

/* Reads a stream in pieces of a size; the end and the output are the caller's. */
static int read_all(ps_trailer *self, const char *stream, size_t size, size_t piece, ps_text *output) {
  int result = 0;
  assert_int_equal(ps_trailer_begin(self, MARK), 0);
  for (size_t at = 0; at < size && result == 0; at += piece) {
    size_t count = size - at < piece ? size - at : piece;
    char *copy = malloc(count); /* so that a sanitizer sees what is read beyond it */
    assert_non_null(copy);
    memcpy(copy, stream + at, count);
    result = ps_trailer_feed(self, copy, count, keep, output);
    free(copy);
  }
  return result;
}

static void expect(const char *stream, size_t size, const char *output, int status, const char *errors) {
  for (size_t piece = 1; piece <= size; piece++) {
    ps_trailer self;
    ps_text out = {0};
    assert_int_equal(read_all(&self, stream, size, piece, &out), 0);
    assert_true(self.is_whole);
    assert_int_equal(self.status, status);
    assert_int_equal(out.size, strlen(output));
    assert_memory_equal(out.data ? out.data : "", output, out.size);
    assert_int_equal(self.errors.size, strlen(errors));
    assert_memory_equal(self.errors.data ? self.errors.data : "", errors, self.errors.size);
    free(out.data);
    free(self.errors.data);
  }
}

#define EXPECT(stream, output, status, errors) expect(stream, sizeof(stream) - 1, output, status, errors)

static void output_and_end_are_told_apart(void **state) {
  (void)state;
  EXPECT(MARK " 0 0\n", "", 0, "");
  EXPECT("out" MARK " 3 4\nerr\n", "out", 3, "err\n");
  EXPECT("out\n" MARK " 255 1\n\n", "out\n", 255, "\n");
}

static void what_looks_like_the_mark_is_output(void **state) {
  (void)state;
  EXPECT("pppenstock-end-pe" MARK " 1 0\n", "pppenstock-end-pe", 1, "");
  EXPECT("penstock-end-penstock-end-pe1234 0 0\n", "penstock-end-", 0, "");
  EXPECT("penstock-end-pe123penstock-endpenstock-" MARK " 0 0\n", "penstock-end-pe123penstock-endpenstock-", 0, "");
}

static void what_follows_the_end_is_dropped(void **state) {
  (void)state;
  EXPECT(MARK " 0 2\nok and more " MARK " 9 9\n", "", 0, "ok");
}

static void bytes_pass_as_they_are(void **state) {
  (void)state;
  const char stream[] = "a\0p\xff" MARK " 0 0\n";
  for (size_t piece = 1; piece < sizeof(stream); piece++) {
    ps_trailer self;
    ps_text out = {0};
    assert_int_equal(read_all(&self, stream, sizeof(stream) - 1, piece, &out), 0);
    assert_true(self.is_whole);
    assert_int_equal(out.size, 4);
    assert_memory_equal(out.data, "a\0p\xff", 4);
    free(out.data);
  }
}

static void trailers_that_are_none(void **state) {
  (void)state;
  const char *const wrong[] = {MARK "\n",       MARK " \n",     MARK " 0\n",
                               MARK " 256 0\n", MARK " -1 0\n", MARK " 0 0 0\n",
                               MARK " x 0\n",   MARK "0 0\n",   MARK " 0 2000000\n",
                               MARK " 0 -1\n",  MARK " 0 x\n",  MARK " 0 0                               "};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    ps_trailer self;
    ps_text out = {0};
    assert_true(read_all(&self, wrong[i], strlen(wrong[i]), 7, &out) < 0);
    assert_false(self.is_whole);
    free(out.data);
  }
}

static void a_stream_that_is_cut_off_is_not_whole(void **state) {
  (void)state;
  const char stream[] = "out penstock-end-";
  ps_trailer self;
  ps_text out = {0};
  assert_int_equal(read_all(&self, stream, strlen(stream), 3, &out), 0);
  assert_false(self.is_whole);
  assert_int_equal(out.size, 4);
  assert_int_equal(ps_trailer_flush(&self, keep, &out), 0);
  assert_int_equal(out.size, strlen(stream));
  assert_memory_equal(out.data, stream, out.size);
  assert_int_equal(ps_trailer_flush(&self, keep, &out), 0);
  assert_int_equal(out.size, strlen(stream));
  free(out.data);
}

static void a_reader_that_takes_no_more_is_heard(void **state) {
  (void)state;
  ps_trailer self;
  assert_int_equal(ps_trailer_begin(&self, MARK), 0);
  assert_int_equal(ps_trailer_feed(&self, "out", 3, refuse, NULL), PENSTOCK_E_CANCELLED);
}

static void marks_that_are_none(void **state) {
  (void)state;
  ps_trailer self;
  char longer[PS_TRAILER_MARK_MAX + 2];
  memset(longer, 'x', sizeof(longer) - 1);
  longer[sizeof(longer) - 1] = '\0';
  assert_true(ps_trailer_begin(&self, NULL) < 0);
  assert_true(ps_trailer_begin(&self, "") < 0);
  assert_true(ps_trailer_begin(&self, longer) < 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(output_and_end_are_told_apart),
      cmocka_unit_test(what_looks_like_the_mark_is_output),
      cmocka_unit_test(what_follows_the_end_is_dropped),
      cmocka_unit_test(bytes_pass_as_they_are),
      cmocka_unit_test(trailers_that_are_none),
      cmocka_unit_test(a_stream_that_is_cut_off_is_not_whole),
      cmocka_unit_test(a_reader_that_takes_no_more_is_heard),
      cmocka_unit_test(marks_that_are_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
