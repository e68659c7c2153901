/* SPDX-License-Identifier: MIT */
/*
 * A solver behind something that accepts connections for it, as a container engine's port forwarder does: whether it
 * is there shows only in what comes back.
 */
#include "gateway_rig.h"
#include "lane/internal.h"

static void await(atomic_int *count, int least) {
  while (*count < least) {
    (void)usleep(1000);
  }
}

static void behave(fake_server clients, fake_server questions) {
  fake.for_clients = clients;
  fake.for_questions = questions;
}

/* --- nobody after all --------------------------------------------------------------------------- */

static void test_nobody_behind_a_forwarder_is_launched(void **state) {
  static const fake_server ways[] = {FAKE_CLOSES, FAKE_RESETS};
  (void)state;
  for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    run self = {.act = ask_once, .point = AT_SERVING};
    fake_reset();
    behave(ways[i], ways[i]);
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(self.adopted, 0);
    assert_int_equal(fake.identifies, ways[i] == FAKE_CLOSES); /* a reset says it all */
    assert_int_equal(fake.launches, 1);
  }
}

static void test_nobody_is_said_where_nothing_is_launched(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  behave(FAKE_CLOSES, FAKE_CLOSES);
  set(&self, "launch", "never");
  set(&self, "probe", "tcmd");
  go(&self);
  assert_int_equal(self.result, PENSTOCK_E_FAILED);
  assert_non_null(strstr(self.error.what, "nothing listens at the solver's endpoint: connections are accepted there"));
  assert_non_null(strstr(self.error.next, "launch = auto"));
  assert_int_equal(fake.identifies, 1);
  assert_int_equal(fake.launches, 0);
}

/* The launch says that the port is taken: looked again once, then the launch's words count. */
static void test_a_port_that_is_taken_after_all_ends_the_search(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  behave(FAKE_CLOSES, FAKE_CLOSES);
  fake.launch = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_LAUNCH;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
  go(&self);
  assert_int_equal(self.result, PENSTOCK_E_FAILED);
  assert_int_equal(self.error.leg, PENSTOCK_LEG_LAUNCH);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(fake.identifies, 2);
}

static void test_lanes_behind_a_forwarder_launch_once(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  behave(FAKE_CLOSES, FAKE_CLOSES);
  fake.ready = FAKE_LATER;
  set(&self, "lanes", "4");
  go(&self);
  assert_int_equal(fake.launches, 1);
}

/* --- a solver that dies there ------------------------------------------------------------------- */

static void lose_by_reset(run *self) {
  behave(FAKE_RESETS, FAKE_RESETS);
  assert_int_equal(ask(self), 0);
  await(&fake.launches, 1);
  assert_int_equal(ask(self), 1);
}

static void lose_by_end(run *self) {
  behave(FAKE_CLOSES, FAKE_CLOSES);
  assert_int_equal(ask(self), -1);
  await(&fake.launches, 1);
  assert_int_equal(ask(self), 1);
}

static void test_a_solver_that_died_is_launched_again(void **state) {
  (void)state;
  void (*const ways[])(run *) = {lose_by_reset, lose_by_end};
  for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    run self = {.act = ways[i], .point = AT_SERVING};
    fake_reset();
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(self.servings, 2);
    assert_int_equal(fake.launches, 1);
    assert_int_equal(fake.connects, 1); /* the link was kept */
  }
}

static void lose_to_a_stranger(run *self) {
  behave(FAKE_CLOSES, FAKE_CLOSES);
  assert_int_equal(ask(self), -1);
  await(&self->downs, 1);
  behave(FAKE_ANSWERS, FAKE_ANSWERS);
  assert_int_equal(ask(self), 1);
}

static void test_a_stranger_is_named_and_nothing_launched(void **state) {
  (void)state;
  run self = {.act = lose_to_a_stranger, .point = AT_SERVING};
  fake_reset();
  fake.identify = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_ENDPOINT;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
  go(&self);
  assert_true(fake.identifies >= 1);
  assert_int_equal(fake.launches, 0);
  assert_int_equal(self.servings, 2);
}

/* --- a solver that lives ------------------------------------------------------------------------ */

static void drop_one(run *self) {
  behave(FAKE_CLOSES, FAKE_ANSWERS);
  assert_int_equal(ask(self), -1);
  await(&fake.questions, 2); /* the first was the adoption */
  behave(FAKE_ANSWERS, FAKE_ANSWERS);
  assert_int_equal(ask(self), 1);
}

static void test_a_solver_that_answers_is_served_on(void **state) {
  (void)state;
  run self = {.act = drop_one, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.servings, 1);
  assert_int_equal(fake.questions, 2);
  assert_int_equal(fake.launches + fake.identifies, 0);
}

static void drop_many(run *self) {
  struct timespec begin;
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &begin);
  behave(FAKE_CLOSES, FAKE_ANSWERS);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(ask(self), -1);
  }
  await(&fake.questions, 3); /* one at once, and one at the pause's end for all that came in it */
  int asked = fake.questions - 1;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  long elapsed_ms = (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
  assert_true(elapsed_ms >= 499);
  assert_true(asked <= 1 + elapsed_ms / 499);
}

