/* SPDX-License-Identifier: MIT */
/* The gateway, its lane and its supervisor, with a transport whose every step does what the test says. */
#include "gateway_rig.h"

#include <sys/prctl.h>

#include <uv.h>

#include "net/net.h"

static void do_nothing(run *self) {
  (void)self;
}

/* ------------------------------------------------------------------------------------------------ */

static void test_adopts_what_answers(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.adopted, 1);
  assert_int_equal(fake.launches + fake.validates + fake.stops, 0);
}

static void test_says_by_which_way(void **state) {
  (void)state;
  static const struct {
    const char *way;
    const char *probe;
    const char *said;
  } cases[] = {
      {NULL, "tcmd", "open"},
      {"", "tcmd", "open"},
      {"exec (127.0.0.1:9090)", "tcmd", "open by exec (127.0.0.1:9090)"},
      {"exec (127.0.0.1:9090)", "tcp", "open by exec (127.0.0.1:9090)"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    run self = {.act = do_nothing, .point = AT_SERVING};
    fake_reset();
    fake.way = cases[i].way;
    set(&self, "probe", cases[i].probe);
    go(&self);
    assert_string_equal(self.endpoint, cases[i].said);
  }
}

static void test_launches_when_nobody_listens(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  fake.listening = 0;
  fake.ready = FAKE_LATER;
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.adopted, 0);
  assert_int_equal(fake.validates, 1);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(fake.readies, 1);
  assert_int_equal(fake.stops, 0); /* on_exit = keep is the default */
}

static void test_stops_the_solver_on_exit(void **state) {
  (void)state;
  run self = {.act = do_nothing, .point = AT_SERVING};
  fake_reset();
  fake.listening = 0;
  set(&self, "on_exit", "stop");
  go(&self);
  assert_int_equal(fake.stops, 1);
  assert_int_equal(self.stoppings, 1);
}

static void test_a_solver_that_is_none_to_be_stopped_is_told_with_the_end(void **state) {
  (void)state;
  for (int is_check = 0; is_check < 2; is_check++) {
    run self = {.act = is_check ? NULL : do_nothing, .point = AT_SERVING, .check_only = is_check};
    fake_reset();
    fake.listening = 0;
    fake.stop = FAKE_FAIL;
    fake.error_leg = PENSTOCK_LEG_EXEC;
    fake.error_class = PENSTOCK_CLASS_REFUSED;
    set(&self, "on_exit", "stop");
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(self.stoppings, 0);
    assert_int_equal(self.kept, !is_check);
  }
}

/* A launch may have left something, also one that failed or that the end came into. */
static void test_stops_what_a_failed_launch_may_have_left(void **state) {
  (void)state;
  run self = {.act = NULL};
  fake_reset();
  fake.listening = 0;
  fake.launch = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_LAUNCH;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  set(&self, "on_exit", "stop");
  go(&self);
  assert_int_equal(fake.stops, 1);
  assert_int_equal(self.stoppings, 1);
}

static void test_stops_no_solver_that_it_never_had(void **state) {
  (void)state;
  for (int finds_stranger = 0; finds_stranger < 2; finds_stranger++) {
    run self = {.act = NULL};
    fake_reset();
    fake.error_leg = finds_stranger ? PENSTOCK_LEG_ENDPOINT : PENSTOCK_LEG_LAUNCH;
    fake.error_class = finds_stranger ? PENSTOCK_CLASS_REFUSED : PENSTOCK_CLASS_CONFIG;
    fake.listening = finds_stranger;
    fake.for_questions = FAKE_MUTE;
    fake.identify = FAKE_FAIL;
    fake.fail_validates = 1;
    set(&self, "on_exit", "stop");
    go(&self);
    assert_int_not_equal(self.result, 0);
    assert_int_equal(fake.launches + fake.stops, 0);
    assert_int_equal(self.stoppings, 0);
  }
}

static void test_launch_never_waits(void **state) {
  (void)state;
  run self = {.act = do_nothing, .point = AT_SERVING};
  fake_reset();
  fake.listening = 0;
  set(&self, "launch", "never");
  set(&self, "hold", "10s");
  set(&self, "retry_min", "10ms");
  set(&self, "retry_max", "20ms");
  self.point = AT_LISTENING;
  self.act = do_nothing;
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(fake.launches, 0);
  assert_int_equal(self.servings, 0);
}

static void ask_then_listen(run *self) {
  /* The connection is held while nothing listens; then somebody starts the solver by hand. */
  while (self->downs == 0) {
    (void)usleep(1000);
  }
  fake.listening = 1;
  assert_int_equal(ask(self), 1);
}

