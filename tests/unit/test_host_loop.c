/* SPDX-License-Identifier: MIT */
/* Host services on the loop: timers, resolves, jobs, and how they end. (Watches: test_host_watch.c.) */
#include "host_rig.h"

/* --- the table ---------------------------------------------------------------------------------- */

static void test_table(void **state) {
  (void)state;
  assert_int_equal(h->struct_size, sizeof(penstock_host));
  assert_int_equal(h->abi_minor, PENSTOCK_ABI_MINOR);
  assert_non_null(h->version);
  assert_null(h->op_done);
  assert_null(h->get_extension(h, "penstock.exec/1"));
  uint64_t before = h->now_ns(h);
  assert_true(h->now_ns(h) >= before);
  h->log(h, PENSTOCK_LOG_DEBUG, "a line");
}

/* --- timers ------------------------------------------------------------------------------------- */

typedef struct ticks {
  penstock_timer *timer;
  int calls;
  int stop_at;
} ticks;

static void on_tick(void *context) {
  ticks *self = context;
  if (++self->calls == self->stop_at) {
    h->timer_stop(h, self->timer);
  }
}

static void test_timer_once(void **state) {
  (void)state;
  ticks self = {0};
  uint64_t before = h->now_ns(h);
  self.timer = h->timer_start(h, 20, 0, on_tick, &self);
  assert_non_null(self.timer);
  run_until(&self.calls);
  assert_true(h->now_ns(h) - before >= 19 * UINT64_C(1000000));
  /* Nothing is left that would keep the loop. */
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(self.calls, 1);
  assert_int_equal(host.pending, 0);
}

static void test_timer_repeats_until_stopped_in_its_callback(void **state) {
  (void)state;
  ticks self = {.stop_at = 3};
  self.timer = h->timer_start(h, 0, 1, on_tick, &self);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(self.calls, 3);
}

static void test_timer_once_stops_itself(void **state) {
  (void)state;
  ticks now = {.stop_at = 1};
  ticks later = {.stop_at = 1};
  now.timer = h->timer_start(h, 0, 0, on_tick, &now);
  later.timer = h->timer_start(h, 1, 0, on_tick, &later);
  assert_int_equal(now.calls, 0);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(now.calls, 1);
  assert_int_equal(later.calls, 1);
}

static void test_timer_stopped_before_it_fires(void **state) {
  (void)state;
  ticks self = {0};
  self.timer = h->timer_start(h, 0, 0, on_tick, &self);
  h->timer_stop(h, self.timer);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(self.calls, 0);
}

/* The loop's clock is from before connect() blocked; the delay counts from the call. */
static void test_timer_delay_counts_from_now(void **state) {
  (void)state;
  ticks self = {0};
  uv_update_time(&loop);
  uv_sleep(60);
  uint64_t before = h->now_ns(h);
  self.timer = h->timer_start(h, 50, 0, on_tick, &self);
  run_until(&self.calls);
  assert_true(h->now_ns(h) - before >= 49 * UINT64_C(1000000));
}

static int chained;
static void on_chain(void *context) {
  (void)context;
  chained++;
  assert_non_null(h->timer_start(h, 0, 0, on_chain, NULL));
}

/* A timer of 0 that always starts the next must leave the loop its turns. */
static void test_timer_of_zero_does_not_starve_the_loop(void **state) {
  (void)state;
  int pair[2];
  seen self = {0};
  make_pair(pair);
  chained = 0;
  self.watch = h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &self);
  assert_int_equal(write(pair[1], "x", 1), 1);
  (void)h->timer_start(h, 0, 0, on_chain, NULL);
  for (int i = 0; i < 10; i++) {
    turn();
  }
  assert_int_equal(self.calls, 10);
  assert_true(chained >= 5 && chained <= 20);
  close_host();
  close_pair(pair);
}

/* --- resolve ------------------------------------------------------------------------------------ */

typedef struct answer {
  int calls;
  uint32_t count;
  penstock_address first;
  penstock_error error;
} answer;

static void on_resolved(void *context, const penstock_address *addresses, uint32_t count, const penstock_error *error) {
  answer *self = context;
  self->calls++;
  self->count = count;
  assert_int_equal(count == 0, error != NULL);
  if (count > 0) {
    self->first = addresses[0];
  } else if (error) {
    self->error = *error;
  }
}

