/* SPDX-License-Identifier: MIT */
/* fd streams: every byte both ways, and the two directions end separately. */
#include <limits.h>

#include "relay_rig.h"

#include <sys/syscall.h>

/* A kernel that takes and gives less than it could, at random. */
static int short_counts;
static size_t shortened;

static size_t fewer(size_t size) {
  if (!short_counts || size < 2 || rig_random() % 3 != 0) {
    return size;
  }
  shortened++;
  return rig_between(1, size);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
  if (short_counts && rig_random() % 7 == 0) {
    errno = EAGAIN;
    return -1;
  }
  return syscall(SYS_sendto, fd, data, fewer(size), flags, NULL, 0);
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
  if (short_counts && rig_random() % 7 == 0) {
    errno = short_counts++ % 2 ? EAGAIN : EINTR;
    return -1;
  }
  return syscall(SYS_recvfrom, fd, data, fewer(size), flags, NULL, NULL);
}

ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
  if (short_counts && rig_random() % 7 == 0) {
    errno = short_counts++ % 2 ? EAGAIN : EINTR;
    return -1;
  }
  return syscall(SYS_splice, in, in_at, out, out_at, fewer(size), flags);
}

static int setup(void **state) {
  short_counts = 0;
  *state = rig_create();
  return 0;
}

static int teardown(void **state) {
  short_counts = 0;
  rig_destroy(*state);
  return 0;
}

static void exchange(rig *r, int tcp, int buffer, uint64_t up, uint64_t down) {
  peer client = {.send_total = up, .half_close = 1};
  peer far = {.send_total = down, .half_close = 1};
  size_t before = r->ended_count;
  rig_join(r, 7, tcp, buffer, &client, &far);
  rig_run_until_ended(r, before + 1);
  rig_run_until(r, &client.over);
  rig_run_until(r, &far.over);
  assert_true(client.eof && far.eof && !client.broken && !far.broken);
  assert_int_equal(far.received, up);
  assert_int_equal(client.received, down);
  const ps_stream_end *end = &r->ended[before];
  assert_int_equal(end->id, 7);
  assert_int_equal(end->aborted, 0);
  assert_null(end->reason);
  assert_int_equal(end->far_ended, 1);
  assert_int_equal(end->up_bytes, up);
  assert_int_equal(end->down_bytes, down);
  peer_stop(&client, 0);
  peer_stop(&far, 0);
}

static void test_sizes(void **state) {
  static const uint64_t sizes[] = {0, 1, 2, 4095, 65536, 65537, 262144, 1000003};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    for (int tcp = 0; tcp < 2; tcp++) {
      exchange(*state, tcp, 0, sizes[i], sizes[i] / 3);
      exchange(*state, tcp, 0, sizes[i] / 2, sizes[i]);
    }
  }
}

static void test_both_ways_at_once(void **state) {
  exchange(*state, 1, 0, MIB(24), MIB(24));
  exchange(*state, 0, 0, MIB(8), MIB(8));
}

static void test_small_buffers(void **state) {
  exchange(*state, 1, 4096, MIB(2), MIB(2));
}

static void test_short_counts(void **state) {
  short_counts = 1;
  exchange(*state, 1, 0, MIB(8), MIB(8));
  exchange(*state, 1, 4096, MIB(1), MIB(1));
  exchange(*state, 0, 0, MIB(4), MIB(4));
  assert_true(shortened > 50);
}

