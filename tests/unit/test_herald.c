/* SPDX-License-Identifier: MIT */
/* The sign of life comes from the gateway's main loop alone: if that hangs, there is none. */
#include "gateway_rig.h"

#include <poll.h>
#include <sys/un.h>

#define EVERY_MS 20

static int manager = -1;
static char place[64];

static int begin(void **state) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(place, sizeof(place), "/tmp/pst-herald-%d", (int)getpid());
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
  manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
  (void)setenv("NOTIFY_SOCKET", place, 1);
  (void)setenv("WATCHDOG_USEC", "40000", 1);
  return begin_server(state);
}

static int end(void **state) {
  (void)close(manager);
  (void)unlink(place);
  return end_server(state);
}

/* The next message within so long; 0 if there is none. */
static int next(char *text, size_t size, int timeout_ms) {
  struct pollfd entry = {.fd = manager, .events = POLLIN};
  if (poll(&entry, 1, timeout_ms) != 1) {
    return 0;
  }
  ssize_t count = recv(manager, text, size - 1, 0);
  assert_true(count > 0);
  text[count] = '\0';
  return 1;
}

/* While the main thread does nothing but wait for us. */
static void listen_for_life(run *self) {
  char text[1024];
  (void)self;
  while (next(text, sizeof(text), 0)) { /* what was said before */
  }
  assert_false(next(text, sizeof(text), 10 * EVERY_MS));
}

static void test_a_hung_loop_gives_no_sign(void **state) {
  char text[1024];
  int is_stopping = 0;
  run self = {.act = listen_for_life, .point = AT_SERVING, .is_main_busy = 1};
  (void)state;
  fake_reset();
  fake.side_by_side = 1;
  go(&self);
  assert_int_equal(self.result, 0);
  while (next(text, sizeof(text), 0)) { /* and it goes on once the loop does */
    is_stopping |= strstr(text, "STOPPING=1") != NULL;
  }
  assert_true(is_stopping);
  assert_null(getenv("NOTIFY_SOCKET"));
}

static void wait_for_life(run *self) {
  char text[1024];
  (void)self;
  for (int seen = 0; seen < 5;) {
    assert_true(next(text, sizeof(text), 10000));
    seen += strcmp(text, "WATCHDOG=1") == 0;
  }
}

static void test_a_loop_that_lives_says_so(void **state) {
  run self = {.act = wait_for_life, .point = AT_SERVING};
  (void)state;
  fake_reset();
  fake.side_by_side = 1;
  go(&self);
  assert_int_equal(self.result, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_hung_loop_gives_no_sign, begin, end),
      cmocka_unit_test_setup_teardown(test_a_loop_that_lives_says_so, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