static void test_resolve_numbers(void **state) {
  (void)state;
  static const uint8_t v6_loopback[16] = {[15] = 1};
  answer self = {0};
  assert_int_equal(h->resolve(h, "127.0.0.1", 9090, 0, on_resolved, &self), PENSTOCK_OK);
  assert_int_equal(self.calls, 0);
  run_until(&self.calls);
  assert_int_equal(self.count, 1);
  assert_int_equal(self.first.struct_size, sizeof(penstock_address));
  assert_int_equal(self.first.family, 4);
  assert_int_equal(self.first.port, 9090);
  assert_memory_equal(self.first.bytes, "\x7f\0\0\1", 4);

  self.calls = 0;
  assert_int_equal(h->resolve(h, "::1", 22, 6, on_resolved, &self), PENSTOCK_OK);
  run_until(&self.calls);
  assert_int_equal(self.count, 1);
  assert_int_equal(self.first.family, 6);
  assert_int_equal(self.first.port, 22);
  assert_memory_equal(self.first.bytes, v6_loopback, 16);
}

static void test_resolve_names_and_families(void **state) {
  (void)state;
  answer self = {0};
  assert_int_equal(h->resolve(h, "localhost", 80, 4, on_resolved, &self), PENSTOCK_OK);
  run_until(&self.calls);
  assert_true(self.count >= 1);
  assert_int_equal(self.first.family, 4);

  self.calls = 0;
  assert_int_equal(h->resolve(h, "127.0.0.1", 80, 6, on_resolved, &self), PENSTOCK_OK);
  run_until(&self.calls);
  assert_int_equal(self.count, 0);
  assert_int_equal(self.error.leg, PENSTOCK_LEG_DNS);
  assert_int_equal(self.error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(self.error.what, "IPv6"));
}

static void test_resolve_refuses_nonsense(void **state) {
  (void)state;
  char name[400];
  answer self = {0};
  memset(name, 'x', sizeof(name));
  name[sizeof(name) - 1] = '\0';
  assert_int_equal(h->resolve(h, "", 1, 0, on_resolved, &self), PENSTOCK_E_INVALID);
  assert_int_equal(h->resolve(h, name, 1, 0, on_resolved, &self), PENSTOCK_E_INVALID);
  assert_int_equal(h->resolve(h, "localhost", 1, 5, on_resolved, &self), PENSTOCK_E_INVALID);
  /* A label that no DNS name can have: libuv or the resolver says so, without asking anybody. */
  name[100] = '\0';
  assert_int_equal(h->resolve(h, name, 1, 0, on_resolved, &self), PENSTOCK_OK);
  run_until(&self.calls);
  assert_int_equal(self.count, 0);
  assert_int_equal(self.error.leg, PENSTOCK_LEG_DNS);
}

static void test_resolve_errors_in_words(void **state) {
  (void)state;
  penstock_error error;
  ps_resolve_error(UV_EAI_NONAME, "gpu99", 0, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_DNS);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_string_equal(error.what, "there is no host named 'gpu99'");
  assert_non_null(strstr(error.next, "check the name"));
  ps_resolve_error(UV_EAI_AGAIN, "gpu99", 0, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_DNS);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.what, "gpu99"));
  ps_resolve_error(UV_EAI_MEMORY, "gpu99", 0, &error);
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
}

static void test_resolve_is_dropped_at_close(void **state) {
  (void)state;
  answer self = {0};
  for (int i = 0; i < 16; i++) {
    assert_int_equal(h->resolve(h, i % 2 ? "localhost" : "127.0.0.1", 1, 0, on_resolved, &self), PENSTOCK_OK);
  }
  close_host();
  assert_int_equal(self.calls, 0);
}

/* --- jobs --------------------------------------------------------------------------------------- */

typedef struct job {
  atomic_int worked;
  int done;
  uv_thread_t worker;
} job;

static void on_work(void *context) {
  job *self = context;
  self->worker = uv_thread_self();
  atomic_fetch_add(&self->worked, 1);
}

static void on_done(void *context) {
  job *self = context;
  assert_int_equal(atomic_load(&self->worked), 1);
  self->done++;
}

static void test_job(void **state) {
  (void)state;
  job self = {0};
  uv_thread_t me = uv_thread_self();
  assert_int_equal(h->run_job(h, on_work, on_done, &self), PENSTOCK_OK);
  run_until(&self.done);
  assert_int_equal(self.done, 1);
  assert_false(uv_thread_equal(&me, &self.worker));
}

