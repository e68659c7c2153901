/* SPDX-License-Identifier: MIT */
/* Streams opened ahead of need: how many, when, and when not. What a client of one sees is test_relay_spare.c's. */
#include <time.h>

#include "gateway_rig.h"

static uint64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void await_between(atomic_int *count, int least, int most) {
  uint64_t end = now_ms() + 20000;
  while (*count < least || *count > most) {
    if (now_ms() > end) { /* on whatever thread */
      (void)fprintf(stderr, "it is %d, not %d; %d opens, %d wait, %d unused, %d impatient\n", *count, least, fake.opens,
                    fake.waiting, fake.unused, fake.impatient);
      abort();
    }
    (void)usleep(1000);
  }
}

static void await(atomic_int *count, int value) {
  await_between(count, value, value);
}

/* Nothing happens to a count for so long. */
static void stays(atomic_int *count, int value, uint64_t ms) {
  uint64_t end = now_ms() + ms;
  while (now_ms() < end) {
    assert_int_equal(*count, value);
    (void)usleep(1000);
  }
}

static void begin(run *self, const char *prewarm) {
  fake_server_settle(); /* what the test before has left behind */
  fake_reset();
  fake.side_by_side = 1;
  set(self, "prewarm", prewarm);
}

/* Serves until `doing` returns; the probe's stream is the first of fake.opens. */
static void serve(run *self, void (*doing)(run *self)) {
  self->act = doing;
  self->point = AT_SERVING;
  go(self);
  assert_int_equal(self->result, 0);
}

/* --- how many ----------------------------------------------------------------------------------- */

static uint64_t acted_ms;

static void give_and_replace(run *self) {
  await(&fake.waiting, 3);
  stays(&fake.opens, 1 + 3, 100);
  for (int i = 1; i <= 20; i++) {
    assert_int_equal(ask(self), 1);
    await(&fake.waiting, 3);
    assert_int_equal(fake.opens, 1 + 3 + i); /* one for each client, and never more than three ahead */
  }
  acted_ms = now_ms();
}

static void test_streams_wait_are_given_and_replaced(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "3");
  serve(&self, give_and_replace);
  assert_true(now_ms() - acted_ms < 1500); /* the end (2 s at most) does not wait for streams that nobody has */
  await(&fake.clients, 20);
  await(&fake.unused, 3); /* the end of the gateway is theirs */
}

static void ask_twice(run *self) {
  assert_int_equal(ask(self), 1);
  assert_int_equal(ask(self), 1);
  stays(&fake.opens, 1 + 2, 100);
}

static void test_none_with_prewarm_0(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "0");
  serve(&self, ask_twice);
  assert_int_equal(fake.unused, 0);
}

static void await_two(run *self) {
  (void)self;
  await(&fake.waiting, 2);
  stays(&fake.opens, 1 + 2, 100);
}

/* The rig sets `prewarm = 0`. */
static void begin_unset(run *self) {
  self->settings = ps_settings_defaults("test", &fake_transport);
  await(&fake.busy, 0);
  fake_reset();
  fake.side_by_side = 1;
  set(self, "transport", "fake");
  set(self, "listen", "127.0.0.1:0");
  set(self, "peers", "any");
}

static void test_two_where_a_solver_is_known_to_be(void **state) {
  (void)state;
  run self = {0};
  begin_unset(&self);
  serve(&self, await_two);
}

static void ask_and_see_none(run *self) {
  ask_once(self);
  stays(&fake.opens, 1 + 1, 100);
}

static void test_none_where_anything_may_listen(void **state) {
  (void)state;
  run self = {0};
  begin_unset(&self);
  set(&self, "launch", "never"); /* so that `probe` means tcp */
  serve(&self, ask_and_see_none);
}

static void test_none_where_they_cost_something(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "2");
  fake.costs = 1;
  serve(&self, ask_and_see_none);
}

/* It is in a solver's way that takes one connection after another: the oldest goes first. */
static void ask_many(run *self) {
  for (int i = 0; i < 200; i++) {
    assert_int_equal(ask(self), 1);
  }
}

static void test_a_solver_that_takes_one_after_another_is_not_blocked(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "4");
  fake.side_by_side = 0;
  serve(&self, ask_many);
  assert_int_equal(fake.clients, 200);
}

/* --- when not ----------------------------------------------------------------------------------- */

static void fail_and_mend(run *self) {
  await(&fake.waiting, 1);
  fake.fail_opens = 1000;
  assert_int_equal(ask(self), 1); /* has the one that waits */
  await(&fake.opens, 1 + 1 + 1);
  stays(&fake.opens, 1 + 1 + 1, 300); /* no second try soon */
  fake.fail_opens = 0;
  await(&fake.waiting, 1);
  assert_int_equal(fake.opens, 1 + 1 + 2);
}

