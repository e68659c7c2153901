/* SPDX-License-Identifier: MIT */
/*
 * A transport with several ways to the endpoint, of which some accept connections and lead nowhere: the lane asks by
 * the next one before it believes anything of the solver.
 */
#include "gateway_rig.h"
#include "lane/internal.h"

/* `questions`: how the server treats them by a way that is dead. */
static void reset_fake(fake_server questions, int dead_ways) {
  fake_reset();
  fake.way = "some way";
  fake.for_questions = questions;
  fake.dead_ways = dead_ways;
}

/* --- a solver that runs ------------------------------------------------------------------------- */

static void test_a_solver_is_found_by_another_way(void **state) {
  static const fake_server servers[] = {FAKE_CLOSES, FAKE_RESETS, FAKE_MUTE};
  (void)state;
  for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
    run self = {.act = ask_once, .point = AT_SERVING};
    reset_fake(servers[i], 2);
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(self.adopted, 1);
    assert_int_equal(fake.doubts, 2);
    assert_int_equal(fake.doubted, PENSTOCK_DOUBT_MUTE);
    assert_int_equal(fake.identifies + fake.launches, 0);
  }
}

static void test_what_answers_at_once_is_not_doubted(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  reset_fake(FAKE_ANSWERS, 1);
  go(&self);
  assert_int_equal(fake.doubts, 0);
  assert_int_equal(fake.opens, 2); /* the question's and the client's */
}

static void test_who_refuses_is_not_doubted(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  reset_fake(FAKE_ANSWERS, 1);
  fake.listening = 0;
  go(&self);
  assert_int_equal(fake.doubts, 0);
  assert_int_equal(fake.launches, 1);
}

/* A dead way is quick on a machine that is slow: the next one has the time that the machine was found to need. */
static void test_a_dead_way_takes_no_time_from_the_next(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  reset_fake(FAKE_RESETS, 1);
  fake.late_opens = 1;
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(fake.opens, 3);
  assert_int_equal(fake.open_limits[0], 4000);
  assert_int_equal(fake.open_limits[1], 8000); /* dead */
  assert_int_equal(fake.open_limits[2], 8000);
}

/* --- no other way ------------------------------------------------------------------------------- */

static void refuse_identify(void) {
  fake.identify = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_ENDPOINT;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
}

/* Who listens there is no stranger whom the user should end. */
static void test_a_dead_end_is_told_and_not_who_listens(void **state) {
  static const fake_server servers[] = {FAKE_CLOSES, FAKE_RESETS, FAKE_MUTE};
  (void)state;
  for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
    run self = {.act = NULL, .point = NEVER, .check_only = 1};
    reset_fake(servers[i], 0);
    fake.has_words = 1;
    refuse_identify();
    go(&self);
    /* Who is silent may only be busy. */
    assert_int_equal(self.error.error_class, servers[i] == FAKE_MUTE ? PENSTOCK_CLASS_REFUSED : PENSTOCK_CLASS_CONFIG);
    assert_string_equal(self.error.what, "the fake's only way leads nowhere");
    assert_string_equal(self.error.next, "make another one");
    assert_int_equal(fake.identifies, 1);
    assert_int_equal(fake.launches, 0);
  }
}

static void test_who_listens_is_told_where_the_way_is_good(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  reset_fake(FAKE_CLOSES, 0);
  refuse_identify();
  go(&self);
  assert_string_equal(self.error.what, "the fake fails as it was told");
}

static void test_nobody_at_a_dead_end_is_launched(void **state) {
  static const fake_server servers[] = {FAKE_CLOSES, FAKE_RESETS};
  (void)state;
  for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
    run self = {.act = ask_once, .point = AT_SERVING};
    reset_fake(servers[i], 0);
    fake.has_words = 1;
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(fake.launches, 1);
  }
}

/* --- a solver that was launched ----------------------------------------------------------------- */

static void test_a_launched_solver_is_reached_by_another_way(void **state) {
  static const fake_server servers[] = {FAKE_CLOSES, FAKE_RESETS, FAKE_MUTE};
  (void)state;
  for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
    run self = {.act = ask_once, .point = AT_SERVING};
    reset_fake(FAKE_ANSWERS, 1);
    fake.listening = 0;
    fake.after_launch = servers[i];
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(fake.launches, 1);
    assert_int_equal(fake.doubts, 1);
  }
}

