/* SPDX-License-Identifier: MIT */
/* The gateway's desk, before a gateway that the test plays. */
#include "control_rig.h"

#include "control/place.h"
#include "gateway/desk.h"

static char folder[64];

/* The gateway. */
typedef struct played {
  rig rig; /* its loop */
  ps_desk *desk;
  ps_gateway_options options;
  ps_gateway_events told;
  ps_settings *settings;
  size_t asked; /* lanes that are asked for a report */
  uint64_t ticket;
  int64_t drain_ms; /* of the last stop; -2 = none */
  int reconnects;
  size_t lanes; /* that connect anew */
  int heard;    /* events that got through */
  penstock_error unasked;
  enum { RELOAD_FAILS, RELOAD_IS_LIVE, RELOAD_CONNECTS } reloads;
} played;

static const penstock_transport transport = {.name = "fake"};

static void count(void *context, ps_desk_counts *counts) {
  (void)context;
  counts->streams = 3;
  counts->held = 2;
  counts->lanes = 1;
}

static size_t ask_reports(void *context, uint64_t ticket) {
  played *self = context;
  self->ticket = ticket;
  return self->asked;
}

static uint64_t stop(void *context, int64_t drain_ms) {
  played *self = context;
  self->drain_ms = drain_ms;
  return drain_ms < 0 ? 10000 : (uint64_t)drain_ms;
}

static int reconnect(void *context, size_t *lanes, ps_control_fault *fault) {
  played *self = context;
  self->reconnects++;
  *lanes = self->lanes;
  if (self->lanes == 0) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it again");
  }
  return self->lanes > 0 ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

/* Refuses every start; what is stopped was stopped already; a restart is answered later. */
static int solver(void *context, ps_solver_ask what, uint64_t drain_ms, ps_control_fault *fault) {
  played *self = context;
  self->drain_ms = (int64_t)drain_ms;
  if (what == PS_SOLVER_START) {
    ps_control_fault_set(fault, "solver-busy", "somebody has asked");
    ps_control_fault_next(fault, "try again");
    return PENSTOCK_E_FAILED;
  }
  if (what == PS_SOLVER_STOP) {
    const ps_solver_outcome outcome = {.what = what, .is_already = 1};
    ps_desk_answer_solver(self->desk, &outcome);
  }
  return PENSTOCK_OK;
}

static int use(void *context, const char *name, int64_t drain_ms, ps_control_fault *fault) {
  played *self = context;
  if (strcmp(name, "bad") == 0) {
    penstock_error error;
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "no profile 'bad'");
    ps_control_fault_set(fault, "bad-profile", "%s", error.what);
    ps_control_fault_next(fault, "name another one");
    ps_control_fault_cause(fault, &error);
    return PENSTOCK_E_FAILED;
  }
  self->drain_ms = drain_ms;
  return 0;
}

static int run(void *context, ps_command *command, penstock_socket socket, ps_control_fault *fault) {
  (void)context;
  (void)command;
  (void)socket;
  (void)fault;
  return PENSTOCK_E_FAILED;
}

/* Of the kind that `connects` says. */
static int reload(void *context, ps_reload *changes, ps_control_fault *fault) {
  played *self = context;
  memset(changes, 0, sizeof(*changes));
  if (self->reloads == RELOAD_FAILS) {
    ps_control_fault_set(fault, "bad-profile", "penstock.ini:7: `hold` is wrong");
    ps_control_fault_next(fault, "mend it");
    return PENSTOCK_E_FAILED;
  }
  changes->keys = calloc(1, sizeof(*changes->keys));
  assert_non_null(changes->keys);
  changes->count = 1;
  changes->connects = self->reloads == RELOAD_CONNECTS;
  changes->keys[0].when = changes->connects ? PS_RELOAD_SERVED : PS_RELOAD_NOW;
  (void)snprintf(changes->keys[0].key, sizeof(changes->keys[0].key), "hold");
  self->reloads = RELOAD_FAILS; /* the next one */
  return 0;
}

static json_t *leaving(void *context) {
  (void)context;
  return json_pack("[{s:s, s:i}]", "profile", "old", "streams", 1);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  (void)state;
  (void)error;
  (void)next_try_ms;
  ((played *)context)->heard++;
}

static int begin(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-desk-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static int end(void **state) {
  (void)state;
  return rmdir(folder); /* which shows that nothing was left in it */
}

static void open_desk(played *self) {
  static const ps_gateway_events events = {.state = on_state};
  const ps_desk_gateway gateway = {.context = self,
                                   .count = count,
                                   .ask_reports = ask_reports,
                                   .stop = stop,
                                   .reconnect = reconnect,
                                   .use = use,
                                   .run = run,
                                   .solver = solver,
                                   .reload = reload,
                                   .leaving = leaving};
  memset(self, 0, sizeof(*self));
  (void)signal(SIGPIPE, SIG_IGN);
  assert_int_equal(uv_loop_init(&self->rig.loop), 0);
  self->lanes = 1;
  self->drain_ms = -2;
  self->settings = ps_settings_defaults("test", &transport);
  self->told = ps_gateway_events_whole(&events);
  self->options = (ps_gateway_options){.profile = "lab",
                                       .transport = &transport,
                                       .settings = self->settings,
                                       .unasked = &self->unasked,
                                       .events = &self->told,
                                       .context = self};
  self->desk = ps_desk_open(&self->rig.loop, &self->options, &gateway, 1024);
  assert_non_null(self->desk);
  self->options.events->listening(self->options.context, "127.0.0.1:4711");
}

static void close_desk(played *self) {
  ps_desk_close(self->desk);
  (void)uv_run(&self->rig.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&self->rig.loop), 0);
  ps_settings_free(self->settings);
}

/* A client that was greeted. */
static int client(played *self) {
  penstock_socket socket;
  penstock_error error;
  char path[PS_CONTROL_PATH_SIZE];
  (void)snprintf(path, sizeof(path), "%s/lab@4711.sock", folder);
  assert_int_equal(ps_control_dial(path, 1000, &socket, &error), 0);
  json_t *greeting = rig_hear(&self->rig, (int)socket);
  json_t *gateway = json_object_get(greeting, "gateway");
  assert_string_equal(json_string_value(json_object_get(gateway, "profile")), "lab");
  assert_string_equal(json_string_value(json_object_get(gateway, "transport")), "fake");
  assert_string_equal(json_string_value(json_object_get(gateway, "listen")), "127.0.0.1:4711");
  assert_int_equal(json_integer_value(json_object_get(gateway, "pid")), getpid());
  json_decref(greeting);
  return (int)socket;
}

static json_t *result_of(played *self, int fd, json_t **line) {
  *line = rig_hear(&self->rig, fd);
  json_t *result = json_object_get(*line, "result");
  assert_non_null(result);
  return result;
}

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
      cmocka_unit_test(test_a_stop_is_passed_on),
      cmocka_unit_test(test_a_reconnect_is_passed_on),
      cmocka_unit_test(test_what_is_asked_of_the_solver_is_answered_when_it_is_done),
      cmocka_unit_test(test_what_has_ended_counts),
      cmocka_unit_test(test_a_use_is_answered_with_its_outcome),
      cmocka_unit_test(test_a_reload_is_answered),
      cmocka_unit_test(test_events_are_told),
      cmocka_unit_test(test_help),
      cmocka_unit_test(test_it_closes_while_somebody_waits),
      cmocka_unit_test(test_there_may_be_no_socket),
      cmocka_unit_test(test_clients_are_few_where_descriptors_are),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
