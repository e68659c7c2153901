/* SPDX-License-Identifier: MIT */
/* What a gateway has told of itself, as a status shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/told.h"

static penstock_error error_of(uint32_t leg, const char *what) {
  penstock_error error;
  (void)penstock_fail(&error, leg, PENSTOCK_CLASS_TRANSIENT, "%s", what);
  return error;
}

static const char *text_in(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}

/* The legs as one word each, "tcp auth!" with a mark at what failed. */
static void expect_legs(const ps_told *told, const char *expected) {
  char words[512] = "";
  size_t index;
  const json_t *leg;
  json_t *all = ps_told_json(told);
  json_array_foreach(json_object_get(all, "legs"), index, leg) {
    size_t used = strlen(words);
    (void)snprintf(words + used, sizeof(words) - used, "%s%s%s", used ? " " : "", text_in(leg, "leg"),
                   json_is_true(json_object_get(leg, "ok")) ? "" : "!");
  }
  assert_string_equal(words, expected);
  json_decref(all);
}

static void pass(ps_told *told, uint32_t leg) {
  ps_told_leg_is(told, leg, 1000, NULL, NULL);
}

static void test_legs_are_those_of_the_way_that_there_is(void **state) {
  (void)state;
  ps_told told;
  penstock_error error = error_of(PENSTOCK_LEG_TCP, "gone");
  ps_told_begin(&told);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  for (int host = 0; host < 2; host++) { /* one on the way, and the one at its end */
    pass(&told, PENSTOCK_LEG_TCP);
    pass(&told, PENSTOCK_LEG_HOST_KEY);
    pass(&told, PENSTOCK_LEG_AUTH);
  }
  pass(&told, PENSTOCK_LEG_ENDPOINT);
  expect_legs(&told, "tcp host-key auth tcp host-key auth endpoint");
  /* The solver is looked for anew: the link stays what it is. */
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  ps_told_leg_is(&told, PENSTOCK_LEG_ENDPOINT, 0, NULL, &error);
  expect_legs(&told, "tcp host-key auth tcp host-key auth endpoint!");
  /* The link is lost, and the next try gets less far. */
  ps_told_state(&told, PS_STATE_DOWN, &error, 500);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  ps_told_leg_is(&told, PENSTOCK_LEG_TCP, 0, NULL, &error);
  expect_legs(&told, "tcp!");
}

static void test_legs_are_bounded(void **state) {
  (void)state;
  ps_told told;
  ps_told_begin(&told);
  for (int i = 0; i < 3 * PS_TOLD_LEGS; i++) {
    pass(&told, PENSTOCK_LEG_TCP);
  }
  pass(&told, PENSTOCK_LEG_AUTH);
  assert_int_equal(told.leg_count, PS_TOLD_LEGS);
  assert_int_equal(told.legs[PS_TOLD_LEGS - 1].leg, PENSTOCK_LEG_AUTH);
}

static void test_a_reason_stays_until_it_is_up(void **state) {
  (void)state;
  ps_told told;
  penstock_error error = error_of(PENSTOCK_LEG_TCP, "gone");
  ps_told_begin(&told);
  ps_told_state(&told, PS_STATE_DOWN, &error, 60000);
  json_t *all = ps_told_json(&told);
  assert_string_equal(text_in(all, "state"), "down");
  assert_string_equal(text_in(json_object_get(all, "reason"), "what"), "gone");
  assert_in_range(json_integer_value(json_object_get(all, "next_try_ms")), 50000, 60000);
  json_decref(all);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  all = ps_told_json(&told);
  assert_string_equal(text_in(json_object_get(all, "reason"), "what"), "gone");
  assert_true(json_is_null(json_object_get(all, "next_try_ms")));
  json_decref(all);
  ps_told_state(&told, PS_STATE_UP, NULL, 0);
  ps_told_serving(&told, 1, "0.18");
  all = ps_told_json(&told);
  assert_true(json_is_null(json_object_get(all, "reason")));
  assert_string_equal(text_in(json_object_get(all, "last_error"), "what"), "gone");
  assert_string_equal(text_in(json_object_get(all, "solver"), "protocol_version"), "0.18");
  json_decref(all);
  ps_told_state(&told, PS_STATE_DOWN, &error, 0);
  all = ps_told_json(&told);
  assert_true(json_is_null(json_object_get(all, "next_try_ms")));
  assert_true(json_is_null(json_object_get(all, "solver")));
  json_decref(all);
}

