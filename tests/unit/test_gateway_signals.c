/* SPDX-License-Identifier: MIT */
/* A gateway that is told again and again to end, at any moment of its end. */
#include "gateway_rig.h"

static atomic_int is_over;
static pthread_t impatient;

static void *tell_it(void *unused) {
  ps_signals_block(); /* the process is meant, not this thread */
  while (!is_over) {
    (void)kill(getpid(), SIGTERM);
    (void)kill(getpid(), SIGINT);
  }
  return unused;
}

static void begin_to_tell(run *self) {
  (void)self;
  assert_int_equal(pthread_create(&impatient, NULL, tell_it, NULL), 0);
}

/* Whenever a signal comes, it is the gateway's or it is ignored: none ends the process. */
static void test_impatience_does_not_kill_it(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    run self = {.act = begin_to_tell, .point = AT_SERVING};
    fake_reset();
    is_over = 0;
    go(&self);
    is_over = 1;
    assert_int_equal(pthread_join(impatient, NULL), 0);
    assert_int_equal(self.result, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_impatience_does_not_kill_it)};
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