static void test_held_until_the_endpoint_is_there(void **state) {
  (void)state;
  run self = {.act = ask_then_listen, .point = AT_LISTENING};
  fake_reset();
  fake.listening = 0;
  set(&self, "launch", "never");
  go(&self);
  assert_int_equal(self.servings, 1);
}

static void ask_for_reset(run *self) {
  assert_int_equal(ask(self), 0);
}

static void test_hold_ends_in_a_reset(void **state) {
  (void)state;
  run self = {.act = ask_for_reset, .point = AT_LISTENING};
  fake_reset();
  fake.connect = FAKE_NEVER;
  set(&self, "hold", "300ms");
  go(&self);
  assert_int_equal(self.result, 0);
  assert_true(fake.cancels >= 1);
}

static void heal_and_ask(run *self) {
  while (self->downs < 2) {
    (void)usleep(1000);
  }
  fake.connect = FAKE_OK;
  assert_int_equal(ask(self), 1);
}

static void test_transient_failures_are_tried_again(void **state) {
  (void)state;
  run self = {.act = heal_and_ask, .point = AT_LISTENING};
  fake_reset();
  fake.connect = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_TCP;
  fake.error_class = PENSTOCK_CLASS_REFUSED; /* a refused TCP connect may pass */
  set(&self, "retry_min", "10ms");
  set(&self, "retry_max", "20ms");
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.servings, 1);
}

static void test_link_lost_in_connect(void **state) {
  (void)state;
  run self = {.act = heal_and_ask, .point = AT_LISTENING};
  fake_reset();
  fake.connect = FAKE_LINK_LOST;
  set(&self, "retry_min", "10ms");
  set(&self, "retry_max", "20ms");
  go(&self);
  assert_int_equal(self.servings, 1);
}

static void test_first_failures_that_only_the_user_mends(void **state) {
  static const struct {
    uint32_t leg;
    uint32_t error_class;
  } cases[] = {{PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH},
               {PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY},
               {PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG},
               {PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_REFUSED}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    run self = {.act = NULL, .point = NEVER};
    fake_reset();
    fake.connect = FAKE_FAIL;
    fake.error_leg = cases[i].leg;
    fake.error_class = cases[i].error_class;
    set(&self, "hold", "1s");
    go(&self);
    assert_int_equal(self.result, PENSTOCK_E_FAILED);
    assert_int_equal(self.error.leg, cases[i].leg);
    assert_int_equal(self.error.error_class, cases[i].error_class);
    assert_int_equal(fake.connects, 1);
  }
}

static void test_failed_launch_ends_the_first_start(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER};
  fake_reset();
  fake.listening = 0;
  fake.ready = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_READY;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  set(&self, "hold", "1s");
  go(&self);
  assert_int_equal(self.result, PENSTOCK_E_FAILED);
  assert_int_equal(self.error.leg, PENSTOCK_LEG_READY);
}

static void test_completion_from_a_later_turn_and_twice(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  fake.connect = FAKE_TWICE;
  go(&self);
  assert_int_equal(self.result, 0);
  run later = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  fake.connect = FAKE_LATER;
  go(&later);
  assert_int_equal(later.result, 0);
  assert_int_equal(later.servings, 1);
}

static void test_deadline_cancels_and_a_stubborn_step_is_left(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.connect = FAKE_NEVER;
  set(&self, "connect_timeout", "100ms");
  go(&self);
  assert_int_equal(self.result, PENSTOCK_E_FAILED);
  assert_int_equal(fake.cancels, 1);
  assert_non_null(strstr(self.error.what, "connecting took longer than 100 ms"));
  run stubborn = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.connect = FAKE_STUBBORN;
  set(&stubborn, "connect_timeout", "100ms");
  go(&stubborn);
  assert_int_equal(stubborn.result, PENSTOCK_E_FAILED);
}

static void test_failed_opens_are_tried_again(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  set(&self, "probe", "none"); /* so that all failures meet the client */
  fake.fail_opens = 3;
  go(&self);
  assert_int_equal(fake.fail_opens, 0);
}

static void lose_engine_and_ask(run *self) {
  fake.fail_leg = PENSTOCK_LEG_CONTAINER;
  fake.fail_opens = 2; /* the client's, and the question after it */
  assert_int_equal(ask(self), 1);
}

static void test_engine_that_does_not_answer_is_no_longer_up(void **state) {
  (void)state;
  run self = {.act = lose_engine_and_ask, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(fake.fail_opens, 0);
  assert_int_equal(self.servings, 2);
  assert_int_equal(fake.connects, 1);
}

static void lose_solver_and_ask(run *self) {
  assert_int_equal(ask(self), 1);
  fake.listening = 0;
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.launches, 1);
}

