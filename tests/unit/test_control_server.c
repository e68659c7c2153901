/* SPDX-License-Identifier: MIT */
/* The control server: each promise of server.h, and each bound. */
#include "control_rig.h"

static rig begin(void) {
  rig self = {.limits = ps_control_usual_limits};
  return self;
}

static void test_a_request_is_answered(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"id\": 7, \"request\": \"now\", \"count\": 3}");
  rig_expect(&self, fd, "{\"id\": 7, \"result\": {\"count\": 3}}");
  rig_say(&self, fd, " {\"request\":\"now\",\"id\":\"a\xc3\xa4\"}\r");
  rig_expect(&self, fd, "{\"id\": \"a\xc3\xa4\", \"result\": {\"count\": -1}}");
  rig_say(&self, fd, "{\"request\": \"refuse\"}");
  rig_expect(&self, fd,
             "{\"id\": null, \"error\": {\"code\":\"not-now\",\"what\":\"it is closed\",\"next\":\"come again\"}}");
  close(fd);
  rig_end(&self);
}

static void test_a_line_may_come_in_pieces(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  const char line[] = "{\"id\": 1, \"request\": \"now\"}\n{\"id\": 2, \"request\": \"now\"}\n";
  for (const char *c = line; *c; c++) {
    rig_send(&self, fd, c, 1);
    rig_turn(&self);
  }
  rig_expect(&self, fd, "{\"id\": 1, \"result\": {\"count\": -1}}");
  rig_expect(&self, fd, "{\"id\": 2, \"result\": {\"count\": -1}}");
  close(fd);
  rig_end(&self);
}

static void test_answers_may_come_later_and_in_any_order(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"id\": 1, \"request\": \"later\"}");
  rig_say(&self, fd, "{\"id\": 2, \"request\": \"later\"}");
  rig_say(&self, fd, "{\"id\": 3, \"request\": \"now\"}");
  rig_expect(&self, fd, "{\"id\": 3, \"result\": {\"count\": -1}}");
  assert_int_equal(self.kept_count, 2);
  ps_control_answer(self.kept[1], json_string("b"));
  ps_control_answer(self.kept[0], json_string("a"));
  rig_expect(&self, fd, "{\"id\": 2, \"result\": \"b\"}");
  rig_expect(&self, fd, "{\"id\": 1, \"result\": \"a\"}");
  close(fd);
  rig_end(&self);
}

/* Whoever asks it may answer when it likes, whoever is left by then. */
static void test_an_answer_may_come_too_late(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fds[] = {rig_guest(&self), rig_guest(&self)};
  rig_say(&self, fds[0], "{\"id\": 1, \"request\": \"later\"}");
  rig_say(&self, fds[1], "{\"id\": 2, \"request\": \"later\"}");
  while (self.kept_count < 2) {
    rig_turn(&self);
  }
  close(fds[0]);
  for (int i = 0; i < 20; i++) {
    rig_turn(&self);
  }
  ps_control_answer(self.kept[0], json_string("nobody"));
  rig_end(&self);
  ps_control_answer(self.kept[1], json_string("no server"));
  close(fds[1]);
}

static void test_who_sends_and_ends_is_still_answered(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"id\": 1, \"request\": \"later\"}");
  rig_say(&self, fd, "{\"id\": 2, \"request\": \"now\"}");
  (void)shutdown(fd, SHUT_WR);
  rig_expect(&self, fd, "{\"id\": 2, \"result\": {\"count\": -1}}");
  ps_control_answer(self.kept[0], json_string("a"));
  rig_expect(&self, fd, "{\"id\": 1, \"result\": \"a\"}");
  rig_expect_end(&self, fd);
  assert_int_equal(ps_control_server_clients(self.server), 0);
  close(fd);
  rig_end(&self);
}

static void test_a_last_line_without_an_end_is_told(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_send(&self, fd, "{\"request\": \"now\"}", 18);
  (void)shutdown(fd, SHUT_WR);
  rig_expect_error(&self, fd, "malformed", "does not end");
  rig_expect_end(&self, fd);
  assert_int_equal(self.handled, 0);
  close(fd);
  rig_end(&self);
}

