/* SPDX-License-Identifier: MIT */
/* A gateway whose solver is stopped, started and restarted by the user, on the control socket. */
#include "gateway_rig.h"

#include <uv.h>

#include "control/client.h"
#include "control/place.h"

static char folder[64];

static int begin(void **state) {
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-solver-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  return begin_server(state);
}

static int end(void **state) {
  assert_int_equal(rmdir(folder), 0);
  return end_server(state);
}

/* A gateway on the fake transport whose stop does end the solver; `what` is called once it serves. */
static run prepare(void (*what)(run *self)) {
  run self = {.act = what, .point = AT_SERVING, .control = 1};
  fake_reset();
  fake.stop_ends = 1;
  set(&self, "retry_min", "10ms");
  set(&self, "retry_max", "20ms");
  return self;
}

static void finish(run *self) {
  go(self);
  assert_int_equal(self->result, 0);
}

/* --- the client --------------------------------------------------------------------------------- */

static ps_control_client control(const run *self) {
  ps_control_client client = {0};
  char path[PS_CONTROL_PATH_SIZE];
  penstock_error error;
  (void)snprintf(path, sizeof(path), "%s/test@%u.sock", folder, self->port);
  while (ps_control_client_open(&client, path, 5000, &error) != 0) {
    (void)usleep(1000);
  }
  return client;
}

/* NULL with `error` if it is refused. */
static json_t *try_it(const run *self, const char *request, json_t *fields, penstock_error *error) {
  json_t *result = NULL;
  ps_control_client client = control(self);
  (void)ps_control_client_ask(&client, request, fields ? fields : json_object(), 20000, &result, error);
  ps_control_client_close(&client);
  return result;
}

static json_t *ask_it(const run *self, const char *request) {
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *result = try_it(self, request, NULL, &error);
  if (!result) {
    (void)fprintf(stderr, "%s: %s\n", request, error.what);
  }
  assert_non_null(result);
  return result;
}

/* Asks for it, and checks what the answer says. */
static void expect(const run *self, const char *request, const char *state, int is_already) {
  json_t *result = ask_it(self, request);
  assert_string_equal(json_string_value(json_object_get(result, "state")), state);
  assert_int_equal(json_is_true(json_object_get(result, "already")), is_already);
  json_decref(result);
}

static void expect_error(const run *self, const char *request, const char *words) {
  penstock_error error = {.struct_size = sizeof(error)};
  assert_null(try_it(self, request, NULL, &error));
  if (!strstr(error.what, words)) {
    (void)fprintf(stderr, "%s: %s\n", request, error.what);
  }
  assert_non_null(strstr(error.what, words));
}

static void expect_state(const run *self, const char *state) {
  json_t *result = ask_it(self, "status");
  assert_string_equal(json_string_value(json_object_get(result, "state")), state);
  json_decref(result);
}

static void wait_state(const run *self, const char *state) {
  int is_so = 0;
  while (!is_so) {
    json_t *result = ask_it(self, "status");
    is_so = strcmp(json_string_value(json_object_get(result, "state")), state) == 0;
    json_decref(result);
    (void)usleep(1000);
  }
}

static int connect_to(const run *self) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  return fd;
}

/* A stream that goes on until it is closed. */
static int open_stream(const run *self) {
  size_t streams = 0;
  int fd = connect_to(self);
  assert_int_equal(send(fd, "TCMD", 4, MSG_NOSIGNAL), 4);
  while (streams == 0) {
    json_t *result = ask_it(self, "streams");
    streams = json_array_size(json_object_get(result, "streams"));
    json_decref(result);
  }
  return fd;
}

static int is_reset(int fd) {
  char byte;
  return recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET;
}

/* Is a client that comes now reset at once? It says nothing first, since that would be what is told of the reset. */
static int is_refused(const run *self) {
  struct timeval limit = {.tv_usec = 500000};
  int fd = connect_to(self);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  int refused = is_reset(fd);
  close(fd);
  return refused;
}

/* --- stop and start ------------------------------------------------------------------------------ */

