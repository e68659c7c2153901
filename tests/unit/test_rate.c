/* SPDX-License-Identifier: MIT */
/* How fast something goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rate.h"

/* Far from zero, as the clock of a machine that has been on for long. */
#define BEGIN UINT64_C(987654321)

static void test_a_steady_flow_is_what_it_is(void **state) {
  (void)state;
  ps_rate rate = {0};
  for (uint64_t ms = 0; ms < 5000; ms += 10) {
    ps_rate_add(&rate, BEGIN + ms, 1000);
  }
  assert_in_range(ps_rate_now(&rate, BEGIN + 5000), 95000, 105000);
}

static void test_what_is_over_is_forgotten(void **state) {
  (void)state;
  ps_rate rate = {0};
  ps_rate_add(&rate, BEGIN, 1000000);
  assert_in_range(ps_rate_now(&rate, BEGIN), 400000, 500000);
  assert_in_range(ps_rate_now(&rate, BEGIN + 1500), 400000, 500000);
  assert_int_equal(ps_rate_now(&rate, BEGIN + 2500), 0);
  /* Slots that nobody has passed hold nothing of an earlier round. */
  for (uint64_t pause = 250; pause < 10000; pause += 250) {
    rate = (ps_rate){0};
    for (uint64_t ms = 0; ms < 2250; ms += 250) {
      ps_rate_add(&rate, BEGIN + ms, 1000000);
    }
    ps_rate_add(&rate, BEGIN + 2000 + pause, 2);
    uint64_t left = ps_rate_now(&rate, BEGIN + 2000 + pause);
    if (pause >= 2250) {
      assert_in_range(left, 0, 1);
    } else {
      assert_in_range(left, 1000000 * ((2250 - pause) / 250) / 3, 1000000 * ((2500 - pause) / 250));
    }
  }
}

static void test_nothing_at_all(void **state) {
  (void)state;
  const ps_rate rate = {0};
  assert_int_equal(ps_rate_now(&rate, 0), 0);
  assert_int_equal(ps_rate_now(&rate, BEGIN), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_steady_flow_is_what_it_is),
      cmocka_unit_test(test_what_is_over_is_forgotten),
      cmocka_unit_test(test_nothing_at_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
