/* SPDX-License-Identifier: MIT */
/* A connection of the control socket that becomes something else, and the texts of a field. */
#include "control_rig.h"

static rig begin(void) {
  return (rig){.limits = ps_control_usual_limits};
}

/* Asks for the connection, and waits until it is lent. */
static void ask(rig *self, int fd) {
  size_t before = self->kept_count;
  rig_say(self, fd, "{\"id\": 5, \"request\": \"lend\"}");
  while (self->kept_count == before) {
    rig_turn(self);
  }
}

static void expect_bytes(rig *self, int fd, const char *bytes) {
  char heard[64];
  size_t size = 0;
  uint64_t end = uv_hrtime() + PATIENCE_NS;
  while (size < strlen(bytes)) {
    ssize_t count = recv(fd, heard + size, strlen(bytes) - size, MSG_DONTWAIT);
    assert_true(count != 0 && uv_hrtime() < end);
    size += count > 0 ? (size_t)count : 0;
    rig_turn(self);
  }
  assert_memory_equal(heard, bytes, size);
}

static void test_a_list_of_texts(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"request\": \"words\"}");
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": 0, \"last\": \"none\"}}");
  rig_say(&self, fd, "{\"request\": \"words\", \"words\": [\"ls\", \"-l a\"]}");
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": 2, \"last\": \"-l a\"}}");
  rig_say(&self, fd, "{\"request\": \"words\", \"words\": [\"\", \"\"]}");
  rig_expect(&self, fd, "{\"id\": null, \"result\": {\"count\": 2, \"last\": \"\"}}");
  const char *const wrong[] = {"[]",
                               "[\"\"]",
                               "\"ls\"",
                               "[1, 2]",
                               "[[\"ls\"]]",
                               "{\"a\": \"ls\"}",
                               "null",
                               "[\"12345678901\", \"\"]",
                               "[\"ls\", null]"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    char line[128];
    (void)snprintf(line, sizeof(line), "{\"request\": \"words\", \"words\": %s}", wrong[i]);
    rig_say(&self, fd, line);
    rig_expect_error(&self, fd, "bad-value", "`words` is a list of texts, in all of 2 to 12 bytes");
  }
  close(fd);
  rig_end(&self);
}

static void test_a_connection_is_taken_over(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  ask(&self, fd);
  char *line = ps_control_line(self.kept[0], json_pack("{s:s}", "is", "yours"));
  assert_non_null(line);
  assert_int_equal(ps_net_write(self.lent, line, strlen(line)), strlen(line));
  free(line);
  ps_control_taken(self.kept[0]);
  while (ps_control_server_clients(self.server) > 0) {
    rig_turn(&self);
  }
  rig_expect(&self, fd, "{\"id\": 5, \"result\": {\"is\": \"yours\"}}");
  rig_say(&self, fd, "{\"request\": \"now\"}"); /* which nobody reads but its new owner */
  expect_bytes(&self, (int)self.lent, "{\"request\": \"now\"}\n");
  assert_int_equal(self.handled, 0);
  rig_end(&self); /* and it outlives the server */
  assert_int_equal(ps_net_write(self.lent, "bye", 3), 3);
  char heard[3];
  assert_int_equal(recv(fd, heard, 3, 0), 3);
  ps_net_close(self.lent);
  close(fd);
}

static void test_nothing_is_read_while_it_is_lent(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  ask(&self, fd);
  rig_say(&self, fd, "{\"id\": 6, \"request\": \"now\"}");
  for (int i = 0; i < 50; i++) {
    rig_turn(&self);
  }
  assert_int_equal(self.handled, 0);
  ps_control_fault fault;
  ps_control_fault_set(&fault, "not-now", "nobody wants it");
  ps_control_fault_next(&fault, "ask again");
  ps_net_close(self.lent);
  ps_control_refuse(self.kept[0], &fault);
  rig_expect_error(&self, fd, "not-now", "nobody wants it");
  rig_expect(&self, fd, "{\"id\": 6, \"result\": {\"count\": -1}}"); /* it is as it was */
  close(fd);
  rig_end(&self);
}

static void test_one_with_something_else_on_it_is_not_lent(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  const char both[] = "{\"id\": 1, \"request\": \"lend\"}\n{\"id\": 2, \"request\": \"now\"}\n";
  rig_send(&self, fd, both, strlen(both));
  rig_expect_error(&self, fd, "not-alone", "something else on it");
  rig_expect(&self, fd, "{\"id\": 2, \"result\": {\"count\": -1}}");
  rig_say(&self, fd, "{\"id\": 3, \"request\": \"later\"}");
  rig_say(&self, fd, "{\"id\": 4, \"request\": \"lend\"}");
  rig_expect_error(&self, fd, "not-alone", "something else on it");
  ps_control_answer(self.kept[0], json_string("late"));
  rig_expect(&self, fd, "{\"id\": 3, \"result\": \"late\"}");
  rig_say(&self, fd, "{\"id\": 5, \"request\": \"subscribe\"}");
  rig_expect(&self, fd, "{\"id\": 5, \"result\": {\"kinds\": 3}}");
  rig_say(&self, fd, "{\"id\": 6, \"request\": \"lend\"}");
  rig_expect_error(&self, fd, "not-alone", "something else on it");
  close(fd);
  rig_end(&self);
}

static void test_a_client_may_have_ended_its_direction(void **state) {
  (void)state;
  rig self = begin();
  rig_start(&self);
  int fd = rig_guest(&self);
  rig_say(&self, fd, "{\"id\": 5, \"request\": \"lend\"}");
  assert_int_equal(shutdown(fd, SHUT_WR), 0);
  while (self.kept_count == 0) {
    rig_turn(&self);
  }
  ps_control_taken(self.kept[0]);
  char byte;
  assert_int_equal(ps_net_read(self.lent, &byte, 1), 0);
  assert_int_equal(ps_net_write(self.lent, "x", 1), 1);
  assert_int_equal(recv(fd, &byte, 1, 0), 1);
  ps_net_close(self.lent);
  close(fd);
  rig_end(&self);
}

static void test_a_peer_that_has_hung_up(void **state) {
  (void)state;
  penstock_socket pair[2];
  assert_int_equal(ps_net_pair(pair), 0);
  assert_false(ps_net_hung_up(pair[0]));
  ps_net_shutdown_write(pair[1]);
  assert_false(ps_net_hung_up(pair[0])); /* it may still read */
  ps_net_close(pair[1]);
  assert_true(ps_net_hung_up(pair[0]));
  ps_net_close(pair[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_list_of_texts),
      cmocka_unit_test(test_a_connection_is_taken_over),
      cmocka_unit_test(test_nothing_is_read_while_it_is_lent),
      cmocka_unit_test(test_one_with_something_else_on_it_is_not_lent),
      cmocka_unit_test(test_a_client_may_have_ended_its_direction),
      cmocka_unit_test(test_a_peer_that_has_hung_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