static void test_a_wrong_line_harms_nothing(void **state) {
  (void)state;
  static const struct {
    const char *line;
    const char *code;
    const char *words;
  } cases[] = {
      {"", "malformed", "no JSON object"},
      {"hello", "malformed", "no JSON object"},
      {"\xff\xfe{}", "malformed", "no JSON object"},
      {"[1]", "malformed", "something else"},
      {"{}", "malformed", "`request` is missing"},
      {"{\"request\": 3}", "malformed", "`request` is missing"},
      {"{\"request\": \"now\", \"request\": \"now\"}", "malformed", "duplicate"},
      {"{\"request\": \"nwo\"}", "unknown-request", "did you mean 'now'?"},
      {"{\"request\": \"quit\"}", "unknown-request", "it is one of: now, later, refuse, subscribe"},
      {"{\"request\": \"\"}", "unknown-request", "it is one of"},
      {"{\"request\": \"now\", \"cuont\": 3}", "unknown-field", "did you mean 'count'?"},
      {"{\"request\": \"later\", \"count\": 3}", "unknown-field", "it has none"},
      {"{\"request\": \"now\", \"count\": \"3\"}", "bad-value", "from 0 to 9"},
      {"{\"request\": \"now\", \"count\": 10}", "bad-value", "from 0 to 9"},
      {"{\"request\": \"now\", \"count\": 1.5}", "bad-value", "from 0 to 9"},
      {"{\"request\": \"now\", \"id\": {}}", "bad-value", "`id`"},
      {"{\"request\": \"subscribe\", \"events\": \"state\"}", "bad-value", "list of words"},
      {"{\"request\": \"subscribe\", \"events\": [1]}", "bad-value", "list of words"},
      {"{\"request\": \"subscribe\", \"events\": []}", "bad-value", "list of words"},
      {"{\"request\": \"subscribe\", \"events\": [\"sate\"]}", "bad-value", "did you mean 'state'?"},
  };
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    rig_say(&self, fd, cases[i].line);
    rig_expect_error(&self, fd, cases[i].code, cases[i].words);
  }
  rig_say(&self, fd, "{\"id\": 1, \"request\": \"now\"}");
  rig_expect(&self, fd, "{\"id\": 1, \"result\": {\"count\": -1}}");
  close(fd);
  rig_end(&self);
}

/* A line of so many bytes in all, which is right but for its blanks. */
static char *long_line(size_t size) {
  static const char request[] = "{\"request\": \"now\"}";
  char *line = malloc(size + 1);
  memset(line, ' ', size);
  memcpy(line, request, sizeof(request) - 1);
  line[size] = '\0';
  return line;
}

static void test_the_longest_line(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  char *line = long_line(PS_CONTROL_LINE_MAX);
  rig_say(&self, fd, line);
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": -1}}");
  rig_say(&self, fd, line);
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": -1}}");
  free(line);
  close(fd);
  rig_end(&self);
}

static void test_a_line_that_is_too_long_is_the_last_one(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  char *line = long_line(PS_CONTROL_LINE_MAX + 1);
  rig_send(&self, fd, line, PS_CONTROL_LINE_MAX + 1);
  rig_expect_error(&self, fd, "too-long", "65536");
  rig_expect_end(&self, fd);
  assert_int_equal(self.handled, 0);
  free(line);
  close(fd);
  rig_end(&self);
}

static void test_half_a_line_is_not_waited_for_without_end(void **state) {
  (void)state;
  rig self = begin();
  self.limits.line_ms = 50;
  self.limits.look_ms = 10;
  rig_start(&self);
  int slow = rig_guest(&self);
  int silent = rig_guest(&self);
  for (int i = 0; i < 4; i++) { /* bytes that trickle in begin no line anew */
    rig_send(&self, slow, "{", 1);
    rig_turn(&self);
  }
  rig_expect_error(&self, slow, "too-slow", "not ended in time");
  rig_expect_end(&self, slow);
  rig_say(&self, silent, "{\"id\": 1, \"request\": \"now\"}"); /* has begun none meanwhile */
  rig_expect(&self, silent, "{\"id\": 1, \"result\": {\"count\": -1}}");
  close(slow);
  close(silent);
  rig_end(&self);
}

static void test_who_asks_nothing_goes_and_who_listens_stays(void **state) {
  (void)state;
  rig self = begin();
  self.limits.quiet_ms = 50;
  self.limits.look_ms = 10;
  rig_start(&self);
  int listens = rig_guest(&self);
  int waits = rig_guest(&self);
  int silent = rig_guest(&self);
  rig_say(&self, listens, "{\"request\": \"subscribe\", \"events\": [\"progress\"]}");
  rig_expect(&self, listens, "{\"id\": null, \"result\": {\"kinds\": 2}}");
  rig_say(&self, waits, "{\"request\": \"later\"}");
  rig_expect_error(&self, silent, "too-slow", "nothing was asked");
  rig_expect_end(&self, silent);
  for (int i = 0; i < 200; i++) {
    rig_turn(&self);
  }
  assert_int_equal(ps_control_server_clients(self.server), 2);
  ps_control_answer(self.kept[0], json_null());
  rig_expect(&self, waits, "{\"id\": null, \"result\": null}");
  ps_control_publish(self.server, 1, json_pack("{s:s}", "text", "x"));
  json_decref(rig_hear(&self, listens));
  close(listens);
  close(waits);
  close(silent);
  rig_end(&self);
}

