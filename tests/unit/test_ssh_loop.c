/* SPDX-License-Identifier: MIT */
/* Watches and timers that are driven by the host's loop, by ssh_loop_wait, or by both in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_loop.h"
#include "host/host.h"

static uv_loop_t uv;
static ps_host host;
static ssh_loop *loop;
static const penstock_host *table;
static penstock_socket pair[2];

static int start(int is_alone) {
  assert_int_equal(uv_loop_init(&uv), 0);
  ps_host_init(&host, &uv, "test");
  loop = ssh_loop_create(&host.table);
  assert_non_null(loop);
  ssh_loop_set_alone(loop, is_alone);
  table = ssh_loop_table(loop);
  return dial_pair(pair);
}

static int start_alone(void **state) {
  (void)state;
  return start(1);
}

static int start_within(void **state) {
  (void)state;
  return start(0);
}

static void on_closed(void *context) {
  *(int *)context = 1;
}

static int stop(void **state) {
  int is_closed = 0;
  (void)state;
  ssh_loop_destroy(loop); /* with whatever still runs in it */
  ps_host_close(&host, on_closed, &is_closed);
  while (!is_closed) {
    (void)uv_run(&uv, UV_RUN_ONCE);
  }
  (void)uv_run(&uv, UV_RUN_DEFAULT);
  dial_close(pair[0]);
  dial_close(pair[1]);
  return uv_loop_close(&uv);
}

static void round_of(uint64_t timeout_ms) {
  ssh_loop_wait(loop, PENSTOCK_SOCKET_NONE, 0, timeout_ms);
}

static void count(void *context) {
  ++*(int *)context;
}

static void test_timers(void **state) {
  int once = 0;
  int again = 0;
  int stopped = 0;
  (void)state;
  assert_non_null(table->timer_start(table, 0, 0, count, &once));
  penstock_timer *repeating = table->timer_start(table, 5, 5, count, &again);
  penstock_timer *never = table->timer_start(table, 5, 0, count, &stopped);
  table->timer_stop(table, never);
  while (again < 5) {
    round_of(1000);
  }
  assert_int_equal(once, 1);
  table->timer_stop(table, repeating);
  round_of(20);
  assert_int_equal(again, 5);
  assert_int_equal(stopped, 0);
}

static struct {
  penstock_timer *timer;
  int calls;
} self;

static void stop_itself(void *context) {
  (void)context;
  self.calls++;
  table->timer_stop(table, self.timer);
}

static void test_timer_that_stops_itself(void **state) {
  (void)state;
  self.calls = 0;
  self.timer = table->timer_start(table, 1, 1, stop_itself, NULL);
  for (int i = 0; i < 5; i++) {
    round_of(5);
    (void)uv_run(&uv, UV_RUN_NOWAIT);
  }
  assert_int_equal(self.calls, 1);
}

static void start_another(void *context) {
  int *calls = context;
  if (++*calls < 100) {
    assert_non_null(table->timer_start(table, 0, 0, start_another, calls));
  }
}

static void test_timer_that_starts_another_waits_for_the_next_round(void **state) {
  int calls = 0;
  (void)state;
  assert_non_null(table->timer_start(table, 0, 0, start_another, &calls));
  for (int i = 1; i <= 100; i++) {
    round_of(1000);
    assert_int_equal(calls, i);
  }
}

static struct {
  penstock_watch *watches[2];
  int calls;
} watched;

/* Whoever is first ends both. */
static void end_both(void *context, uint32_t events) {
  (void)context;
  assert_true(events & PENSTOCK_EVENT_WRITE);
  watched.calls++;
  for (int i = 0; i < 2; i++) {
    table->watch_stop(table, watched.watches[i]);
  }
}

static void test_watch_that_ends_another(void **state) {
  (void)state;
  watched.calls = 0;
  for (int i = 0; i < 2; i++) {
    watched.watches[i] = table->watch_start(table, pair[i], PENSTOCK_EVENT_WRITE, end_both, NULL);
    assert_non_null(watched.watches[i]);
  }
  round_of(1000);
  round_of(1);
  assert_int_equal(watched.calls, 1);
}

static void note_events(void *context, uint32_t events) {
  *(uint32_t *)context |= events;
}