static void test_job_is_done_although_the_host_closes(void **state) {
  (void)state;
  job many[12];
  memset(many, 0, sizeof(many));
  for (size_t i = 0; i < 12; i++) {
    assert_int_equal(h->run_job(h, on_work, on_done, &many[i]), PENSTOCK_OK);
  }
  close_host();
  for (size_t i = 0; i < 12; i++) {
    assert_int_equal(many[i].done, 1);
  }
}

/* --- the end ------------------------------------------------------------------------------------ */

static void test_close_comes_on_a_later_turn(void **state) {
  (void)state;
  ps_host_close(&host, on_closed, NULL);
  assert_int_equal(closed, 0);
  turn();
  assert_int_equal(closed, 1);
}

static void test_close_calls_nothing_back(void **state) {
  (void)state;
  int pair[2];
  seen watched = {0};
  ticks ticking = {0};
  make_pair(pair);
  assert_int_equal(write(pair[1], "x", 1), 1);
  assert_non_null(h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &watched));
  assert_non_null(h->timer_start(h, 0, 0, on_tick, &ticking));
  assert_non_null(h->timer_start(h, 0, 1, on_tick, &ticking));
  close_host();
  assert_int_equal(watched.calls, 0);
  assert_int_equal(ticking.calls, 0);
  close_pair(pair);
}

static void test_slots_refuse_after_close(void **state) {
  (void)state;
  int pair[2];
  char text[8];
  seen watched = {0};
  ticks ticking = {0};
  answer answered = {0};
  job working = {0};
  penstock_error error;
  make_pair(pair);
  ps_host_close(&host, on_closed, NULL);
  assert_null(h->watch_start(h, pair[0], PENSTOCK_EVENT_READ, on_events, &watched));
  assert_null(h->timer_start(h, 0, 0, on_tick, &ticking));
  assert_int_equal(h->resolve(h, "127.0.0.1", 1, 0, on_resolved, &answered), PENSTOCK_E_CANCELLED);
  assert_int_equal(h->run_job(h, on_work, on_done, &working), PENSTOCK_E_CANCELLED);
  assert_int_equal(h->prompt(h, PENSTOCK_PROMPT_TEXT, NULL, "?", text, sizeof(text)), PENSTOCK_E_CANCELLED);
  assert_int_equal(h->get_secret(h, "env:HOME", text, sizeof(text), &error), PENSTOCK_E_CANCELLED);
  run_until(&closed);
  close_pair(pair);
}

/* The owner closes from inside a callback of what is being closed. */
static void on_tick_close(void *context) {
  (void)context;
  ps_host_close(&host, on_closed, NULL);
}

static void on_event_close(void *context, uint32_t events) {
  (void)events;
  on_tick_close(context);
}

static void test_close_from_a_timer(void **state) {
  (void)state;
  assert_non_null(h->timer_start(h, 0, 0, on_tick_close, NULL));
  run_until(&closed);
}

static void test_close_from_a_watch(void **state) {
  (void)state;
  int pair[2];
  make_pair(pair);
  assert_non_null(h->watch_start(h, pair[0], PENSTOCK_EVENT_WRITE, on_event_close, NULL));
  run_until(&closed);
  close_pair(pair);
}

static void on_resolved_close(void *context, const penstock_address *addresses, uint32_t count,
                              const penstock_error *error) {
  (void)addresses;
  (void)count;
  (void)error;
  on_tick_close(context);
}

static void test_close_from_a_resolve(void **state) {
  (void)state;
  assert_int_equal(h->resolve(h, "127.0.0.1", 1, 0, on_resolved_close, NULL), PENSTOCK_OK);
  run_until(&closed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_table),
      TEST(test_timer_once),
      TEST(test_timer_repeats_until_stopped_in_its_callback),
      TEST(test_timer_once_stops_itself),
      TEST(test_timer_stopped_before_it_fires),
      TEST(test_timer_delay_counts_from_now),
      TEST(test_timer_of_zero_does_not_starve_the_loop),
      TEST(test_resolve_numbers),
      TEST(test_resolve_names_and_families),
      TEST(test_resolve_refuses_nonsense),
      TEST(test_resolve_errors_in_words),
      TEST(test_resolve_is_dropped_at_close),
      TEST(test_job),
      TEST(test_job_is_done_although_the_host_closes),
      TEST(test_close_comes_on_a_later_turn),
      TEST(test_close_calls_nothing_back),
      TEST(test_slots_refuse_after_close),
      TEST(test_close_from_a_timer),
      TEST(test_close_from_a_watch),
      TEST(test_close_from_a_resolve),
  };
  (void)signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