static void test_events_come_to_those_who_subscribed(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int all = rig_guest(&self);
  int one = rig_guest(&self);
  int none = rig_guest(&self);
  rig_say(&self, all, "{\"request\": \"subscribe\"}");
  rig_expect(&self, all, "{\"id\": null, \"result\": {\"kinds\": 3}}");
  rig_say(&self, one, "{\"request\": \"subscribe\", \"events\": [\"state\"]}");
  rig_expect(&self, one, "{\"id\": null, \"result\": {\"kinds\": 1}}");
  for (int i = 0; i < 4; i++) {
    ps_control_publish(self.server, (unsigned)i % 2, json_pack("{s:i}", "n", i));
  }
  for (int i = 0; i < 4; i++) {
    int fds[] = {all, one};
    for (int j = 0; j < 2; j++) {
      if (j == 1 && i % 2 == 1) {
        continue;
      }
      json_t *heard = rig_hear(&self, fds[j]);
      assert_string_equal(json_string_value(json_object_get(heard, "event")), i % 2 ? "progress" : "state");
      assert_int_equal(json_integer_value(json_object_get(heard, "seq")), i + 1);
      assert_int_equal(json_integer_value(json_object_get(heard, "n")), i);
      assert_non_null(json_object_get(heard, "time"));
      json_decref(heard);
    }
  }
  char byte;
  assert_true(recv(none, &byte, 1, MSG_DONTWAIT) < 0);
  close(all);
  close(one);
  close(none);
  rig_end(&self);
}

/* Publishes until the client has lost some. Returns how many events there were. */
static int flood(rig *self, int count) {
  char text[1024];
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  for (int i = 0; i < count; i++) {
    ps_control_publish(self->server, 0, json_pack("{s:s}", "text", text));
    if (i % 16 == 0) {
      (void)uv_run(&self->loop, UV_RUN_NOWAIT);
    }
  }
  return count;
}

static void test_a_slow_subscriber_loses_events_and_is_told(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"request\": \"subscribe\"}");
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"kinds\": 3}}");
  int sent = flood(&self, 2000);
  int heard = 0;
  json_int_t lost = 0;
  json_int_t last = 0;
  while (heard + lost < sent) { /* nothing is published any more: what was lost is told all the same */
    json_t *event = rig_hear(&self, fd);
    json_int_t seq = json_integer_value(json_object_get(event, "seq"));
    if (strcmp(json_string_value(json_object_get(event, "event")), "lost") == 0) {
      lost += json_integer_value(json_object_get(event, "lost"));
    } else {
      assert_int_equal(seq, last + 1); /* up to the gap */
      heard++;
    }
    last = seq;
    json_decref(event);
  }
  assert_true(lost > 0 && heard > 0);
  assert_int_equal(heard + lost, sent);
  ps_control_publish(self.server, 0, json_object());
  json_decref(rig_hear(&self, fd));
  close(fd);
  rig_end(&self);
}

static void test_a_subscriber_that_never_reads_is_dropped(void **state) {
  (void)state;
  rig self = begin();
  self.limits.write_ms = 50;
  self.limits.look_ms = 10;
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"request\": \"subscribe\"}");
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"kinds\": 3}}");
  (void)flood(&self, 2000);
  uint64_t end = uv_hrtime() + PATIENCE_NS;
  while (ps_control_server_clients(self.server) > 0 && uv_hrtime() < end) {
    rig_turn(&self);
  }
  assert_int_equal(ps_control_server_clients(self.server), 0);
  close(fd);
  rig_end(&self);
}

/* What it does not read of answers keeps it from asking more: the rest waits in its own socket. */
static void test_who_does_not_read_is_not_read_from(void **state) {
  (void)state;
  rig self = begin();
  self.limits.requests = 1000000;
  rig_start(&self);
  int fd = rig_guest(&self);
  static const char line[] = "{\"request\":\"now\"}\n";
  size_t sent = 0;
  int full = 0;
  while (full < 100) {
    ssize_t count = send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    full = count < 0 ? full + 1 : 0;
    sent += count > 0 ? (size_t)count : 0;
    if (count < 0) {
      rig_turn(&self);
    }
  }
  size_t handled = (size_t)self.handled;
  for (int i = 0; i < 100; i++) {
    rig_turn(&self);
  }
  assert_int_equal(self.handled, handled);
  assert_true(handled < sent / (sizeof(line) - 1));
  close(fd);
  rig_end(&self);
}

