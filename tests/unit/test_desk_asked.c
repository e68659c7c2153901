/* SPDX-License-Identifier: MIT */
/* What the gateway's desk is asked to have done: it passes it on, and answers when it is known what has become of it.
 */
#include "desk_rig.h"

static void test_a_stop_is_passed_on(void **state) {
  (void)state;
  played self;
  open_desk(&self);
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"stop\"}");
  rig_expect(&self.rig, fd, "{\"id\": 1, \"result\": {\"streams\": 3, \"drain_ms\": 10000}}");
  assert_int_equal(self.drain_ms, -1);
  rig_say(&self.rig, fd, "{\"id\": 2, \"request\": \"stop\", \"drain_ms\": 0}");
  rig_expect(&self.rig, fd, "{\"id\": 2, \"result\": {\"streams\": 3, \"drain_ms\": 0}}");
  assert_int_equal(self.drain_ms, 0);
  rig_say(&self.rig, fd, "{\"id\": 3, \"request\": \"stop\", \"drain_ms\": -1}");
  rig_expect_error(&self.rig, fd, "bad-value", "0 to 3600000");
  assert_int_equal(self.drain_ms, 0);
  rig_say(&self.rig, fd, "{\"id\": 4, \"request\": \"drain\"}");
  rig_expect(&self.rig, fd, "{\"id\": 4, \"result\": {\"streams\": 3, \"drain_ms\": 30000}}");
  assert_int_equal(self.drain_ms, 30000);
  rig_say(&self.rig, fd, "{\"id\": 5, \"request\": \"drain\", \"drain_ms\": 5}");
  rig_expect(&self.rig, fd, "{\"id\": 5, \"result\": {\"streams\": 3, \"drain_ms\": 5}}");
  close(fd);
  close_desk(&self);
}

static json_t *code_of(json_t *line) {
  return json_object_get(json_object_get(line, "error"), "code");
}

static void test_what_is_asked_of_the_solver_is_answered_when_it_is_done(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  int fd = client(&self);
  int other = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"solver_start\"}");
  line = rig_hear(&self.rig, fd);
  assert_string_equal(json_string_value(code_of(line)), "solver-busy");
  json_decref(line);
  rig_say(&self.rig, fd, "{\"id\": 2, \"request\": \"solver_stop\", \"drain_ms\": 7}");
  const json_t *result = result_of(&self, fd, &line);
  assert_true(json_is_true(json_object_get(result, "already")));
  assert_true(json_is_null(json_object_get(result, "adopted")));
  assert_int_equal(self.drain_ms, 7);
  json_decref(line);
  rig_say(&self.rig, fd, "{\"id\": 3, \"request\": \"solver_restart\"}");
  rig_say(&self.rig, other, "{\"id\": 4, \"request\": \"status\"}");
  json_decref(rig_hear(&self.rig, other));
  assert_int_equal(self.drain_ms, 0);
  self.options.events->state(self.options.context, PS_STATE_UP, NULL, 0);
  self.options.events->serving(self.options.context, 0, "0.18");
  const ps_solver_outcome done = {.what = PS_SOLVER_RESTART, .streams = 3};
  ps_desk_answer_solver(self.desk, &done);
  result = result_of(&self, fd, &line);
  assert_int_equal(json_integer_value(json_object_get(result, "streams")), 3);
  assert_true(json_is_false(json_object_get(result, "adopted")));
  assert_string_equal(json_string_value(json_object_get(result, "state")), "up");
  assert_string_equal(json_string_value(json_object_get(result, "protocol_version")), "0.18");
  json_decref(line);
  ps_desk_answer_solver(self.desk, &done); /* nobody waits for this one */
  rig_say(&self.rig, fd, "{\"id\": 5, \"request\": \"solver_restart\"}");
  rig_say(&self.rig, other, "{\"id\": 6, \"request\": \"status\"}");
  json_decref(rig_hear(&self.rig, other));
  penstock_error error;
  (void)penstock_fail(&error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "it does not start");
  penstock_next(&error, "read its log");
  const ps_solver_outcome failed = {.what = PS_SOLVER_RESTART, .is_ended = 1, .error = &error};
  ps_desk_answer_solver(self.desk, &failed);
  line = rig_hear(&self.rig, fd);
  assert_string_equal(json_string_value(code_of(line)), "not-served");
  json_decref(line);
  close(fd);
  close(other);
  close_desk(&self);
}

static void test_a_reconnect_is_passed_on(void **state) {
  (void)state;
  played self;
  open_desk(&self);
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"reconnect\"}");
  rig_expect(&self.rig, fd, "{\"id\": 1, \"result\": {\"lanes\": 1}}");
  self.lanes = 0;
  rig_say(&self.rig, fd, "{\"id\": 2, \"request\": \"reconnect\"}");
  rig_expect_error(&self.rig, fd, "stopping", "ending");
  assert_int_equal(self.reconnects, 2);
  close(fd);
  close_desk(&self);
}

static ps_swap_event swap_event(const played *self, ps_swap_step step) {
  return (ps_swap_event){
      .step = step, .profile = "new", .transport = &transport, .settings = self->settings, .other = "lab"};
}

static json_t *status_of(played *self, int fd, json_t **line) {
  rig_say(&self->rig, fd, "{\"request\": \"status\"}");
  return result_of(self, fd, line);
}

