/* SPDX-License-Identifier: MIT */
/**
 * @file host_rig.h
 * A host table on a loop that the test turns, and a pair of sockets to watch.
 */
#ifndef HOST_RIG_H
#define HOST_RIG_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/services.h"

#define UNUSED __attribute__((unused))

static uv_loop_t loop;
static ps_host host;
static const penstock_host *h;
static int closed;

UNUSED static void on_closed(void *context) {
  (void)context;
  closed++;
}

UNUSED static void turn(void) {
  (void)uv_run(&loop, UV_RUN_NOWAIT);
}

UNUSED static void run_until(const int *flag) {
  while (!*flag) {
    assert_true(uv_run(&loop, UV_RUN_ONCE) || *flag);
  }
}

UNUSED static int setup(void **state) {
  (void)state;
  closed = 0;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  h = &host.table;
  return 0;
}

UNUSED static void close_host(void) {
  ps_host_close(&host, on_closed, NULL);
  assert_int_equal(closed, 0);
  run_until(&closed);
}

UNUSED static int teardown(void **state) {
  (void)state;
  if (!host.closing) {
    close_host();
  }
  assert_int_equal(closed, 1);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(host.pending, 0);
  assert_int_equal(uv_loop_close(&loop), 0);
  return 0;
}

typedef struct seen {
  penstock_watch *watch;
  uint32_t events;
  int calls;
  int stop; /* stop the watch in its callback */
} seen;

UNUSED static void on_events(void *context, uint32_t events) {
  seen *self = context;
  self->events = events;
  self->calls++;
  if (self->stop) {
    h->watch_stop(h, self->watch);
  }
}

UNUSED static void make_pair(int pair[2]) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

UNUSED static void close_pair(const int pair[2]) {
  assert_int_equal(close(pair[0]), 0);
  assert_int_equal(close(pair[1]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