/* The client asks and ends its direction; the answer comes afterwards, and the other way round. */
static void test_half_close(void **state) {
  rig *r = *state;
  for (int client_first = 0; client_first < 2; client_first++) {
    peer client = {.send_total = MIB(1)};
    peer far = {.send_total = MIB(1)};
    peer *first = client_first ? &client : &far;
    peer *second = client_first ? &far : &client;
    size_t before = r->ended_count;
    uint64_t answer = second->send_total;
    first->half_close = 1;
    second->send_total = 0;
    rig_join(r, 1, 1, 0, &client, &far);
    rig_run_until(r, &second->eof);
    assert_int_equal(second->received, MIB(1));
    assert_int_equal(r->ended_count, before);
    rig_check_quiet(r); /* it must not spin on the half that has ended */
    second->send_total = answer;
    second->half_close = 1;
    peer_arm(second);
    rig_run_until(r, &first->eof);
    assert_int_equal(first->received, answer);
    rig_run_until_ended(r, before + 1);
    assert_int_equal(r->ended[before].aborted, 0);
    /* What comes first from the far side is no answer. */
    assert_int_equal(r->ended[before].first_byte_ns > 0, client_first);
    peer_stop(&client, 0);
    peer_stop(&far, 0);
  }
}

static void test_rates(void **state) {
  rig *r = *state;
  uint64_t up;
  uint64_t down;
  exchange(r, 1, 0, MIB(8), MIB(1));
  ps_relay_rates(r->relay, &up, &down);
  assert_true(up > down && down > 0); /* how much depends on the machine */
}

/* The sender ends while the receiver is slow: all bytes, then the end. */
static void test_end_behind_a_slow_receiver(void **state) {
  rig *r = *state;
  for (int tcp = 0; tcp < 2; tcp++) {
    peer client = {.send_total = MIB(12), .half_close = 1};
    peer far = {.not_reading = 1, .half_close = 1};
    size_t before = r->ended_count;
    rig_join(r, 1, tcp, 0, &client, &far);
    rig_settle(r);
    assert_int_equal(r->ended_count, before);
    far.not_reading = 0;
    peer_arm(&far);
    rig_run_until(r, &far.eof);
    assert_int_equal(far.received, MIB(12));
    rig_run_until_ended(r, before + 1);
    assert_int_equal(r->ended[before].aborted, 0);
    peer_stop(&client, 0);
    peer_stop(&far, 0);
  }
}

typedef struct arrival {
  rig *r;
  int client;
  int far;
} arrival;

static void on_arrival(uv_async_t *async) {
  const arrival *a = async->data;
  assert_int_equal(ps_relay_join_socket(a->r->relay, 1, a->client, a->far), 0);
  uv_close((uv_handle_t *)async, NULL);
}

/* What the client has sent before it was joined goes on in the same time round the loop: it does not wait for a poll.
 */
static void test_a_request_that_came_along(void **state) {
  rig *r = *state;
  uv_async_t async;
  int near_pair[2];
  int far_pair[2];
  char byte = 0;
  rig_pair(1, 0, near_pair);
  rig_pair(1, 0, far_pair);
  arrival a = {r, near_pair[1], far_pair[0]};
  size_t before = r->ended_count;
  assert_int_equal(uv_async_init(&r->loop, &async, on_arrival), 0);
  async.data = &a;
  assert_int_equal(write(near_pair[0], "x", 1), 1);
  assert_int_equal(uv_async_send(&async), 0);
  uv_run(&r->loop, UV_RUN_NOWAIT);
  assert_int_equal(recv(far_pair[1], &byte, 1, 0), 1);
  assert_int_equal(byte, 'x');
  close(near_pair[0]);
  close(far_pair[1]);
  rig_run_until_ended(r, before + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_request_that_came_along, setup, teardown),
      cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_both_ways_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(test_small_buffers, setup, teardown),
      cmocka_unit_test_setup_teardown(test_short_counts, setup, teardown),
      cmocka_unit_test_setup_teardown(test_half_close, setup, teardown),
      cmocka_unit_test_setup_teardown(test_rates, setup, teardown),
      cmocka_unit_test_setup_teardown(test_end_behind_a_slow_receiver, setup, teardown),
  };
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway does; splice(2) needs it */
  rig_bulk_from = SIZE_MAX;
  int failed = cmocka_run_group_tests_name("socket, read and write", tests, NULL, NULL);
  int by_pipes = rig_spliced > 0;
  rig_bulk_from = 0;
  failed += cmocka_run_group_tests_name("socket, pipes", tests, NULL, NULL);
  return failed > 0 || by_pipes || rig_spliced == 0;
}
