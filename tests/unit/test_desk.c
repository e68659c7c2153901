/* SPDX-License-Identifier: MIT */
/* What the gateway's desk tells: how the gateway is, its streams, its events, what there is to ask. */
#include "desk_rig.h"

static void wait_for_ticket(const played *self, rig *loop, uint64_t before) {
  while (self->ticket == before) {
    rig_turn(loop);
  }
}

static void test_a_status_waits_for_all_lanes(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  self.asked = 2;
  self.options.events->state(self.options.context, PS_STATE_UP, NULL, 0);
  self.options.events->serving(self.options.context, 1, "0.18");
  assert_int_equal(self.heard, 1);
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"status\"}");
  wait_for_ticket(&self, &self.rig, 0);
  ps_lane_report *report = calloc(1, sizeof(*report));
  report->ticket = self.ticket + 1; /* of another question: does not count */
  ps_desk_report(self.desk, report, 1);
  ps_desk_report(self.desk, NULL, 1);
  *report = (ps_lane_report){.ticket = self.ticket, .ended = 5, .aborted = 1, .up_bytes = 10, .down_bytes = 20};
  ps_desk_report(self.desk, report, 1);
  report->up_bytes = 1;
  ps_desk_report(self.desk, report, 1);
  ps_desk_report(self.desk, report, 1); /* one too many: nobody waits for it any more */
  free(report);
  json_t *status = result_of(&self, fd, &line);
  assert_string_equal(json_string_value(json_object_get(status, "state")), "up");
  assert_string_equal(json_string_value(json_object_get(status, "profile")), "lab");
  assert_int_equal(json_integer_value(json_object_get(status, "streams")), 3);
  assert_int_equal(json_integer_value(json_object_get(status, "held")), 2);
  assert_int_equal(json_integer_value(json_object_get(status, "streams_ended")), 10);
  assert_int_equal(json_integer_value(json_object_get(status, "up_bytes")), 11);
  assert_int_equal(json_integer_value(json_object_get(status, "down_bytes")), 40);
  json_decref(line);
  close(fd);
  close_desk(&self);
}

/* One that is inside a login may be there for minutes. */
static void test_a_lane_that_does_not_answer_is_not_waited_for(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  self.asked = 2;
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"status\"}");
  wait_for_ticket(&self, &self.rig, 0);
  ps_lane_report *report = calloc(1, sizeof(*report));
  report->ticket = self.ticket;
  report->up_bytes = 10;
  ps_desk_report(self.desk, report, 1);
  json_t *status = result_of(&self, fd, &line);
  assert_true(json_is_null(json_object_get(status, "up_bytes"))); /* rather than a figure that is too small */
  assert_int_equal(json_integer_value(json_object_get(status, "streams")), 3);
  json_decref(line);
  ps_desk_report(self.desk, report, 1); /* too late */
  free(report);
  close(fd);
  close_desk(&self);
}

static void test_streams_are_listed_up_to_a_bound(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  self.asked = 2;
  int fd = client(&self);
  ps_lane_report *report = calloc(1, sizeof(*report));
  for (size_t listed = 2; listed <= PS_REPORT_STREAMS; listed += PS_REPORT_STREAMS - 2) {
    uint64_t before = self.ticket;
    rig_say(&self.rig, fd, "{\"request\": \"streams\"}");
    wait_for_ticket(&self, &self.rig, before);
    report->ticket = self.ticket;
    report->listed = listed;
    report->count = listed;
    report->streams[0] = (ps_stream_now){.id = 9, .up_bytes = 1, .down_bytes = UINT64_C(1) << 40, .age_ns = 2500000};
    ps_desk_report(self.desk, report, 1);
    ps_desk_report(self.desk, report, 1);
    json_t *result = result_of(&self, fd, &line);
    json_t *rows = json_object_get(result, "streams");
    int whole = 2 * listed <= PS_REPORT_STREAMS;
    assert_int_equal(json_integer_value(json_object_get(result, "count")), 2 * listed);
    assert_int_equal(json_array_size(rows), whole ? 2 * listed : PS_REPORT_STREAMS);
    assert_int_equal(json_is_true(json_object_get(result, "complete")), whole);
    json_t *first = json_array_get(rows, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "id")), 9);
    assert_true(json_integer_value(json_object_get(first, "down_bytes")) == (json_int_t)1 << 40);
    json_decref(line);
  }
  free(report);
  close(fd);
  close_desk(&self);
}