static void test_a_dead_end_after_a_launch_is_told(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  reset_fake(FAKE_ANSWERS, 0);
  fake.listening = 0;
  fake.after_launch = FAKE_RESETS;
  fake.has_words = 1;
  set(&self, "ready_timeout", "300ms");
  go(&self);
  assert_non_null(strstr(self.error.what, "Server startup timed out"));
  assert_non_null(strstr(self.error.detail, "the fake's only way leads nowhere"));
  assert_string_equal(self.error.next, "make another one");
}

static void test_a_dead_end_after_a_launch_is_not_waited_for_long(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  uint64_t begun = uv_hrtime();
  reset_fake(FAKE_ANSWERS, 0);
  fake.listening = 0;
  fake.after_launch = FAKE_CLOSES;
  fake.has_words = 1;
  go(&self);
  assert_string_equal(self.error.what, "the fake's only way leads nowhere");
  assert_in_range((uv_hrtime() - begun) / 1000000, 2000, 10000); /* and not 16 s */
}

static void test_without_words_it_is_told_what_came(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  reset_fake(FAKE_ANSWERS, 0);
  fake.listening = 0;
  fake.after_launch = FAKE_RESETS;
  set(&self, "ready_timeout", "300ms");
  go(&self);
  assert_string_equal(self.error.detail, "last answer: the connection was accepted, and ended without a byte");
}

static void test_what_no_waiting_mends_is_told_at_once(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  reset_fake(FAKE_ANSWERS, 0);
  fake.listening = 0;
  fake.fail_opens = 1000;
  fake.fail_leg = PENSTOCK_LEG_ENDPOINT;
  fake.fail_class = PENSTOCK_CLASS_CONFIG;
  go(&self);
  assert_string_equal(self.error.what, "the fake does not open");
  assert_int_equal(self.error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(fake.opens, 2);
  assert_int_equal(fake.stops, 1);
}

/* --- one that was served ------------------------------------------------------------------------ */

static void lose_by_reset(run *self) {
  fake.for_clients = FAKE_RESETS;
  fake.for_questions = FAKE_RESETS;
  (void)ask(self);
  while (fake.launches == 0) {
    (void)usleep(1000);
  }
  fake.for_clients = FAKE_ANSWERS;
  assert_int_equal(ask(self), 1);
}

/* It is the solver that has died, and no question more is asked. */
static void test_a_way_that_has_served_is_not_doubted(void **state) {
  (void)state;
  run self = {.act = lose_by_reset, .point = AT_SERVING};
  reset_fake(FAKE_ANSWERS, 1);
  go(&self);
  assert_int_equal(self.servings, 2);
  assert_int_equal(fake.doubts, 0);
}

/* Unless the launch finds that it lives. */
static void test_a_way_that_has_served_is_doubted_if_the_solver_lives(void **state) {
  (void)state;
  run self = {.act = lose_by_reset, .point = AT_SERVING};
  reset_fake(FAKE_ANSWERS, 1);
  fake.launch = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_ENDPOINT;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
  go(&self);
  assert_int_equal(self.servings, 2);
  assert_int_equal(fake.doubts, 1);
  assert_int_equal(fake.launches, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_solver_is_found_by_another_way),
      cmocka_unit_test(test_what_answers_at_once_is_not_doubted),
      cmocka_unit_test(test_who_refuses_is_not_doubted),
      cmocka_unit_test(test_a_dead_way_takes_no_time_from_the_next),
      cmocka_unit_test(test_a_dead_end_is_told_and_not_who_listens),
      cmocka_unit_test(test_who_listens_is_told_where_the_way_is_good),
      cmocka_unit_test(test_nobody_at_a_dead_end_is_launched),
      cmocka_unit_test(test_a_launched_solver_is_reached_by_another_way),
      cmocka_unit_test(test_a_dead_end_after_a_launch_is_told),
      cmocka_unit_test(test_a_dead_end_after_a_launch_is_not_waited_for_long),
      cmocka_unit_test(test_without_words_it_is_told_what_came),
      cmocka_unit_test(test_what_no_waiting_mends_is_told_at_once),
      cmocka_unit_test(test_a_way_that_has_served_is_not_doubted),
      cmocka_unit_test(test_a_way_that_has_served_is_doubted_if_the_solver_lives),
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