static void stop_and_start(run *self) {
  expect(self, "solver_stop", "stopped", 0);
  expect_state(self, "stopped");
  assert_true(is_refused(self));
  expect(self, "solver_stop", "stopped", 1);
  assert_int_equal(fake.stops, 1);
  assert_int_equal(fake.launches, 0);
  expect(self, "solver_start", "up", 0);
  assert_int_equal(fake.launches, 1);
  assert_int_equal(ask(self), 1);
  expect(self, "solver_start", "up", 1);
  assert_int_equal(fake.launches, 1);
}

static void test_stop_and_start(void **state) {
  (void)state;
  static const char *const lanes[] = {"1", "4"};
  for (size_t i = 0; i < 2; i++) {
    run self = prepare(stop_and_start);
    set(&self, "lanes", lanes[i]);
    finish(&self);
    assert_int_equal(fake.connects, i == 0 ? 1 : 4); /* the links were kept */
    assert_int_equal(fake.stops, 1);
  }
}

static void stop_with_a_stream(run *self) {
  int fd = open_stream(self);
  json_t *result = ask_it(self, "solver_stop");
  assert_int_equal(json_integer_value(json_object_get(result, "streams")), 1);
  json_decref(result);
  assert_true(is_reset(fd));
  close(fd);
}

static void test_streams_that_are_left_are_broken_off_and_counted(void **state) {
  (void)state;
  run self = prepare(stop_with_a_stream);
  finish(&self);
}

typedef struct waiting {
  const run *self;
  int fd;
} waiting;

/* Clients are refused from the beginning. */
static void *end_stream_later(void *argument) {
  const waiting *what = argument;
  char answer[256];
  while (!is_refused(what->self)) {
    (void)usleep(1000);
  }
  int stops = fake.stops;
  (void)shutdown(what->fd, SHUT_WR);
  return stops == 0 && recv(what->fd, answer, sizeof(answer), 0) > 0 ? argument : NULL;
}

static void stop_and_let_finish(run *self) {
  penstock_error error = {.struct_size = sizeof(error)};
  pthread_t thread;
  void *is_answered;
  waiting what = {.self = self, .fd = open_stream(self)};
  assert_int_equal(pthread_create(&thread, NULL, end_stream_later, &what), 0);
  json_t *result = try_it(self, "solver_stop", json_pack("{s:i}", "drain_ms", 20000), &error);
  assert_int_equal(json_integer_value(json_object_get(result, "streams")), 0);
  json_decref(result);
  (void)pthread_join(thread, &is_answered);
  assert_non_null(is_answered);
  close(what.fd);
}

static void test_streams_may_finish(void **state) {
  (void)state;
  run self = prepare(stop_and_let_finish);
  fake.side_by_side = 1;
  finish(&self);
  assert_int_equal(fake.stops, 1);
}

/* It ends what penstock has launched, and that is none. */
static void stop_what_is_not_ours(run *self) {
  int fd = open_stream(self);
  fake.stop_ends = 0;
  expect_error(self, "solver_stop", "penstock has not launched it");
  expect_state(self, "up");
  assert_int_equal(ask(self), 1);
  expect_error(self, "solver_restart", "penstock has not launched it");
  (void)shutdown(fd, SHUT_WR);
  char answer[256];
  assert_true(recv(fd, answer, sizeof(answer), 0) > 0); /* the stream went on */
  close(fd);
}

static void test_a_solver_that_is_not_ours_goes_on_with_its_streams(void **state) {
  (void)state;
  run self = prepare(stop_what_is_not_ours);
  fake.side_by_side = 1;
  finish(&self);
  assert_int_equal(fake.launches, 0);
  assert_int_equal(self.servings, 1);
}

static void stop_in_vain(run *self) {
  fake.stop = FAKE_FAIL;
  fake.stop_ends = 0;
  fake.error_leg = PENSTOCK_LEG_EXEC;
  fake.error_class = PENSTOCK_CLASS_REFUSED;
  expect_error(self, "solver_stop", "the fake fails as it was told");
  fake.stop = FAKE_LINK_LOST;
  expect_error(self, "solver_stop", "the solver was not stopped: the fake lost its link");
  wait_state(self, "up");
  assert_int_equal(ask(self), 1);
}