/* A client that floods gets its turn and no more: another one is answered meanwhile. */
static void test_a_flood_gets_its_turn(void **state) {
  (void)state;
  rig self = begin();
  self.limits.turn_ms = 1000000;
  rig_start(&self);
  int loud = rig_guest(&self);
  int other = rig_guest(&self);
  for (int i = 0; i < 100; i++) {
    rig_say(&self, loud, "{\"request\": \"now\"}");
  }
  rig_say(&self, other, "{\"id\": 1, \"request\": \"now\"}");
  rig_expect(&self, other, "{\"id\": 1, \"result\": {\"count\": -1}}");
  for (int i = 0; i < 50; i++) {
    rig_turn(&self);
  }
  assert_int_equal(self.handled, (int)self.limits.requests + 1);
  close(loud);
  close(other);
  rig_end(&self);
}

static void test_a_flood_is_answered_in_the_end(void **state) {
  (void)state;
  rig self = begin();
  self.limits.turn_ms = 1;
  rig_start(&self);
  int fd = rig_guest(&self);
  for (int i = 0; i < 100; i++) {
    rig_say(&self, fd, "{\"request\": \"now\"}");
  }
  (void)shutdown(fd, SHUT_WR);
  for (int i = 0; i < 100; i++) {
    rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": -1}}");
  }
  rig_expect_end(&self, fd);
  close(fd);
  rig_end(&self);
}

static void test_so_many_are_waited_for_and_no_more(void **state) {
  (void)state;
  rig self = begin();
  self.limits.requests = 1000;
  rig_start(&self);
  int fd = rig_guest(&self);
  for (int i = 0; i < 20; i++) {
    rig_say(&self, fd, "{\"request\": \"later\"}");
  }
  for (int i = 0; i < 50; i++) {
    rig_turn(&self);
  }
  assert_int_equal(self.kept_count, self.limits.calls);
  for (size_t i = 0; i < 20; i++) {
    while (i >= self.kept_count) {
      rig_turn(&self);
    }
    ps_control_answer(self.kept[i], json_null());
    rig_expect(&self, fd, "{\"id\": null, \"result\": null}");
  }
  close(fd);
  rig_end(&self);
}

static void test_a_newcomer_takes_the_place_of_the_most_silent(void **state) {
  (void)state;
  rig self = begin();
  self.limits.clients = 3;
  self.limits.grace_ms = 0;
  rig_start(&self);
  int listens = rig_guest(&self);
  int silent = rig_guest(&self);
  int asks = rig_guest(&self);
  rig_say(&self, listens, "{\"request\": \"subscribe\"}");
  rig_expect(&self, listens, "{\"id\": null, \"result\": {\"kinds\": 3}}");
  rig_say(&self, asks, "{\"id\": 1, \"request\": \"now\"}");
  rig_expect(&self, asks, "{\"id\": 1, \"result\": {\"count\": -1}}");
  int newcomer = rig_guest(&self);
  rig_expect_error(&self, silent, "busy", "too many");
  rig_expect_end(&self, silent);
  rig_say(&self, newcomer, "{\"id\": 1, \"request\": \"later\"}");
  rig_say(&self, asks, "{\"id\": 1, \"request\": \"later\"}");
  while (self.kept_count < 2) {
    rig_turn(&self);
  }
  /* All of them are about something now. */
  int late = rig_client(&self);
  rig_expect_end(&self, late);
  assert_int_equal(ps_control_server_clients(self.server), 3);
  ps_control_answer(self.kept[0], json_null());
  ps_control_answer(self.kept[1], json_null());
  int fds[] = {listens, silent, asks, newcomer, late};
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    close(fds[i]);
  }
  rig_end(&self);
}

static void test_whoever_has_just_come_is_let_ask(void **state) {
  (void)state;
  rig self = begin();
  self.limits.clients = 2;
  self.limits.grace_ms = 1000000;
  rig_start(&self);
  int first = rig_guest(&self);
  int second = rig_guest(&self);
  int fds[] = {first, second, rig_client(&self)};
  rig_expect_end(&self, fds[2]);
  for (size_t i = 0; i < 2; i++) {
    rig_say(&self, fds[i], "{\"id\": 1, \"request\": \"now\"}");
    rig_expect(&self, fds[i], "{\"id\": 1, \"result\": {\"count\": -1}}");
  }
  for (size_t i = 0; i < 3; i++) {
    close(fds[i]);
  }
  rig_end(&self);
}