static void test_a_use_is_answered_with_its_outcome(void **state) {
  (void)state;
  played self;
  json_t *line;
  penstock_error error;
  open_desk(&self);
  const ps_gateway_events *events = self.options.events;
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"use\"}");
  rig_expect_error(&self.rig, fd, "bad-value", "missing");
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"use\", \"profile\": \"\"}");
  rig_expect_error(&self.rig, fd, "bad-value", "bytes");
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"use\", \"profile\": \"bad\"}");
  rig_expect_error(&self.rig, fd, "bad-profile", "no profile");

  rig_say(&self.rig, fd, "{\"id\": 2, \"request\": \"use\", \"profile\": \"new\", \"drain_ms\": 5}");
  while (self.drain_ms != 5) {
    rig_turn(&self.rig);
  }
  ps_swap_event event = swap_event(&self, PS_SWAP_BEGUN);
  events->swap(self.options.context, &event);
  event = swap_event(&self, PS_SWAP_LEG);
  event.leg = PENSTOCK_LEG_TCP;
  events->swap(self.options.context, &event);
  json_t *swap = json_object_get(status_of(&self, fd, &line), "swap");
  assert_string_equal(json_string_value(json_object_get(swap, "profile")), "new");
  assert_int_equal(json_array_size(json_object_get(swap, "legs")), 1);
  json_decref(line);
  (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "nobody there");
  penstock_next(&error, "go there");
  event = swap_event(&self, PS_SWAP_FAILED);
  event.error = &error;
  events->swap(self.options.context, &event);
  json_t *answer = rig_hear(&self.rig, fd);
  json_t *wanted = json_loads("{\"id\": 2, \"error\": {\"code\": \"not-served\", \"what\": \"nobody there\", \"next\": "
                              "\"go there\", \"leg\": \"tcp\", \"class\": \"transient\", \"detail\": \"\"}}",
                              0, NULL);
  assert_true(json_equal(answer, wanted));
  json_decref(answer);
  json_decref(wanted);

  rig_say(&self.rig, fd, "{\"id\": 3, \"request\": \"use\", \"profile\": \"new\"}");
  while (self.drain_ms != -1) {
    rig_turn(&self.rig);
  }
  event = swap_event(&self, PS_SWAP_BEGUN);
  events->swap(self.options.context, &event);
  event = swap_event(&self, PS_SWAP_TAKEN);
  event.streams = 2;
  event.drain_ms = 30000;
  events->swap(self.options.context, &event);
  rig_expect(
      &self.rig, fd,
      "{\"id\": 3, \"result\": {\"profile\": \"new\", \"transport\": \"fake\", \"other\": \"lab\", \"streams\": 2, "
      "\"drain_ms\": 30000}}");
  json_t *status = status_of(&self, fd, &line);
  assert_string_equal(json_string_value(json_object_get(status, "profile")), "new");
  assert_string_equal(json_string_value(json_object_get(status, "listen")), "127.0.0.1:4711");
  assert_true(json_is_null(json_object_get(status, "swap")));
  assert_int_equal(json_array_size(json_object_get(status, "draining")), 1);
  json_decref(line);
  close(fd);
  close_desk(&self);
}

static void test_a_reload_is_answered(void **state) {
  (void)state;
  played self;
  open_desk(&self);
  const ps_gateway_events *events = self.options.events;
  int fd = client(&self);
  self.reloads = RELOAD_FAILS;
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"reload\"}");
  rig_expect_error(&self.rig, fd, "bad-profile", "penstock.ini:7");
  self.reloads = RELOAD_IS_LIVE;
  rig_say(&self.rig, fd, "{\"id\": 2, \"request\": \"reload\"}");
  rig_expect(&self.rig, fd,
             "{\"id\": 2, \"result\": {\"profile\": \"lab\", \"connected\": false, \"changes\": [{\"section\": "
             "\"profile\", \"key\": \"hold\", \"when\": \"now\"}]}}");
  self.reloads = RELOAD_CONNECTS;
  rig_say(&self.rig, fd, "{\"id\": 3, \"request\": \"reload\"}");
  while (self.reloads == RELOAD_CONNECTS) {
    rig_turn(&self.rig);
  }
  ps_swap_event event = swap_event(&self, PS_SWAP_BEGUN);
  event.profile = "lab";
  events->swap(self.options.context, &event);
  event.step = PS_SWAP_TAKEN;
  events->swap(self.options.context, &event);
  rig_expect(&self.rig, fd,
             "{\"id\": 3, \"result\": {\"profile\": \"lab\", \"transport\": \"fake\", \"other\": \"lab\", "
             "\"streams\": 0, \"drain_ms\": 0, \"connected\": true, \"changes\": [{\"section\": \"profile\", \"key\": "
             "\"hold\", \"when\": \"served\"}]}}");
  close(fd);
  close_desk(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_stop_is_passed_on),
      cmocka_unit_test(test_a_reconnect_is_passed_on),
      cmocka_unit_test(test_what_is_asked_of_the_solver_is_answered_when_it_is_done),
      cmocka_unit_test(test_a_use_is_answered_with_its_outcome),
      cmocka_unit_test(test_a_reload_is_answered),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
