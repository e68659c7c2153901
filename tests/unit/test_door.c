/* SPDX-License-Identifier: MIT */
/* Who takes connections in: the gateway, or the only lane while it serves. */
#include "gateway_rig.h"

static int connect_to(const run *self) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

static void ask_often(run *self) {
  for (int i = 0; i < 20; i++) {
    assert_int_equal(ask(self), 1);
  }
}

static void test_the_only_lane_waits_for_no_other_thread(void **state) {
  (void)state;
  static const char *const peers[] = {"any", "own"};
  for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
    run self = {.act = ask_often, .point = AT_SERVING, .is_main_busy = 1};
    fake_reset();
    set(&self, "peers", peers[i]);
    go(&self);
    assert_int_equal(self.result, 0);
    assert_int_equal(fake.clients, 20);
  }
}

/* Nothing is lost while the door goes from one to the other and back. */
static void lose_solver_again_and_again(run *self) {
  for (int i = 0; i < 5; i++) {
    fake.listening = 0;
    assert_int_equal(ask(self), 1);
    assert_int_equal(ask(self), 1);
  }
}

static void test_the_gateway_holds_what_the_lane_cannot_serve(void **state) {
  (void)state;
  run self = {.act = lose_solver_again_and_again, .point = AT_SERVING};
  fake_reset();
  set(&self, "restart_limit", "10");
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(self.servings, 6);
}

/* A stream that may still finish keeps the lane, not the port. */
static void end_with_a_stream(run *self) {
  int stays = connect_to(self);
  assert_true(stays >= 0);
  while (fake.waiting == 0) {
    (void)usleep(1000);
  }
  (void)kill(getpid(), SIGTERM);
  int fd = connect_to(self);
  for (int i = 0; fd >= 0 && i < 1000; i++) {
    close(fd);
    (void)usleep(1000);
    fd = connect_to(self);
  }
  assert_int_equal(fd, -1);
  assert_true(fake.waiting > 0);
  close(stays);
}

static void test_the_end_closes_the_port_of_the_lane_too(void **state) {
  (void)state;
  run self = {.act = end_with_a_stream, .point = AT_SERVING};
  fake_reset();
  fake.side_by_side = 1;
  go(&self);
  assert_int_equal(self.result, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_only_lane_waits_for_no_other_thread),
      cmocka_unit_test(test_the_gateway_holds_what_the_lane_cannot_serve),
      cmocka_unit_test(test_the_end_closes_the_port_of_the_lane_too),
  };
  return cmocka_run_group_tests(tests, begin_server, end_server);
}
