/* SPDX-License-Identifier: MIT */
/* A solver that has ended: is it launched again, and what is said of its end? */
#include "gateway_rig.h"

static void finish(run *self, int end, const char *restart) {
  self->point = AT_SERVING;
  fake.end = end;
  set(self, "restart", restart);
  set(self, "hold", "300ms");
  go(self);
  assert_int_equal(self->result, 0);
}

static void lose_and_ask(run *self) {
  fake.listening = 0;
  assert_int_equal(ask(self), 1);
}

static void lose_and_be_refused(run *self) {
  fake.listening = 0;
  (void)ask(self);
  while (self->downs == 0) {
    (void)usleep(1000);
  }
}

static void test_what_is_launched_again(void **state) {
  (void)state;
  static const struct {
    const char *restart;
    int end;
    int is_launched;
  } cases[] = {
      {"always", PENSTOCK_END_CLEAN, 1},
      {"always", PENSTOCK_END_FAILED, 1},
      {"always", PENSTOCK_END_UNKNOWN, 1},
      {"on-failure", PENSTOCK_END_CLEAN, 0},
      {"on-failure", PENSTOCK_END_FAILED, 1},
      {"on-failure", PENSTOCK_END_UNKNOWN, 1},
      {"on-failure", -1, 1},
      {"never", PENSTOCK_END_CLEAN, 0},
      {"never", PENSTOCK_END_FAILED, 0},
      {"never", -1, 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    run self = {.act = cases[i].is_launched ? lose_and_ask : lose_and_be_refused};
    fake_reset();
    finish(&self, cases[i].end, cases[i].restart);
    assert_int_equal(fake.launches, cases[i].is_launched);
    int is_known = cases[i].end > PENSTOCK_END_UNKNOWN;
    assert_string_equal(self.ended, is_known ? "the fake's solver ended as it was told" : "");
    if (!cases[i].is_launched) {
      assert_non_null(strstr(self.down, cases[i].restart));
      assert_int_equal(strstr(self.down, "; the fake's solver ended as it was told") != NULL, is_known);
    }
  }
}

/* What cannot be asked is a failure like any other. */
static void test_a_look_that_fails_hinders_nothing(void **state) {
  (void)state;
  static const int ways[] = {FAKE_FAIL, FAKE_LATER};
  for (size_t i = 0; i < 2; i++) {
    run self = {.act = lose_and_ask};
    fake_reset();
    fake.end_look = ways[i];
    fake.error_leg = PENSTOCK_LEG_EXEC;
    fake.error_class = PENSTOCK_CLASS_TRANSIENT;
    finish(&self, PENSTOCK_END_FAILED, "on-failure");
    assert_int_equal(fake.end_looks, 1);
    assert_int_equal(fake.launches, 1);
  }
}

static void test_nobody_asks_before_the_first_launch(void **state) {
  (void)state;
  run self = {.act = ask_once};
  fake_reset();
  fake.listening = 0;
  finish(&self, PENSTOCK_END_CLEAN, "on-failure");
  assert_int_equal(fake.end_looks, 0);
  assert_int_equal(fake.launches, 1);
}

static void lose_without_end(run *self) {
  while (!self->limit_seen) {
    fake.listening = 0;
    (void)ask(self);
  }
}

static void test_the_limit_tells_of_the_last_end(void **state) {
  (void)state;
  run self = {.act = lose_without_end};
  fake_reset();
  set(&self, "restart_limit", "2");
  finish(&self, PENSTOCK_END_FAILED, "on-failure");
  assert_int_equal(fake.launches, 2);
  assert_non_null(strstr(self.down, "ended each time; the fake's solver ended as it was told"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_launched_again),
      cmocka_unit_test(test_a_look_that_fails_hinders_nothing),
      cmocka_unit_test(test_nobody_asks_before_the_first_launch),
      cmocka_unit_test(test_the_limit_tells_of_the_last_end),
  };
  return cmocka_run_group_tests_name("restart", tests, begin_server, end_server);
}