/* What lanes have carried that have ended stays in the figures, once. */
static void test_what_has_ended_counts(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  self.asked = 1;
  ps_lane_report *report = calloc(1, sizeof(*report));
  *report = (ps_lane_report){.ticket = 0, .ended = 5, .aborted = 1, .up_bytes = 10, .down_bytes = 20};
  ps_desk_report(self.desk, report, 1);
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"id\": 1, \"request\": \"status\"}");
  wait_for_ticket(&self, &self.rig, 0);
  ps_desk_report(self.desk, report, 1); /* one that ends now was not asked for it */
  *report = (ps_lane_report){.ticket = self.ticket, .ended = 1, .up_bytes = 1, .down_bytes = 2};
  ps_desk_report(self.desk, report, 1);
  free(report);
  json_t *status = result_of(&self, fd, &line);
  assert_int_equal(json_integer_value(json_object_get(status, "streams_ended")), 6);
  assert_int_equal(json_integer_value(json_object_get(status, "streams_aborted")), 1);
  assert_int_equal(json_integer_value(json_object_get(status, "up_bytes")), 11);
  assert_int_equal(json_integer_value(json_object_get(status, "down_bytes")), 22);
  json_decref(line);
  close(fd);
  close_desk(&self);
}

static void test_events_are_told(void **state) {
  (void)state;
  played self;
  penstock_error error;
  open_desk(&self);
  const ps_gateway_events *events = self.options.events;
  int fd = client(&self);
  events->state(self.options.context, PS_STATE_CONNECTING, NULL, 0); /* before: is not told */
  rig_say(&self.rig, fd, "{\"request\": \"subscribe\"}");
  rig_expect(&self.rig, fd,
             "{\"id\": null, \"result\": {\"events\": "
             "[\"state\",\"leg\",\"progress\",\"serving\",\"swap\",\"log\",\"reload\"], "
             "\"seq\": 1}}");
  (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "gone");
  events->leg(self.options.context, PENSTOCK_LEG_TCP, 1500000, "ok", NULL);
  events->progress(self.options.context, "doing");
  events->serving(self.options.context, 0, NULL);
  events->state(self.options.context, PS_STATE_DOWN, &error, 250);
  static const char *const expected[] = {
      "{\"event\": \"leg\", \"seq\": 2, \"leg\": \"tcp\", \"ms\": 1.5, \"text\": \"ok\", \"error\": null}",
      "{\"event\": \"progress\", \"seq\": 3, \"text\": \"doing\"}",
      "{\"event\": \"serving\", \"seq\": 4, \"adopted\": false, \"protocol_version\": \"\"}",
      "{\"event\": \"state\", \"seq\": 5, \"state\": \"down\", \"next_try_ms\": 250, \"error\": {\"leg\": \"tcp\", "
      "\"class\": \"transient\", \"what\": \"gone\", \"next\": \"\", \"detail\": \"\"}}",
  };
  for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
    json_t *heard = rig_hear(&self.rig, fd);
    json_t *wanted = json_loads(expected[i], 0, NULL);
    assert_int_equal(json_object_del(heard, "time"), 0);
    assert_true(json_equal(heard, wanted));
    json_decref(heard);
    json_decref(wanted);
  }
  close(fd);
  close_desk(&self);
}

/* The table is what help tells. */
static void test_help(void **state) {
  (void)state;
  played self;
  json_t *line;
  open_desk(&self);
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"request\": \"help\"}");
  json_t *requests = json_object_get(result_of(&self, fd, &line), "requests");
  assert_true(json_array_size(requests) >= 6);
  json_decref(line);
  close(fd);
  close_desk(&self);
}

static void test_it_closes_while_somebody_waits(void **state) {
  (void)state;
  played self;
  open_desk(&self);
  self.asked = 1;
  int fd = client(&self);
  rig_say(&self.rig, fd, "{\"request\": \"status\"}");
  wait_for_ticket(&self, &self.rig, 0);
  close_desk(&self);
  close(fd);
}

/* A gateway serves all the same if it cannot be asked. */
static void test_there_may_be_no_socket(void **state) {
  (void)state;
  played self;
  (void)setenv("PENSTOCK_RUNTIME_DIR", "/nowhere/at/all", 1);
  open_desk(&self);
  assert_non_null(strstr(self.unasked.what, "no control socket"));
  self.options.events->state(self.options.context, PS_STATE_UP, NULL, 0);
  assert_int_equal(self.heard, 1);
  close_desk(&self);
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static void test_clients_are_few_where_descriptors_are(void **state) {
  (void)state;
  assert_int_equal(ps_desk_descriptors(1048576), 18);
  assert_int_equal(ps_desk_descriptors(64), 6);
  assert_int_equal(ps_desk_descriptors(0), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_status_waits_for_all_lanes),
      cmocka_unit_test(test_a_lane_that_does_not_answer_is_not_waited_for),
      cmocka_unit_test(test_streams_are_listed_up_to_a_bound),
      cmocka_unit_test(test_what_has_ended_counts),
      cmocka_unit_test(test_events_are_told),
      cmocka_unit_test(test_help),
      cmocka_unit_test(test_it_closes_while_somebody_waits),
      cmocka_unit_test(test_there_may_be_no_socket),
      cmocka_unit_test(test_clients_are_few_where_descriptors_are),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
