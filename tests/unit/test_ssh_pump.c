/* SPDX-License-Identifier: MIT */
/* The pump between a credit stream, which is the test itself, and a socket whose other end is read here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_pump.h"
#include "host/host.h"

enum { PART = 30000, TOTAL = 8 << 20 };

/* The stream's owner. */
static struct {
  uint64_t credit;
  size_t budget; /* of bytes that it takes */
  size_t taken;
  size_t largest; /* of the writes */
  int is_shut;
  int closes;
  int is_inside; /* it is calling the pump */
} far;

static uv_loop_t loop;
static ps_host host;
static int is_host_closed;
static penstock_socket near_end; /* of the socket */
static ssh_pump *pump;

static uint8_t byte_at(size_t place) {
  return (uint8_t)(place * 31 + place / 251);
}

static size_t far_write(void *stream, const void *data, size_t size) {
  const uint8_t *bytes = data;
  (void)stream;
  size_t count = size < far.budget ? size : far.budget;
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(bytes[i], byte_at(far.taken + i));
  }
  assert_true(size > 0 && !far.is_shut);
  far.largest = size > far.largest ? size : far.largest;
  far.budget -= count;
  far.taken += count;
  return count;
}

static void far_shutdown(void *stream) {
  (void)stream;
  assert_false(far.is_shut);
  far.is_shut = 1;
}

static void far_grant(void *stream, uint64_t bytes) {
  (void)stream;
  assert_false(far.is_inside);
  far.credit += bytes;
}

static void far_close(void *stream, uint32_t how) {
  (void)stream;
  assert_int_equal(how, PENSTOCK_CLOSE_ABORT);
  far.closes++;
}

static int start(void **state) {
  static const penstock_credit_stream stream = {.struct_size = sizeof(stream),
                                                .write_chunk = PART,
                                                .write = far_write,
                                                .shutdown_write = far_shutdown,
                                                .grant = far_grant,
                                                .close = far_close};
  penstock_socket pair[2];
  (void)state;
  memset(&far, 0, sizeof(far));
  far.budget = SIZE_MAX;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  assert_int_equal(dial_pair(pair), 0);
  pump = ssh_pump_create(&host.table, &stream, pair[0]);
  near_end = pair[1];
  return pump && ssh_pump_start(pump) == 0 ? 0 : -1;
}

static void on_closed(void *context) {
  *(int *)context = 1;
}

static int stop(void **state) {
  (void)state;
  ssh_pump_destroy(pump);
  assert_int_equal(far.closes, 1);
  dial_close(near_end);
  is_host_closed = 0;
  ps_host_close(&host, on_closed, &is_host_closed);
  while (!is_host_closed) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop);
}