static void test_questions_keep_their_distance(void **state) {
  (void)state;
  run self = {.act = drop_many, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.servings, 1);
}

static void be_busy(run *self) {
  behave(FAKE_CLOSES, FAKE_MUTE);
  assert_int_equal(ask(self), -1);
  await(&fake.questions, 2);
  assert_int_equal(ask(self), -1); /* a doubt while it is being asked … */
  await(&fake.questions, 3);       /* … is a question when that has ended in silence */
  fake.for_clients = FAKE_ANSWERS;
  assert_int_equal(ask(self), 1);
}

/* Silence is not death; and the end comes while a question is unanswered. */
static void test_a_busy_solver_is_served_on(void **state) {
  (void)state;
  run self = {.act = be_busy, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.servings, 1);
  assert_int_equal(fake.launches + fake.identifies, 0);
}

static void lose_while_asked(run *self) {
  behave(FAKE_CLOSES, FAKE_MUTE);
  assert_int_equal(ask(self), -1);
  await(&fake.questions, 2);
  fake.listening = 0; /* an open is refused meanwhile */
  assert_int_equal(ask(self), 1);
}

static void test_what_is_seen_first_counts(void **state) {
  (void)state;
  run self = {.act = lose_while_asked, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.servings, 2);
  assert_int_equal(fake.launches, 1);
}

/* --- a solver that nobody uses ------------------------------------------------------------------ */

static void lose_unseen(run *self) {
  (void)self;
  fake.listening = 0;
  await(&fake.launches, 1);
}

static void test_the_end_of_one_that_nobody_uses_is_seen(void **state) {
  (void)state;
  run self = {.act = lose_unseen, .point = AT_SERVING};
  fake_reset();
  set(&self, "idle_check", "20ms");
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(fake.connects, 1);
}

static void leave_alone(run *self) {
  (void)self;
  await(&fake.questions, 3);
}

static void test_one_that_nobody_uses_is_only_asked(void **state) {
  (void)state;
  run self = {.act = leave_alone, .point = AT_SERVING};
  fake_reset();
  set(&self, "idle_check", "20ms");
  set(&self, "lanes", "3");
  go(&self);
  assert_int_equal(self.servings, 1);
  assert_int_equal(fake.launches + fake.identifies, 0);
}

/* --- what raises a doubt ------------------------------------------------------------------------ */

static void test_what_raises_a_doubt(void **state) {
  static const struct {
    ps_stream_end end;
    int raises;
  } cases[] = {
      {{.id = 1, .up_bytes = 24, .far_ended = 1}, 1},                                /* ended without an answer */
      {{.id = 1, .up_bytes = 24, .far_ended = 1, .aborted = 1}, 1},                  /* reset without one */
      {{.id = 1, .far_ended = 1, .aborted = 1}, 1},                                  /* … before a word */
      {{.id = 1, .up_bytes = 24, .down_bytes = 1, .far_ended = 1}, 0},               /* answered */
      {{.id = 1, .up_bytes = 24, .down_bytes = 1, .far_ended = 1, .aborted = 1}, 0}, /* … and cut short */
      {{.id = 1, .far_ended = 1}, 0},                                                /* a client that only looked */
      {{.id = 1, .up_bytes = 24, .aborted = 1}, 0},                                  /* a client that gave up */
      {{.id = 0, .up_bytes = 24, .far_ended = 1}, 0},                                /* a question's own stream */
      {{.id = 0, .up_bytes = 24, .far_ended = 1, .aborted = 1}, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_int_equal(ps_doubt_raised_by(&cases[i].end), cases[i].raises);
  }
}

static void drop_without_question(run *self) {
  behave(FAKE_CLOSES, FAKE_ANSWERS);
  assert_int_equal(ask(self), -1);
  behave(FAKE_ANSWERS, FAKE_ANSWERS);
  assert_int_equal(ask(self), 1);
}

static void test_what_is_no_solver_is_not_asked(void **state) {
  (void)state;
  run self = {.act = drop_without_question, .point = AT_SERVING};
  fake_reset();
  set(&self, "probe", "tcp");
  go(&self);
  assert_int_equal(fake.questions, 0);
  assert_int_equal(self.servings, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nobody_behind_a_forwarder_is_launched),
      cmocka_unit_test(test_nobody_is_said_where_nothing_is_launched),
      cmocka_unit_test(test_a_port_that_is_taken_after_all_ends_the_search),
      cmocka_unit_test(test_lanes_behind_a_forwarder_launch_once),
      cmocka_unit_test(test_a_solver_that_died_is_launched_again),
      cmocka_unit_test(test_a_stranger_is_named_and_nothing_launched),
      cmocka_unit_test(test_a_solver_that_answers_is_served_on),
      cmocka_unit_test(test_questions_keep_their_distance),
      cmocka_unit_test(test_a_busy_solver_is_served_on),
      cmocka_unit_test(test_what_is_seen_first_counts),
      cmocka_unit_test(test_the_end_of_one_that_nobody_uses_is_seen),
      cmocka_unit_test(test_one_that_nobody_uses_is_only_asked),
      cmocka_unit_test(test_what_raises_a_doubt),
      cmocka_unit_test(test_what_is_no_solver_is_not_asked),
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