static void test_failed_tries_are_not_repeated_soon(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "1");
  serve(&self, fail_and_mend);
  assert_int_equal(self.servings, 1); /* nothing was concluded from it */
  assert_int_equal(self.downs, 0);
}

static void meet_impatience(run *self) {
  await_between(&fake.impatient, 1, 2);
  (void)usleep(600000); /* time for sixty, were they opened anew each time */
  assert_in_range(fake.impatient, 1, 6);
  for (int i = 0; i < 300; i++) {
    assert_int_equal(ask(self), 1);
  }
}

static void test_a_solver_that_does_not_wait_is_left_alone(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "2");
  fake.patience_ms = 20;
  serve(&self, meet_impatience);
}

/* It takes 2.5 s to see that it is too long; from then on, none is left to it for more than half of that. */
static void learn(run *self) {
  await_between(&fake.impatient, 1, 2);
  await_between(&fake.unused, 4, 8);
  assert_in_range(fake.impatient, 1, 2);
  assert_int_equal(ask(self), 1);
}

static void test_they_are_given_up_before_the_solver_does_it(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "2");
  fake.patience_ms = 2500;
  serve(&self, learn);
}

static void meet_a_talker(run *self) {
  (void)self;
  await(&fake.unused, 3); /* one of them is the probe's */
  stays(&fake.opens, 1 + 2, 1000);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(ask(self), 1);
  }
  assert_int_equal(fake.opens, 1 + 2 + 10);
}

static void test_a_far_side_that_talks_first_gets_no_more(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "2");
  fake.talks = 1;
  set(&self, "probe", "tcp");
  serve(&self, meet_a_talker);
}

/* Waits for whoever wants to be served: nobody is until the solver is there again, and then they are opened anew. */
static void lose_the_solver(run *self) {
  await(&fake.waiting, 2);
  fake.listening = 0;
  assert_int_equal(ask(self), 1); /* one that waits leads there still */
  assert_int_equal(ask(self), 1);
  assert_int_equal(ask(self), 1); /* found out, and served by the next solver */
  assert_int_equal(fake.launches, 1);
  await(&fake.waiting, 2);
}

static void test_they_come_back_with_the_solver(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "2");
  serve(&self, lose_the_solver);
}

/* What it leads to may have died before the client came, which nobody has told yet. */
static void take_over_a_dead_one(run *self) {
  await(&fake.waiting, 1);
  fake.dead_opens = 1;
  assert_int_equal(ask(self), 1); /* has the one that waits */
  await(&fake.opens, 1 + 1 + 1);
  assert_int_equal(ask(self), 1); /* has the one that is being opened, and then another */
  assert_int_equal(fake.dead_opens, 0);
}

static void test_one_that_was_being_opened_is_no_client_s_own(void **state) {
  (void)state;
  run self = {0};
  begin(&self, "1");
  serve(&self, take_over_a_dead_one);
}

/* --- many at once ------------------------------------------------------------------------------- */

#define ASKERS 8

static void *ask_on(void *argument) {
  const run *self = argument;
  for (int i = 0; i < 250; i++) {
    assert_int_equal(ask(self), 1);
  }
  return NULL;
}

static void ask_at_once(run *self) {
  pthread_t threads[ASKERS];
  for (int i = 0; i < ASKERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, ask_on, self), 0);
  }
  for (int i = 0; i < ASKERS; i++) {
    (void)pthread_join(threads[i], NULL);
  }
}

static void test_two_thousand_requests_are_taken_once_each(void **state) {
  (void)state;
  for (int lanes = 1; lanes <= 2; lanes++) {
    run self = {0};
    begin(&self, "2");
    set(&self, "lanes", lanes == 1 ? "1" : "2");
    serve(&self, ask_at_once);
    await(&fake.clients, ASKERS * 250);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_streams_wait_are_given_and_replaced),
      cmocka_unit_test(test_none_with_prewarm_0),
      cmocka_unit_test(test_two_where_a_solver_is_known_to_be),
      cmocka_unit_test(test_none_where_anything_may_listen),
      cmocka_unit_test(test_none_where_they_cost_something),
      cmocka_unit_test(test_failed_tries_are_not_repeated_soon),
      cmocka_unit_test(test_a_solver_that_does_not_wait_is_left_alone),
      cmocka_unit_test(test_they_are_given_up_before_the_solver_does_it),
      cmocka_unit_test(test_a_far_side_that_talks_first_gets_no_more),
      cmocka_unit_test(test_they_come_back_with_the_solver),
      cmocka_unit_test(test_one_that_was_being_opened_is_no_client_s_own),
      cmocka_unit_test(test_two_thousand_requests_are_taken_once_each),
      cmocka_unit_test(test_a_solver_that_takes_one_after_another_is_not_blocked), /* leaves some in its queue */
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
