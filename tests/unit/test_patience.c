/* SPDX-License-Identifier: MIT */
/* How long the lane's probe waits for its stream. */
#include "gateway_rig.h"
#include "lane/internal.h"

static void test_patience(void **state) {
  (void)state;
  assert_int_equal(ps_probe_patience(4000, 0, 16000), 4000);
  assert_int_equal(ps_probe_patience(4000, 1, 12000), 8000);
  assert_int_equal(ps_probe_patience(4000, 2, 4000), 4000);
  assert_int_equal(ps_probe_patience(4000, 2, 15000), 15000);
  assert_int_equal(ps_probe_patience(4000, 2, 0), 4000);
  assert_int_equal(ps_probe_patience(4000, 0, 100), 4000); /* as ever, however short ready_timeout is */
  assert_int_equal(ps_probe_patience(4000, 1000, 86400000), 86400000);
}

/* An engine that is slow is given longer, by a check too, which ends with the first failure. */
static void test_a_late_stream_is_waited_for_longer(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.late_opens = 1;
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.servings, 1);
  assert_int_equal(fake.opens, 2);
  assert_int_equal(fake.open_limits[0], 4000);
  assert_int_equal(fake.open_limits[1], 8000);
}

/* What ready_timeout leaves is the end of it, and then the words of the transport are told. */
static void test_a_stream_that_is_late_again_and_again(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.late_opens = 3;
  set(&self, "ready_timeout", "5s");
  go(&self);
  assert_int_not_equal(self.result, 0);
  assert_string_equal(self.error.what, "the fake does not open");
  assert_int_equal(fake.opens, 3);
  assert_int_equal(fake.open_limits[2], 4000);
  assert_int_equal(fake.identifies, 0);
}

/* The same of one that does not end by itself; who listens there may then take longer to find out, too. */
static void test_a_stream_that_never_opens(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.stuck_opens = 1;
  fake.for_questions = FAKE_CLOSES;
  fake.identify = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_ENDPOINT;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
  go(&self);
  assert_int_equal(fake.open_limits[0], 4000);
  assert_int_equal(fake.open_limits[1], 8000);
  assert_int_equal(fake.identifies, 1);
  assert_int_equal(fake.identify_limit, 5000); /* the second one was quick */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_patience),
      cmocka_unit_test(test_a_late_stream_is_waited_for_longer),
      cmocka_unit_test(test_a_stream_that_is_late_again_and_again),
      cmocka_unit_test(test_a_stream_that_never_opens),
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