/* Who asks without end always waits for an answer, and could keep others out by it. */
static void test_a_flood_does_not_keep_its_place(void **state) {
  (void)state;
  rig self = begin();
  self.limits.clients = 2;
  self.limits.grace_ms = 0;
  self.limits.turn_ms = 1000000;
  rig_start(&self);
  int waits = rig_guest(&self);
  int loud = rig_guest(&self);
  rig_say(&self, waits, "{\"request\": \"later\"}");
  for (size_t i = 0; i < self.limits.calls + 1; i++) {
    rig_say(&self, loud, "{\"request\": \"later\"}");
  }
  while (self.kept_count < self.limits.calls + 1) {
    rig_turn(&self);
  }
  int newcomer = rig_guest(&self);
  rig_expect_error(&self, loud, "busy", "too many");
  rig_expect_end(&self, loud);
  for (size_t i = 0; i < self.kept_count; i++) {
    ps_control_answer(self.kept[i], json_null());
  }
  rig_expect(&self, waits, "{\"id\": null, \"result\": null}");
  close(waits);
  close(loud);
  close(newcomer);
  rig_end(&self);
}

/* Else those who only listen could keep all others out. */
static void test_half_of_the_places_are_for_subscribers(void **state) {
  (void)state;
  rig self = begin();
  int fds[3];
  self.limits.clients = 4;
  rig_start(&self);
  for (size_t i = 0; i < 3; i++) {
    fds[i] = rig_guest(&self);
    rig_say(&self, fds[i], "{\"request\": \"subscribe\", \"events\": [\"state\"]}");
    rig_expect(&self, fds[i],
               i < 2 ? "{\"id\": null, \"result\": {\"kinds\": 1}}" : "{\"id\": null, \"result\": {\"kinds\": 0}}");
  }
  rig_say(&self, fds[0], "{\"request\": \"subscribe\"}"); /* who has a place may hear more */
  rig_expect(&self, fds[0], "{\"id\": null, \"result\": {\"kinds\": 3}}");
  for (size_t i = 0; i < 3; i++) {
    close(fds[i]);
  }
  rig_end(&self);
}

static void test_the_table_can_be_told(void **state) {
  (void)state;
  json_t *told = ps_control_table_json(&rig_table);
  assert_int_equal(json_array_size(told), rig_table.count);
  json_t *fields = json_object_get(json_array_get(told, 0), "fields");
  assert_int_equal(json_integer_value(json_object_get(json_array_get(fields, 0), "most")), 9);
  fields = json_object_get(json_array_get(told, 3), "fields");
  assert_int_equal(json_array_size(json_object_get(json_array_get(fields, 0), "words")), 2);
  json_decref(told);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_request_is_answered),
      cmocka_unit_test(test_a_line_may_come_in_pieces),
      cmocka_unit_test(test_answers_may_come_later_and_in_any_order),
      cmocka_unit_test(test_an_answer_may_come_too_late),
      cmocka_unit_test(test_who_sends_and_ends_is_still_answered),
      cmocka_unit_test(test_a_last_line_without_an_end_is_told),
      cmocka_unit_test(test_a_wrong_line_harms_nothing),
      cmocka_unit_test(test_the_longest_line),
      cmocka_unit_test(test_a_line_that_is_too_long_is_the_last_one),
      cmocka_unit_test(test_half_a_line_is_not_waited_for_without_end),
      cmocka_unit_test(test_who_asks_nothing_goes_and_who_listens_stays),
      cmocka_unit_test(test_events_come_to_those_who_subscribed),
      cmocka_unit_test(test_a_slow_subscriber_loses_events_and_is_told),
      cmocka_unit_test(test_a_subscriber_that_never_reads_is_dropped),
      cmocka_unit_test(test_who_does_not_read_is_not_read_from),
      cmocka_unit_test(test_a_flood_gets_its_turn),
      cmocka_unit_test(test_a_flood_is_answered_in_the_end),
      cmocka_unit_test(test_so_many_are_waited_for_and_no_more),
      cmocka_unit_test(test_a_newcomer_takes_the_place_of_the_most_silent),
      cmocka_unit_test(test_whoever_has_just_come_is_let_ask),
      cmocka_unit_test(test_a_flood_does_not_keep_its_place),
      cmocka_unit_test(test_half_of_the_places_are_for_subscribers),
      cmocka_unit_test(test_the_table_can_be_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
