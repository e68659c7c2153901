/* SPDX-License-Identifier: MIT */
/* The gateway, its lane and its supervisor, with a transport whose every step does what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_transport.h"
#include "gateway/gateway.h"

/* One run: a client thread acts when the gateway has reached a point, and ends it. */
typedef struct run {
  ps_settings *settings;
  void (*act)(struct run *run); /**< on a thread of its own, once the point is reached */
  enum { AT_LISTENING, AT_SERVING, NEVER } point;
  int check_only;
  pthread_t thread;
  int acting;
  uint16_t port;
  int servings;
  int adopted;
  atomic_int downs;       /**< state events DOWN with an error */
  atomic_int not_stopped; /**< the solver's end was asked for, and failed */
  atomic_int limit_seen;  /**< one of them was the restart limit's */
  int result;
  penstock_error error;
} run;

static void set(run *self, const char *key, const char *value) {
  ps_problems problems = {0};
  if (!self->settings) {
    self->settings = ps_settings_defaults("test", &fake_transport);
    set(self, "transport", "fake");
    set(self, "listen", "127.0.0.1:0");
    set(self, "peers", "any");
  }
  assert_int_equal(ps_settings_set(self->settings, key, value, "test", &problems), 0);
  ps_problems_clear(&problems);
}

static void *act(void *argument) {
  run *self = argument;
  self->act(self);
  (void)kill(getpid(), SIGTERM);
  return NULL;
}

static void reach(run *self, int point) {
  if (self->act && !self->acting && (int)self->point == point) {
    self->acting = 1;
    assert_int_equal(pthread_create(&self->thread, NULL, act, self), 0);
  }
}

static void on_listening(void *context, const char *address) {
  run *self = context;
  self->port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
  reach(self, AT_LISTENING);
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  run *self = context;
  (void)protocol_version;
  self->servings++;
  self->adopted = adopted;
  reach(self, AT_SERVING);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  run *self = context;
  (void)next_try_ms;
  if (state == PS_STATE_DOWN && error) {
    self->downs++;
    if (strstr(error->what, "times within 10 minutes")) {
      self->limit_seen = 1;
    }
  }
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  run *self = context;
  (void)leg;
  (void)elapsed_ns;
  (void)text;
  self->not_stopped += error && strstr(error->what, "was not stopped") ? 1 : 0;
}

static void go(run *self) {
  static const ps_gateway_events events = {
      .listening = on_listening, .serving = on_serving, .state = on_state, .leg = on_leg};
  set(self, "stop_timeout", "2s");
  ps_gateway_options options = {.profile = "test",
                                .transport = &fake_transport,
                                .settings = self->settings,
                                .check_only = self->check_only,
                                .events = &events,
                                .context = self};
  self->result = ps_gateway_run(&options, &self->error);
  if (self->acting) {
    (void)pthread_join(self->thread, NULL);
  }
  ps_settings_free(self->settings);
  assert_false(ps_gateway_abandoned());
  assert_int_equal(fake.destroys, fake.connects);
}

/* Asks through the port as a client does. Returns 1 for a whole answer, 0 for a reset, -1 for anything else. */
static int ask(const run *self) {
  char buffer[256];
  size_t size = 0;
  ssize_t count;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = 20};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  (void)send(fd, "TCMD", 4, MSG_NOSIGNAL);
  (void)shutdown(fd, SHUT_WR);
  do {
    count = recv(fd, buffer + size, sizeof(buffer) - 1 - size, 0);
    size += count > 0 ? (size_t)count : 0;
  } while (count > 0);
  int reason = errno;
  close(fd);
  buffer[size] = '\0';
  if (count < 0) {
    return reason == ECONNRESET && size == 0 ? 0 : -1;
  }
  return strstr(buffer, "0.18") && buffer[size - 1] == '}' ? 1 : -1;
}

static void ask_once(run *self) {
  assert_int_equal(ask(self), 1);
}

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

static int begin(void **state) {
  (void)state;
  fake_server_start();
  return 0;
}

static int end(void **state) {
  (void)state;
  fake_server_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_adopts_what_answers),
      cmocka_unit_test(test_launches_when_nobody_listens),
      cmocka_unit_test(test_stops_the_solver_on_exit),
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
      cmocka_unit_test(test_dead_solver_is_launched_again),
      cmocka_unit_test(test_restart_limit),
      cmocka_unit_test(test_lanes_launch_once),
      cmocka_unit_test(test_lanes_share_the_restart_limit),
      cmocka_unit_test(test_lanes_agree_on_who_launched),
      cmocka_unit_test(test_a_solver_out_of_reach_is_not_said_to_be_stopped),
      cmocka_unit_test(test_check_stops_what_it_launched),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
