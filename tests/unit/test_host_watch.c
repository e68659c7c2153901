/* SPDX-License-Identifier: MIT */
/* Host services on the loop: watches of descriptors. */
#include "host_rig.h"

static void test_watch_is_level_triggered(void **state) {
  (void)state;
  int pair[2];
  seen read_seen = {0};
  make_pair(pair);
  read_seen.watch = h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &read_seen);
  assert_non_null(read_seen.watch);
  turn();
  assert_int_equal(read_seen.calls, 0);
  assert_int_equal(write(pair[1], "x", 1), 1);
  assert_int_equal(read_seen.calls, 0);
  turn();
  turn();
  assert_int_equal(read_seen.calls, 2);
  assert_int_equal(read_seen.events, PENSTOCK_EVENT_READ);

  h->watch_set(h, read_seen.watch, 0);
  turn();
  assert_int_equal(read_seen.calls, 2);
  h->watch_set(h, read_seen.watch, PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE);
  turn();
  assert_int_equal(read_seen.calls, 3);
  assert_int_equal(read_seen.events, PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE);
  h->watch_stop(h, read_seen.watch);
  close_pair(pair);
  turn();
  assert_int_equal(read_seen.calls, 3);
}

static void test_watch_refuses_what_it_cannot_watch(void **state) {
  (void)state;
  int pair[2];
  seen nothing = {0};
  make_pair(pair);
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  assert_true(file >= 0);
  assert_null(h->watch_start(h, file, PENSTOCK_EVENT_READ, on_events, &nothing));
  assert_null(h->watch_start(h, PENSTOCK_SOCKET_NONE, PENSTOCK_EVENT_READ, on_events, &nothing));
  /* One watch a socket, also while the first one is paused. */
  assert_non_null(h->watch_start(h, pair[0], 0, on_events, &nothing));
  assert_null(h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &nothing));
  close_host();
  (void)close(file);
  close_pair(pair);
}

static void test_watch_stops_in_its_own_callback(void **state) {
  (void)state;
  int pair[2];
  seen self = {.stop = 1};
  make_pair(pair);
  assert_int_equal(write(pair[1], "x", 1), 1);
  self.watch = h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &self);
  turn();
  turn();
  assert_int_equal(self.calls, 1);
  close_pair(pair);
}

/* The number of a closed descriptor is given out again at once, before libuv has let go of the old handle. */
static void test_watch_of_a_reused_descriptor(void **state) {
  (void)state;
  int pair[2];
  seen first = {0};
  seen second = {0};
  make_pair(pair);
  int number = pair[0];
  for (int i = 0; i < 100; i++) {
    first.watch = h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &first);
    assert_non_null(first.watch);
    if (i % 2) {
      turn();
    }
    h->watch_stop(h, first.watch);
    close_pair(pair);
    make_pair(pair);
    assert_int_equal(pair[0], number);
  }
  second.watch = h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &second);
  assert_non_null(second.watch);
  assert_int_equal(write(pair[1], "x", 1), 1);
  turn();
  turn();
  assert_int_equal(first.calls, 0);
  assert_int_equal(second.calls, 2);
  close_host();
  close_pair(pair);
}

/* Both are ready in one turn; the first one's callback ends the second, closes it and watches its successor. */
typedef struct swap {
  seen *other;
  int *pair;
  seen *next;
} swap;

static void on_swap(void *context, uint32_t events) {
  swap *self = context;
  (void)events;
  if (self->next->watch) {
    return;
  }
  h->watch_stop(h, self->other->watch);
  close_pair(self->pair);
  make_pair(self->pair);
  self->next->watch = h->watch_start(h, self->pair[0], PENSTOCK_EVENT_READ, on_events, self->next);
  assert_non_null(self->next->watch);
}

static void test_watch_no_stale_event_within_a_turn(void **state) {
  (void)state;
  int one[2];
  int two[2];
  seen other = {0};
  seen next = {0};
  swap self = {&other, two, &next};
  make_pair(one);
  make_pair(two);
  penstock_watch *watch = h->watch_start(h, one[0], PENSTOCK_EVENT_READ, on_swap, &self);
  assert_non_null(watch);
  other.watch = h->watch_start(h, two[0], PENSTOCK_EVENT_READ, on_events, &other);
  assert_int_equal(write(one[1], "x", 1), 1);
  assert_int_equal(write(two[1], "x", 1), 1);
  turn();
  turn();
  assert_non_null(next.watch);
  assert_true(other.calls <= 1);
  assert_int_equal(next.calls, 0);
  close_host();
  close_pair(one);
  close_pair(two);
}

/* A connected pair over TCP, whose far end then resets. */
static int reset_socket(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  struct linger abort_it = {1, 0};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
  int server = accept(listener, NULL, NULL);
  assert_true(server >= 0);
  assert_int_equal(setsockopt(server, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it)), 0);
  (void)close(server);
  (void)close(listener);
  return client;
}

static void test_watch_reports_an_error_without_spinning(void **state) {
  (void)state;
  int client = reset_socket();
  seen self = {0};
  self.watch = h->watch_start(h, client, PENSTOCK_EVENT_READ, on_events, &self);
  for (int i = 0; i < 50; i++) {
    turn();
  }
  assert_true(self.calls >= 1 && self.calls <= 2);
  assert_true(self.events & PENSTOCK_EVENT_ERROR);
  /* Set anew, it is told again. */
  int before = self.calls;
  h->watch_set(h, self.watch, PENSTOCK_EVENT_READ);
  turn();
  assert_int_equal(self.calls, before + 1);
  h->watch_stop(h, self.watch);
  (void)close(client);
}

static void test_watch_goes_on_after_an_error_that_passed(void **state) {
  (void)state;
  /* A datagram to a closed port: the error comes once, and the socket is as good as before. */
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  char byte = 0;
  seen self = {0};
  int peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(peer, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(getsockname(peer, (struct sockaddr *)&address, &size), 0);
  (void)close(peer);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(send(fd, "x", 1, 0), 1);
  self.watch = h->watch_start(h, fd, PENSTOCK_EVENT_READ, on_events, &self);
  run_until(&self.calls);
  assert_true(self.events & PENSTOCK_EVENT_ERROR);
  assert_int_equal(recv(fd, &byte, 1, 0), -1);

  peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(peer, (struct sockaddr *)&address, sizeof(address)), 0);
  struct sockaddr_in own;
  size = sizeof(own);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
  assert_int_equal(sendto(peer, "y", 1, 0, (struct sockaddr *)&own, sizeof(own)), 1);
  self.calls = 0;
  run_until(&self.calls);
  assert_int_equal(self.events, PENSTOCK_EVENT_READ);
  h->watch_stop(h, self.watch);
  (void)close(peer);
  (void)close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_watch_is_level_triggered),
      TEST(test_watch_refuses_what_it_cannot_watch),
      TEST(test_watch_stops_in_its_own_callback),
      TEST(test_watch_of_a_reused_descriptor),
      TEST(test_watch_no_stale_event_within_a_turn),
      TEST(test_watch_reports_an_error_without_spinning),
      TEST(test_watch_goes_on_after_an_error_that_passed),
  };
  (void)signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