static void test_dead_solver_is_launched_again(void **state) {
  (void)state;
  run self = {.act = lose_solver_and_ask, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(self.servings, 2);
}

static void lose_solver_without_end(run *self) {
  while (!self->limit_seen) {
    fake.listening = 0;
    (void)ask(self);
  }
}

static void test_restart_limit(void **state) {
  (void)state;
  run self = {.act = lose_solver_without_end, .point = AT_SERVING};
  fake_reset();
  set(&self, "restart_limit", "20");
  set(&self, "hold", "1s");
  go(&self);
  assert_int_equal(fake.launches, 20);
}

static void lose_container_and_ask(run *self) {
  fake.error_leg = PENSTOCK_LEG_CONTAINER;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  fake.fail_validates = 6;
  fake.listening = 0;
  assert_int_equal(ask(self), 1);
}

/* What has not even begun is no launch: the container was missing for a while. */
static void test_failed_tries_do_not_count_for_the_limit(void **state) {
  (void)state;
  run self = {.act = lose_container_and_ask, .point = AT_SERVING};
  fake_reset();
  set(&self, "restart_limit", "2");
  set(&self, "retry_min", "10ms");
  set(&self, "retry_max", "20ms");
  go(&self);
  assert_int_equal(fake.validates, 7);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(self.launchings, 1); /* nor is it called one */
}

static void lose_solver_late_and_ask(run *self) {
  fake.tells_end = 1;
  fake.listening = 0;
  assert_int_equal(ask(self), 1);
  assert_int_equal(ask(self), 1);
}

/* The transport tells it of the solver before, while the next one is on its way already. */
static void test_late_news_of_an_end_is_not_the_new_ones(void **state) {
  (void)state;
  run self = {.act = lose_solver_late_and_ask, .point = AT_SERVING};
  fake_reset();
  go(&self);
  assert_int_equal(fake.tells_end, 0);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(self.servings, 2);
}

static void test_lanes_launch_once(void **state) {
  (void)state;
  run self = {.act = ask_once, .point = AT_SERVING};
  fake_reset();
  fake.listening = 0;
  fake.ready = FAKE_LATER;
  set(&self, "lanes", "4");
  go(&self);
  assert_int_equal(fake.launches, 1);
}

/* One solver dies, however many lanes see it. */
static void test_lanes_share_the_restart_limit(void **state) {
  (void)state;
  run self = {.act = lose_solver_without_end, .point = AT_SERVING};
  fake_reset();
  set(&self, "restart_limit", "2");
  set(&self, "hold", "1s");
  set(&self, "lanes", "4");
  go(&self);
  assert_int_equal(fake.launches, 2);
}

#define BUSY 6

/* Clients that are there at the same time, and say nothing until all are. */
static void ask_side_by_side(run *self) {
  int fds[BUSY];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < BUSY; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fds[i], (struct sockaddr *)&address, sizeof(address)) != 0) {
      return;
    }
    while (fake.busy < i + 1) {
      (void)usleep(1000);
    }
  }
  while (fake.connects < 2 && uv_available_parallelism() > 1) {
    (void)usleep(1000);
  }
  for (int i = 0; i < BUSY; i++) {
    close(fds[i]);
  }
}

static void ask_three_times(run *self) {
  for (int i = 0; i < 3; i++) {
    ask_once(self);
  }
}

/* `auto`: one lane is enough for one client after the other; another comes when each has two. */
static void test_lanes_come_as_there_is_use_for_them(void **state) {
  (void)state;
  for (int busy = 0; busy < 2; busy++) {
    run self = {.act = busy ? ask_side_by_side : ask_three_times, .point = AT_SERVING};
    fake_reset();
    fake.side_by_side = 1;
    set(&self, "lanes", "auto");
    go(&self);
    int more = busy && uv_available_parallelism() > 1;
    assert_true(more ? fake.connects > 1 && fake.connects <= 3 : fake.connects == 1);
  }
}

/* Whichever lane launched it: it was this gateway. */
static void test_lanes_agree_on_who_launched(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    run self = {.act = do_nothing, .point = AT_SERVING};
    fake_reset();
    fake.listening = 0;
    set(&self, "lanes", "8");
    go(&self);
    assert_int_equal(self.adopted, 0);
    assert_int_equal(self.servings, 1);
  }
}