static void test_events(void **state) {
  uint32_t seen = 0;
  char byte;
  (void)state;
  penstock_watch *watch = table->watch_start(table, pair[0], PENSTOCK_EVENT_READ, note_events, &seen);
  round_of(1);
  assert_int_equal(seen, 0);
  assert_int_equal(dial_send(pair[1], "x", 1), 1);
  round_of(1000);
  assert_int_equal(seen, PENSTOCK_EVENT_READ);
  seen = 0;
  table->watch_set(table, watch, 0); /* nothing is wanted: neither is it told, nor does a round come back for it */
  round_of(1);
  assert_int_equal(seen, 0);
  table->watch_set(table, watch, PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE);
  round_of(1000);
  assert_int_equal(seen, PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE);
  assert_int_equal(dial_receive(pair[0], &byte, 1), 1);
  dial_close(pair[1]);
  pair[1] = PENSTOCK_SOCKET_NONE;
  round_of(1000);
  assert_true(seen & PENSTOCK_EVENT_ERROR);
}

static void test_socket_of_the_caller_ends_a_round(void **state) {
  int late = 0;
  (void)state;
  assert_non_null(table->timer_start(table, 60000, 0, count, &late));
  assert_int_equal(dial_send(pair[1], "x", 1), 1);
  ssh_loop_wait(loop, pair[0], PENSTOCK_EVENT_READ, 60000);
  assert_int_equal(late, 0);
}

static void test_both_loops_drive_the_same(void **state) {
  int ticks = 0;
  uint32_t seen = 0;
  (void)state;
  assert_non_null(table->timer_start(table, 2, 2, count, &ticks));
  assert_non_null(table->watch_start(table, pair[0], PENSTOCK_EVENT_READ, note_events, &seen));
  for (int i = 0; i < 5; i++) {
    int before = ticks;
    while (ticks == before) {
      round_of(1000);
    }
    before = ticks;
    while (ticks == before) {
      (void)uv_run(&uv, UV_RUN_ONCE);
    }
  }
  assert_int_equal(dial_send(pair[1], "x", 1), 1);
  while (!seen) {
    (void)uv_run(&uv, UV_RUN_ONCE);
  }
}

static struct {
  int calls;
  uint32_t count;
  char error[512];
} resolved;

static void on_resolved(void *context, const penstock_address *addresses, uint32_t found, const penstock_error *error) {
  (void)context;
  (void)addresses;
  resolved.calls++;
  resolved.count = found;
  (void)snprintf(resolved.error, sizeof(resolved.error), "%s", error ? error->what : "");
}

static void test_names(void **state) {
  int context = 0;
  int forgotten = 0;
  (void)state;
  memset(&resolved, 0, sizeof(resolved));
  assert_int_equal(table->resolve(table, "127.0.0.1", 22, 0, on_resolved, &forgotten), 0);
  ssh_loop_forget(loop, &forgotten);
  assert_int_equal(table->resolve(table, "127.0.0.1", 22, 4, on_resolved, &context), 0);
  assert_int_equal(resolved.calls, 0); /* never from within */
  while (resolved.calls == 0) {
    round_of(1);
    (void)uv_run(&uv, UV_RUN_NOWAIT);
  }
  assert_int_equal(resolved.count, 1);
  assert_int_equal(table->resolve(table, "::1", 22, 4, on_resolved, &context), 0);
  while (resolved.calls == 1) {
    round_of(1);
    (void)uv_run(&uv, UV_RUN_NOWAIT);
  }
  assert_int_equal(resolved.count, 0);
  assert_true(resolved.error[0] != '\0');
  assert_int_equal(resolved.calls, 2);
}

int main(void) {
#define ALONE(test)  cmocka_unit_test_setup_teardown(test, start_alone, stop)
#define WITHIN(test) cmocka_unit_test_setup_teardown(test, start_within, stop)
  const struct CMUnitTest tests[] = {
      ALONE(test_timers),
      WITHIN(test_timers),
      ALONE(test_timer_that_stops_itself),
      WITHIN(test_timer_that_stops_itself),
      ALONE(test_timer_that_starts_another_waits_for_the_next_round),
      WITHIN(test_timer_that_starts_another_waits_for_the_next_round),
      ALONE(test_watch_that_ends_another),
      WITHIN(test_watch_that_ends_another),
      ALONE(test_events),
      WITHIN(test_events),
      ALONE(test_socket_of_the_caller_ends_a_round),
      WITHIN(test_socket_of_the_caller_ends_a_round),
      WITHIN(test_both_loops_drive_the_same),
      ALONE(test_names),
      WITHIN(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