static void test_a_state_that_stays_keeps_its_time(void **state) {
  (void)state;
  ps_told told;
  penstock_error error = error_of(PENSTOCK_LEG_TCP, "another");
  ps_told_begin(&told);
  ps_told_state(&told, PS_STATE_DOWN, &error, 1);
  uint64_t since = told.since.ns;
  ps_told_state(&told, PS_STATE_DOWN, &error, 1);
  assert_int_equal(told.since.ns, since);
  ps_told_progress(&told, "doing");
  ps_told_state(&told, PS_STATE_UP, NULL, 0);
  assert_true(told.since.ns > since);
  assert_string_equal(told.progress, "");
}

static void test_tries_are_counted(void **state) {
  (void)state;
  ps_told told;
  penstock_error error = error_of(PENSTOCK_LEG_TCP, "gone");
  ps_told_begin(&told);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0); /* the first of all */
  for (int i = 0; i < 3; i++) {
    ps_told_state(&told, PS_STATE_DOWN, &error, 1);
    ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  }
  assert_int_equal(told.retries, 3);
  ps_told_state(&told, PS_STATE_UP, NULL, 0);
  assert_int_equal(told.retries, 0);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0); /* the solver is gone, the link is not */
  ps_told_state(&told, PS_STATE_LAUNCHING, NULL, 0);
  json_t *all = ps_told_json(&told);
  assert_int_equal(json_integer_value(json_object_get(all, "retries")), 1);
  assert_int_equal(json_integer_value(json_object_get(all, "retries_total")), 4);
  json_decref(all);
  ps_told_state(&told, PS_STATE_UP, NULL, 0);
  ps_told_state(&told, PS_STATE_HUNG, &error, 0);
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0); /* so it is if it was served and hung */
  assert_int_equal(told.retries_all, 5);
  ps_told_state(&told, PS_STATE_UP, NULL, 0);
  ps_told_wanted(&told, 1); /* a restart, say */
  ps_told_state(&told, PS_STATE_CONNECTING, NULL, 0);
  assert_int_equal(told.retries, 0);
  ps_told_state(&told, PS_STATE_DOWN, &error, 1);
  ps_told_wanted(&told, 1);
  ps_told_wanted(&told, 0); /* nothing came of it */
  ps_told next;
  ps_told_begin(&next);
  ps_told_state(&next, PS_STATE_UP, NULL, 0);
  ps_told_take(&told, &next);
  assert_int_equal(told.retries, 0);
  assert_int_equal(told.retries_all, 5);
}

static void test_bytes_that_are_no_text_are_shown(void **state) {
  (void)state;
  ps_told told;
  penstock_error error = error_of(PENSTOCK_LEG_TCP, "a \xff b");
  ps_told_begin(&told);
  ps_told_state(&told, PS_STATE_DOWN, &error, 1);
  ps_told_leg_is(&told, PENSTOCK_LEG_TCP, 1, "c \xfe d", NULL);
  ps_told_progress(&told, "\xc3");
  json_t *all = ps_told_json(&told);
  assert_non_null(all);
  assert_string_equal(text_in(json_object_get(all, "reason"), "what"), "a \\xff b");
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_legs_are_those_of_the_way_that_there_is),
      cmocka_unit_test(test_legs_are_bounded),
      cmocka_unit_test(test_a_reason_stays_until_it_is_up),
      cmocka_unit_test(test_a_state_that_stays_keeps_its_time),
      cmocka_unit_test(test_tries_are_counted),
      cmocka_unit_test(test_bytes_that_are_no_text_are_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