static void test_a_stop_that_fails_changes_nothing(void **state) {
  (void)state;
  run self = prepare(stop_in_vain);
  finish(&self);
  assert_int_equal(fake.launches, 0);
}

/* The link gets well, or worse, while the solver is to be stopped: nobody says so again. */
static void stop_while_the_link_changes(run *self) {
  fake.degraded = 1;
  assert_int_equal(ask(self), 1);
  wait_state(self, "degraded");
  for (int i = 0; i < 2; i++) {
    fake.degraded = !fake.degraded;
    expect_error(self, "solver_stop", "penstock has not launched it");
    wait_state(self, fake.degraded ? "degraded" : "up");
  }
}

static void test_how_the_link_is_then_is_told_after_a_stop_that_failed(void **state) {
  (void)state;
  run self = prepare(stop_while_the_link_changes);
  fake.stop_ends = 0;
  finish(&self);
}

/* --- while it is stopped ------------------------------------------------------------------------- */

static void find_another(run *self) {
  expect(self, "solver_stop", "stopped", 0);
  assert_true(is_refused(self));
  fake.listening = 1; /* somebody has started one */
  while (ask(self) != 1) {
    (void)usleep(1000);
  }
  expect_state(self, "up");
  assert_int_equal(self->adopted, 1);
}

static void test_a_solver_that_somebody_starts_is_found(void **state) {
  (void)state;
  static const char *const lanes[] = {"1", "3"};
  for (size_t i = 0; i < 2; i++) {
    run self = prepare(find_another);
    set(&self, "lanes", lanes[i]);
    finish(&self);
    assert_int_equal(fake.launches, 0);
  }
}

static void reconnect_while_stopped(run *self) {
  int connects = fake.connects;
  expect(self, "solver_stop", "stopped", 0);
  json_decref(ask_it(self, "reconnect"));
  while (fake.connects == connects) {
    (void)usleep(1000);
  }
  wait_state(self, "stopped");
  expect(self, "solver_start", "up", 0);
}

static void test_a_new_link_launches_nothing(void **state) {
  (void)state;
  run self = prepare(reconnect_while_stopped);
  finish(&self);
  assert_int_equal(fake.launches, 1);
}

/* --- restart ------------------------------------------------------------------------------------- */

static void restart_and_ask(run *self) {
  json_t *result = ask_it(self, "solver_restart");
  assert_true(json_is_false(json_object_get(result, "adopted")));
  assert_string_equal(json_string_value(json_object_get(result, "protocol_version")), "0.18");
  json_decref(result);
  assert_int_equal(ask(self), 1);
}

static void *ask_beside(void *argument) {
  run *self = argument;
  while (fake.stops == 0) {
    (void)usleep(1000);
  }
  return ask(self) == 1 ? argument : NULL;
}

static void restart_beside_a_client(run *self) {
  pthread_t thread;
  void *is_served;
  assert_int_equal(pthread_create(&thread, NULL, ask_beside, self), 0);
  restart_and_ask(self);
  (void)pthread_join(thread, &is_served);
  assert_non_null(is_served); /* it was held */
}

static void test_restart(void **state) {
  (void)state;
  void (*const ways[])(run *) = {restart_and_ask, restart_beside_a_client};
  static const char *const lanes[] = {"1", "3"};
  for (size_t i = 0; i < 4; i++) {
    run self = prepare(ways[i % 2]);
    fake.ready = FAKE_LATER;
    set(&self, "lanes", lanes[i / 2]);
    finish(&self);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.launches, 1);
    assert_int_equal(self.servings, 2);
  }
}

static void restart_again_and_again(run *self) {
  for (int i = 0; i < 5; i++) {
    restart_and_ask(self);
  }
}

/* What the user wants is no relaunch. */
static void test_the_user_is_not_limited(void **state) {
  (void)state;
  run self = prepare(restart_again_and_again);
  set(&self, "restart", "never");
  set(&self, "restart_limit", "0");
  finish(&self);
  assert_int_equal(fake.launches, 5);
}

static void restart_in_vain(run *self) {
  fake.launch = FAKE_FAIL;
  fake.error_leg = PENSTOCK_LEG_LAUNCH;
  fake.error_class = PENSTOCK_CLASS_CONFIG;
  expect_error(self, "solver_restart", "the fake fails as it was told");
  expect_state(self, "down"); /* and the gateway goes on */
  fake.launch = FAKE_OK;
  expect(self, "solver_start", "up", 0);
}

