/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane/backoff.h"

static void test_doubles_up_to_the_maximum(void **state) {
  (void)state;
  ps_backoff backoff;
  ps_backoff_init(&backoff, 500, 30000, 42);
  uint64_t step = 500;
  for (int i = 0; i < 20; i++) {
    uint64_t delay = ps_backoff_next(&backoff);
    assert_in_range(delay, step / 2, step);
    step = step * 2 > 30000 ? 30000 : step * 2;
  }
  ps_backoff_reset(&backoff);
  assert_in_range(ps_backoff_next(&backoff), 250, 500);
}

static void test_two_lanes_do_not_keep_step(void **state) {
  (void)state;
  ps_backoff one;
  ps_backoff two;
  int same = 0;
  ps_backoff_init(&one, 1000, 60000, 1);
  ps_backoff_init(&two, 1000, 60000, 2);
  for (int i = 0; i < 10; i++) {
    same += ps_backoff_next(&one) == ps_backoff_next(&two);
  }
  assert_true(same < 5);
}

static void test_a_delay_apart_from_the_doubling(void **state) {
  (void)state;
  ps_backoff backoff;
  uint64_t low = 500;
  uint64_t high = 250;
  ps_backoff_init(&backoff, 1000, 60000, 3);
  for (int i = 0; i < 200; i++) {
    uint64_t delay = ps_backoff_between(&backoff, 250, 500);
    assert_in_range(delay, 250, 500);
    low = delay < low ? delay : low;
    high = delay > high ? delay : high;
  }
  assert_true(low < 280 && high > 470); /* spread over all of it */
  assert_int_equal(ps_backoff_between(&backoff, 7, 7), 7);
  assert_in_range(ps_backoff_next(&backoff), 500, 1000);
}

static void test_odd_bounds(void **state) {
  (void)state;
  ps_backoff backoff;
  ps_backoff_init(&backoff, 0, 0, 0);
  for (int i = 0; i < 5; i++) {
    assert_in_range(ps_backoff_next(&backoff), 0, 1);
  }
  ps_backoff_init(&backoff, 1000, 10, 7);
  assert_in_range(ps_backoff_next(&backoff), 500, 1000);
  assert_in_range(ps_backoff_next(&backoff), 500, 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_doubles_up_to_the_maximum),
      cmocka_unit_test(test_two_lanes_do_not_keep_step),
      cmocka_unit_test(test_a_delay_apart_from_the_doubling),
      cmocka_unit_test(test_odd_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
