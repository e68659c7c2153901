/* SPDX-License-Identifier: MIT */
/* The last records of the log, as they are kept for whoever asks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/log.h"
#include "log/ring.h"

typedef struct heard {
  size_t count;
  uint64_t first;
  uint64_t last;
  size_t bytes;
  char text[5000];
  char source[64];
  char next[512];
  char detail[4096];
  int has_error;
} heard;

static void hear(void *context, uint64_t number, const ps_log_record *record) {
  heard *self = context;
  if (self->count++ == 0) {
    self->first = number;
  } else {
    assert_int_equal(number, self->last + 1);
  }
  self->last = number;
  self->bytes += strlen(record->text);
  self->has_error = record->error != NULL;
  (void)snprintf(self->text, sizeof(self->text), "%s", record->text);
  (void)snprintf(self->source, sizeof(self->source), "%s", record->source);
  (void)snprintf(self->next, sizeof(self->next), "%s", record->error ? record->error->next : "");
  (void)snprintf(self->detail, sizeof(self->detail), "%s", record->error ? record->error->detail : "");
}

static heard read_ring(uint64_t after, size_t most) {
  heard all = {0};
  ps_log_ring_each(after, most, hear, &all);
  return all;
}

static void add(const char *text) {
  const ps_log_record record = {.level = PENSTOCK_LOG_INFO, .source = "lab", .text = text};
  ps_log_ring_add(&record);
}

static void test_what_was_said_comes_back(void **state) {
  (void)state;
  penstock_error error;
  (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "gone");
  penstock_next(&error, "look there");
  (void)snprintf(error.detail, sizeof(error.detail), "line 1\nline 2");
  const ps_log_record record = {.level = PENSTOCK_LOG_WARN, .source = NULL, .text = error.what, .error = &error};
  ps_log_ring_add(&record);
  heard all = read_ring(ps_log_ring_last() - 1, 10);
  assert_int_equal(all.count, 1);
  assert_string_equal(all.text, "gone");
  assert_string_equal(all.source, "gateway");
  assert_string_equal(all.next, "look there");
  assert_string_equal(all.detail, "line 1\nline 2");
  add("next");
  all = read_ring(0, 1);
  assert_int_equal(all.count, 1);
  assert_string_equal(all.text, "next");
  assert_string_equal(all.source, "lab");
  assert_false(all.has_error);
}

static void test_the_oldest_go(void **state) {
  (void)state;
  char text[32];
  for (int i = 0; i < 3 * PS_LOG_RING_RECORDS; i++) {
    (void)snprintf(text, sizeof(text), "line %d", i);
    add(text);
  }
  heard all = read_ring(0, SIZE_MAX);
  assert_int_equal(all.count, PS_LOG_RING_RECORDS);
  assert_int_equal(all.last, ps_log_ring_last());
  assert_string_equal(all.text, "line 1499");
  assert_int_equal(read_ring(all.last - 3, SIZE_MAX).count, 3);
  assert_int_equal(read_ring(all.last - 3, 2).count, 2);
  assert_int_equal(read_ring(all.last, SIZE_MAX).count, 0);
  assert_int_equal(read_ring(0, 0).count, 0);
}

static void test_long_lines_take_the_place_of_many(void **state) {
  (void)state;
  char *text = malloc(100000);
  memset(text, 'x', 100000);
  memcpy(text + 4094, "\xe2\x82\xac", 3); /* a character that does not end in time */
  text[99999] = '\0';
  for (int i = 0; i < 100; i++) {
    add(text);
  }
  free(text);
  heard all = read_ring(0, SIZE_MAX);
  assert_in_range(all.bytes, PS_LOG_RING_BYTES / 2, PS_LOG_RING_BYTES);
  assert_int_equal(strlen(all.text), 4094);
}

static atomic_size_t news;

static void on_news(void *context) {
  assert_ptr_equal(context, &news);
  atomic_fetch_add(&news, 1);
}

static void *log_much(void *unused) {
  for (int i = 0; i < 1000; i++) {
    ps_log(PENSTOCK_LOG_WARN, "thread", "line %d", i);
  }
  return unused;
}

static void test_threads_are_heard(void **state) {
  (void)state;
  pthread_t threads[4];
  penstock_error error;
  assert_int_equal(ps_log_open("/dev/null", PS_LOG_TEXT, PENSTOCK_LOG_WARN, &error), 0);
  uint64_t before = ps_log_ring_last();
  ps_log_ring_follow(on_news, &news);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, log_much, NULL), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  ps_log_ring_follow(NULL, NULL);
  ps_log(PENSTOCK_LOG_WARN, "main", "nobody listens");
  ps_log(PENSTOCK_LOG_INFO, "main", "below the level, so it is not kept");
  ps_log_close();
  assert_int_equal(news, 4000);
  assert_int_equal(ps_log_ring_last() - before, 4001);
  assert_string_equal(read_ring(0, 1).text, "nobody listens");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_was_said_comes_back),
      cmocka_unit_test(test_the_oldest_go),
      cmocka_unit_test(test_long_lines_take_the_place_of_many),
      cmocka_unit_test(test_threads_are_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