static void test_a_start_that_fails_is_told(void **state) {
  (void)state;
  run self = prepare(restart_in_vain);
  set(&self, "retry_max", "60s");
  finish(&self);
}

static void restart_what_is_not_launched(run *self) {
  expect_error(self, "solver_restart", "not allowed to launch");
  assert_int_equal(ask(self), 1);
}

static void test_what_could_not_be_started_again_is_not_ended(void **state) {
  (void)state;
  run self = prepare(restart_what_is_not_launched);
  set(&self, "launch", "never");
  finish(&self);
  assert_int_equal(fake.stops, 0);
}

/* --- beside other things ------------------------------------------------------------------------- */

static void lose_solver_and_start(run *self) {
  while (!self->limit_seen) {
    fake.listening = 0;
    (void)ask(self);
  }
  expect(self, "solver_start", "up", 0);
  assert_int_equal(ask(self), 1);
}

static void test_a_start_works_where_the_limit_was_reached(void **state) {
  (void)state;
  run self = prepare(lose_solver_and_start);
  set(&self, "restart_limit", "1");
  set(&self, "hold", "200ms");
  finish(&self);
  assert_int_equal(fake.launches, 2);
}

static void *stop_beside(void *argument) {
  const run *self = argument;
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *result = try_it(self, "solver_stop", NULL, &error);
  json_decref(result);
  return result ? NULL : argument; /* the gateway ended first */
}

static void ask_twice(run *self) {
  pthread_t thread;
  void *is_refused;
  fake.stop = FAKE_NEVER;
  fake.stop_ends = 0;
  assert_int_equal(pthread_create(&thread, NULL, stop_beside, self), 0);
  while (fake.stops == 0) {
    (void)usleep(1000);
  }
  expect_error(self, "solver_start", "is being stopped or started");
  expect_error(self, "reconnect", "is being stopped or started");
  (void)kill(getpid(), SIGTERM);
  (void)pthread_join(thread, &is_refused);
  assert_non_null(is_refused);
}

static void test_one_thing_at_a_time_and_the_end_comes_first(void **state) {
  (void)state;
  run self = prepare(ask_twice);
  finish(&self);
  assert_int_equal(fake.cancels, 1);
}

static void stop_before_it_serves(run *self) {
  while (fake.launches == 0) {
    (void)usleep(1000);
  }
  expect(self, "solver_stop", "stopped", 0);
  assert_int_equal(fake.cancels, 1);
  fake.ready = FAKE_OK;
  expect(self, "solver_start", "up", 0);
}

static void test_a_launch_that_takes_long_can_be_stopped(void **state) {
  (void)state;
  run self = prepare(stop_before_it_serves);
  self.point = AT_LISTENING;
  fake.listening = 0;
  fake.ready = FAKE_NEVER;
  finish(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stop_and_start),
      cmocka_unit_test(test_streams_that_are_left_are_broken_off_and_counted),
      cmocka_unit_test(test_streams_may_finish),
      cmocka_unit_test(test_a_solver_that_is_not_ours_goes_on_with_its_streams),
      cmocka_unit_test(test_a_stop_that_fails_changes_nothing),
      cmocka_unit_test(test_how_the_link_is_then_is_told_after_a_stop_that_failed),
      cmocka_unit_test(test_a_solver_that_somebody_starts_is_found),
      cmocka_unit_test(test_a_new_link_launches_nothing),
      cmocka_unit_test(test_restart),
      cmocka_unit_test(test_the_user_is_not_limited),
      cmocka_unit_test(test_a_start_that_fails_is_told),
      cmocka_unit_test(test_what_could_not_be_started_again_is_not_ended),
      cmocka_unit_test(test_a_start_works_where_the_limit_was_reached),
      cmocka_unit_test(test_one_thing_at_a_time_and_the_end_comes_first),
      cmocka_unit_test(test_a_launch_that_takes_long_can_be_stopped),
  };
  return cmocka_run_group_tests_name("gateway_solver", tests, begin, end);
}
