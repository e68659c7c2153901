/* SPDX-License-Identifier: MIT */
/* Frames of a control connection that has become a stream, cut wherever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/frames.h"

/* Feeds in pieces of `step` bytes; what was in the frames goes to `out`. Returns how much. */
static size_t feed(ps_frames *frames, const char *data, size_t size, size_t step, char *out) {
  size_t got = 0;
  for (size_t at = 0; at < size && !frames->is_bad;) {
    const char *part;
    size_t part_size;
    size_t piece = size - at < step ? size - at : step;
    size_t used = ps_frames_take(frames, data + at, piece, &part, &part_size);
    memcpy(out + got, part, part_size);
    got += part_size;
    at += used;
    assert_true(used > 0 || frames->is_bad);
  }
  return got;
}

static void test_any_cut(void **state) {
  static const char data[] = "\0\0\0\5hello\0\0\0\1 \0\0\0\5world\0\0\0\0";
  (void)state;
  for (size_t step = 1; step < sizeof(data); step++) {
    ps_frames frames = {0};
    char out[64];
    assert_int_equal(feed(&frames, data, sizeof(data) - 1, step, out), 11);
    assert_memory_equal(out, "hello world", 11);
    assert_true(frames.has_ended);
    assert_false(frames.is_bad);
  }
}

static void test_head(void **state) {
  unsigned char head[PS_FRAME_HEAD];
  ps_frames frames = {0};
  const char *part;
  size_t size;
  (void)state;
  ps_frames_head(head, PS_FRAME_MOST);
  assert_memory_equal(head, "\0\1\0\0", 4);
  assert_int_equal(ps_frames_take(&frames, (const char *)head, 4, &part, &size), 4);
  assert_int_equal(size, 0);
  assert_int_equal(frames.left, PS_FRAME_MOST);
  assert_false(frames.is_bad);
}

static void test_nonsense(void **state) {
  ps_frames frames = {0};
  ps_frames late = {0};
  char out[64];
  (void)state;
  assert_int_equal(feed(&frames, "\0\1\0\1x", 5, 5, out), 0);
  assert_true(frames.is_bad);
  assert_int_equal(feed(&late, "\0\0\0\0x", 5, 5, out), 0);
  assert_true(late.is_bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_cut),
      cmocka_unit_test(test_head),
      cmocka_unit_test(test_nonsense),
  };
  return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