static void lose_solver_and_link(run *self) {
  fake.error_leg = PENSTOCK_LEG_TCP;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  fake.connect = FAKE_FAIL;
  fake.launch = FAKE_LINK_LOST;
  fake.listening = 0;
  (void)ask(self);
  while (self->downs < 2) {
    (void)usleep(1000);
  }
}

static void test_a_solver_out_of_reach_is_not_said_to_be_stopped(void **state) {
  (void)state;
  run self = {.act = lose_solver_and_link, .point = AT_SERVING};
  fake_reset();
  set(&self, "on_exit", "stop");
  set(&self, "hold", "1s");
  go(&self);
  assert_int_equal(fake.stops, 0);
  assert_int_equal(self.not_stopped, 1);
}

static void test_check_stops_what_it_launched(void **state) {
  (void)state;
  run self = {.act = NULL, .point = NEVER, .check_only = 1};
  fake_reset();
  fake.listening = 0;
  set(&self, "hold", "1s");
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(fake.stops, 1);
}

/* What `up` would fail with, but for the gateway that is being checked itself. */
static void test_check_needs_the_port(void **state) {
  (void)state;
  static const struct {
    const char *holder; /* name of the process; NULL: nobody holds it */
    int fails;
  } cases[] = {{NULL, 0}, {"penstock", 0}, {"test_gateway", 1}, {"docker-proxy", 1}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    run self = {.act = NULL, .point = NEVER, .check_only = 1};
    penstock_socket held;
    penstock_error error;
    char address[64];
    assert_int_equal(ps_net_listen("127.0.0.1:0", &held, address, sizeof(address), &error), PENSTOCK_OK);
    if (!cases[i].holder) {
      ps_net_close(held);
    }
    fake_reset();
    fake.listening = 0;
    set(&self, "listen", address);
    assert_int_equal(prctl(PR_SET_NAME, cases[i].holder ? cases[i].holder : "test_gateway"), 0);
    go(&self);
    assert_int_equal(prctl(PR_SET_NAME, "test_gateway"), 0);
    if (cases[i].holder) {
      ps_net_close(held);
    }
    assert_int_equal(self.result != 0, cases[i].fails);
    assert_int_equal(self.servings, !cases[i].fails);
    assert_int_equal(fake.stops, 1); /* what it launched does not stay */
    if (cases[i].fails) {
      assert_int_equal(self.error.leg, PENSTOCK_LEG_LOCAL);
      assert_int_equal(self.error.error_class, PENSTOCK_CLASS_REFUSED);
      assert_non_null(strstr(self.error.what, cases[i].holder));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_adopts_what_answers),
      cmocka_unit_test(test_says_by_which_way),
      cmocka_unit_test(test_launches_when_nobody_listens),
      cmocka_unit_test(test_stops_the_solver_on_exit),
      cmocka_unit_test(test_a_solver_that_is_none_to_be_stopped_is_told_with_the_end),
      cmocka_unit_test(test_stops_what_a_failed_launch_may_have_left),
      cmocka_unit_test(test_stops_no_solver_that_it_never_had),
      cmocka_unit_test(test_launch_never_waits),
      cmocka_unit_test(test_held_until_the_endpoint_is_there),
      cmocka_unit_test(test_hold_ends_in_a_reset),
      cmocka_unit_test(test_link_lost_in_connect),
      cmocka_unit_test(test_transient_failures_are_tried_again),
      cmocka_unit_test(test_first_failures_that_only_the_user_mends),
      cmocka_unit_test(test_failed_launch_ends_the_first_start),
      cmocka_unit_test(test_completion_from_a_later_turn_and_twice),
      cmocka_unit_test(test_deadline_cancels_and_a_stubborn_step_is_left),
      cmocka_unit_test(test_failed_opens_are_tried_again),
      cmocka_unit_test(test_engine_that_does_not_answer_is_no_longer_up),
      cmocka_unit_test(test_dead_solver_is_launched_again),
      cmocka_unit_test(test_restart_limit),
      cmocka_unit_test(test_failed_tries_do_not_count_for_the_limit),
      cmocka_unit_test(test_late_news_of_an_end_is_not_the_new_ones),
      cmocka_unit_test(test_lanes_launch_once),
      cmocka_unit_test(test_lanes_share_the_restart_limit),
      cmocka_unit_test(test_lanes_agree_on_who_launched),
      cmocka_unit_test(test_lanes_come_as_there_is_use_for_them),
      cmocka_unit_test(test_a_solver_out_of_reach_is_not_said_to_be_stopped),
      cmocka_unit_test(test_check_stops_what_it_launched),
      cmocka_unit_test(test_check_needs_the_port),
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