static void turn(void) {
  (void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* Delivers as much as credit allows, up to `until`. */
static size_t deliver(size_t sent, size_t until) {
  uint8_t part[PART];
  while (sent < until && far.credit > 0) {
    size_t size = until - sent < PART ? until - sent : PART;
    size = size < far.credit ? size : (size_t)far.credit;
    for (size_t i = 0; i < size; i++) {
      part[i] = byte_at(sent + i);
    }
    far.credit -= size;
    far.is_inside = 1;
    far.credit += ssh_pump_data(pump, part, size);
    far.is_inside = 0;
    sent += size;
  }
  return sent;
}

/* Reads what is there, and checks it. */
static size_t take(size_t received, size_t most) {
  uint8_t part[PART];
  int64_t count;
  size_t until = received + most;
  while (received < until &&
         (count = dial_receive(near_end, part, until - received < PART ? until - received : PART)) > 0) {
    for (int64_t i = 0; i < count; i++) {
      assert_int_equal(part[i], byte_at(received + (size_t)i));
    }
    received += (size_t)count;
  }
  return received;
}

static void test_from_the_stream(void **state) {
  size_t sent = 0;
  size_t received = 0;
  size_t least = (size_t)far.credit;
  (void)state;
  assert_true(least > 0);
  while (received < TOTAL) {
    sent = deliver(sent, TOTAL);
    turn();
    received = take(received, 70001);
    turn();
    /* What is under way fits into the credit and the kernel's buffers. */
    assert_true(sent - received <= least + (4 << 20));
  }
  far.is_inside = 1;
  ssh_pump_eof(pump);
  far.is_inside = 0;
  turn();
  uint8_t byte;
  assert_int_equal(dial_receive(near_end, &byte, 1), 0);
  assert_int_equal(far.credit, least); /* all of it has come back */
}

static void test_end_comes_after_all_bytes(void **state) {
  size_t sent = deliver(0, TOTAL); /* more than the socket takes: some of it waits in the pump */
  size_t received = 0;
  (void)state;
  assert_int_equal(far.credit, 0);
  far.is_inside = 1;
  ssh_pump_eof(pump);
  far.is_inside = 0;
  for (int i = 0; i < 10000 && received < sent; i++) {
    turn();
    received = take(received, SIZE_MAX - received);
  }
  assert_int_equal(received, sent);
  turn();
  uint8_t byte;
  assert_int_equal(dial_receive(near_end, &byte, 1), 0);
}

static void test_reader_that_does_not_read_holds_the_stream_up(void **state) {
  (void)state;
  size_t sent = deliver(0, 64 << 20);
  for (int i = 0; i < 10; i++) {
    turn();
    sent = deliver(sent, 64 << 20);
  }
  assert_true(sent < (4 << 20));
}

static void test_to_the_stream(void **state) {
  uint8_t part[PART];
  size_t sent = 0;
  (void)state;
  far.budget = 0;
  while (far.taken < TOTAL) {
    if (sent < TOTAL) {
      size_t size = TOTAL - sent < PART ? TOTAL - sent : PART;
      for (size_t i = 0; i < size; i++) {
        part[i] = byte_at(sent + i);
      }
      int64_t count = dial_send(near_end, part, size);
      sent += count > 0 ? (size_t)count : 0;
    }
    turn();
    assert_true(sent - far.taken <= (4 << 20));
    far.budget = 12345 + far.taken % 77777;
    ssh_pump_writable(pump); /* which may write */
  }
  assert_int_equal(far.taken, TOTAL);
  dial_shut(near_end);
  far.budget = SIZE_MAX;
  for (int i = 0; i < 10 && !far.is_shut; i++) {
    turn();
  }
  assert_true(far.is_shut);
}

static void test_what_was_read_at_once_is_written_at_once(void **state) {
  static uint8_t bytes[TOTAL];
  size_t sent = 0;
  (void)state;
  for (size_t i = 0; i < TOTAL; i++) {
    bytes[i] = byte_at(i);
  }
  while (far.taken < TOTAL) {
    int64_t count = sent < TOTAL ? dial_send(near_end, bytes + sent, TOTAL - sent) : 0;
    sent += count > 0 ? (size_t)count : 0;
    turn();
  }
  assert_true(far.largest > PART);
}

static void on_time(uv_timer_t *timer) {
  (void)timer;
}

static void test_stream_that_takes_nothing_is_not_asked_again(void **state) {
  (void)state;
  far.budget = 0;
  assert_int_equal(dial_send(near_end, "\0", 1), 1); /* byte_at(0) */
  turn();
  /* Nothing is watched for any more but the timer: a loop that spins would come back at once. */
  uv_timer_t timer;
  (void)uv_timer_init(&loop, &timer);
  (void)uv_timer_start(&timer, on_time, 50, 0);
  int turns = 0;
  while (uv_is_active((uv_handle_t *)&timer)) {
    (void)uv_run(&loop, UV_RUN_ONCE);
    turns++;
  }
  assert_true(turns < 5);
  uv_close((uv_handle_t *)&timer, NULL);
  turn();
  far.budget = 10;
  ssh_pump_writable(pump);
  assert_int_equal(far.taken, 1);
}

static void test_reset_is_seen_at_once(void **state) {
  (void)state;
  (void)deliver(0, TOTAL);
  far.is_inside = 1;
  ssh_pump_reset(pump);
  far.is_inside = 0;
  uint8_t part[PART];
  int64_t count;
  while ((count = dial_receive(near_end, part, sizeof(part))) > 0) {
  }
  assert_true(count == 0 || count == DIAL_BROKEN);
  /* What still comes goes nowhere, and is not held up. */
  far.credit = 100;
  far.is_inside = 1;
  assert_int_equal(ssh_pump_data(pump, part, 100), 100);
  ssh_pump_eof(pump);
  ssh_pump_writable(pump);
  far.is_inside = 0;
}

static void test_reader_that_has_gone(void **state) {
  (void)state;
  dial_close(near_end);
  near_end = PENSTOCK_SOCKET_NONE;
  for (int i = 0; i < 10 && !far.is_shut; i++) {
    turn();
  }
  assert_true(far.is_shut);
  assert_int_equal(deliver(0, (size_t)8 * PART), 8 * PART); /* taken and dropped */
}

int main(void) {
#define PUMP_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)
  const struct CMUnitTest tests[] = {
      PUMP_TEST(test_from_the_stream),
      PUMP_TEST(test_end_comes_after_all_bytes),
      PUMP_TEST(test_reader_that_does_not_read_holds_the_stream_up),
      PUMP_TEST(test_to_the_stream),
      PUMP_TEST(test_what_was_read_at_once_is_written_at_once),
      PUMP_TEST(test_stream_that_takes_nothing_is_not_asked_again),
      PUMP_TEST(test_reset_is_seen_at_once),
      PUMP_TEST(test_reader_that_has_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
