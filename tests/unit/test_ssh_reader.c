/* SPDX-License-Identifier: MIT */
/*
 * What the reader makes of recv, poll and close for descriptors that were attached: the linker leads this program's
 * calls to it, as it does libssh's. Without PENSTOCK_SSH_FAST_READ the same must hold of the system's functions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "common/ssh/ssh_reader.h"

enum { PIECE = 4096, TOTAL = 100000 };

static ssh_session session;
static int near_end; /* libssh's, as it were */
static int far_end;
static uint8_t sent[TOTAL];
static uint8_t got[TOTAL];

static int start(void **state) {
  int pair[2];
  (void)state;
  session = ssh_new();
  assert_non_null(session);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  near_end = pair[0];
  far_end = pair[1];
  for (size_t i = 0; i < TOTAL; i++) {
    sent[i] = (uint8_t)(i * 31 + i / 251);
  }
  ssh_reader_attach(near_end);
  return 0;
}

static int stop(void **state) {
  (void)state;
  if (near_end >= 0) {
    assert_int_equal(close(near_end), 0);
  }
  if (far_end >= 0) {
    assert_int_equal(close(far_end), 0);
  }
  ssh_free(session);
  return 0;
}

static void say(size_t size) {
  assert_int_equal(send(far_end, sent, size, 0), size);
}

static int is_fast(void) {
  return ssh_reader_size() > 0;
}

/* What the system still has of it. */
static size_t left_in_system(void) {
  int count = 0;
  assert_int_equal(ioctl(near_end, FIONREAD, &count), 0);
  return (size_t)count;
}

static short poll_for(short events, int timeout) {
  struct pollfd poller = {.fd = near_end, .events = events, .revents = -1};
  int ready = poll(&poller, 1, timeout);
  assert_true(ready == (poller.revents != 0));
  return poller.revents;
}

static void read_all(size_t size) {
  for (size_t at = 0; at < size;) {
    assert_int_equal(poll_for(POLLIN, 60000), POLLIN);
    ssize_t count = recv(near_end, got + at, PIECE, 0);
    assert_true(count > 0 && count <= PIECE);
    at += (size_t)count;
  }
  assert_memory_equal(got, sent, size);
}

/* --- reading --------------------------------------------------------------------------------------- */

static void test_all_is_read_at_once_and_handed_on_in_order(void **state) {
  (void)state;
  say(TOTAL);
  assert_int_equal(recv(near_end, got, PIECE, 0), PIECE);
  assert_int_equal(left_in_system(), is_fast() ? 0 : TOTAL - PIECE);
  assert_int_equal(ssh_reader_pending(near_end), is_fast() ? TOTAL - PIECE : 0);
  for (size_t at = PIECE; at < TOTAL;) {
    ssize_t count = recv(near_end, got + at, PIECE, 0);
    assert_true(count > 0);
    at += (size_t)count;
  }
  assert_memory_equal(got, sent, TOTAL);
  assert_int_equal(ssh_reader_pending(near_end), 0);
  assert_int_equal(recv(near_end, got, PIECE, 0), -1);
  assert_int_equal(errno, EAGAIN);
}

static void test_more_than_the_buffer_holds(void **state) {
  size_t size = ssh_reader_size() + TOTAL;
  size_t read = 0;
  size_t written = 0;
  (void)state;
  while (read < size) {
    size_t part = size - written < TOTAL ? size - written : (size_t)TOTAL;
    ssize_t count = part ? send(far_end, sent, part, 0) : 0;
    written += count > 0 ? (size_t)count : 0;
    count = recv(near_end, got, PIECE, 0);
    read += count > 0 ? (size_t)count : 0;
  }
  assert_int_equal(read, size);
  assert_int_equal(ssh_reader_pending(near_end), 0);
}

static void test_only_attached_ones_are_read_ahead(void **state) {
  (void)state;
  ssh_reader_detach(near_end);
  say(TOTAL);
  assert_int_equal(recv(near_end, got, PIECE, 0), PIECE);
  assert_int_equal(left_in_system(), TOTAL - PIECE);
  assert_int_equal(ssh_reader_pending(near_end), 0);
}

static void test_looking_ahead_takes_nothing(void **state) {
  (void)state;
  say(10);
  assert_int_equal(recv(near_end, got, 5, MSG_PEEK), 5);
  assert_int_equal(left_in_system(), 10);
}

/* --- waiting --------------------------------------------------------------------------------------- */

static void test_bytes_in_the_buffer_are_an_event(void **state) {
  (void)state;
  assert_int_equal(poll_for(POLLIN, 0), 0);
  say(TOTAL);
  read_all(TOTAL);
  assert_int_equal(poll_for(POLLIN, 0), 0);
}

static void test_a_socket_that_takes_no_more(void **state) {
  ssize_t count = 0;
  size_t total = 0;
  (void)state;
  assert_int_equal(poll_for(POLLIN | POLLOUT, 60000), POLLOUT);
  assert_int_equal(poll_for(POLLOUT, 60000), POLLOUT);
  do {
    count = send(near_end, sent, TOTAL, 0);
    total += count > 0 ? (size_t)count : 0;
  } while (count > 0);
  assert_int_equal(count, is_fast() ? 0 : -1); /* which is no error */
  assert_int_equal(poll_for(POLLIN | POLLOUT, 0), 0);
  say(PIECE);
  assert_int_equal(poll_for(POLLIN | POLLOUT, 60000), POLLIN);
  while (total > 0) {
    count = recv(far_end, got, TOTAL, 0);
    assert_true(count > 0);
    total -= (size_t)count;
  }
  assert_int_equal(poll_for(POLLIN | POLLOUT, 60000), POLLIN | POLLOUT);
  assert_int_equal(send(near_end, sent, PIECE, 0), PIECE);
}

static void test_a_broken_socket_refuses_what_is_sent(void **state) {
  (void)state;
  assert_int_equal(close(far_end), 0);
  far_end = -1;
  assert_int_equal(send(near_end, sent, PIECE, MSG_NOSIGNAL), -1);
  assert_int_equal(errno, EPIPE);
}

static void test_one_of_several_has_bytes_in_the_buffer(void **state) {
  int others[2];
  (void)state;
  assert_int_equal(pipe2(others, O_CLOEXEC), 0);
  say(TOTAL);
  assert_int_equal(recv(near_end, got, PIECE, 0), PIECE);
  struct pollfd pollers[2] = {{.fd = others[0], .events = POLLIN}, {.fd = near_end, .events = POLLIN}};
  assert_int_equal(poll(pollers, 2, 60000), 1);
  assert_int_equal(pollers[0].revents, 0);
  assert_int_equal(pollers[1].revents, POLLIN);
  assert_int_equal(write(others[1], "x", 1), 1);
  assert_int_equal(poll(pollers, 2, 60000), 2);
  assert_int_equal(pollers[0].revents, POLLIN);
  assert_int_equal(close(others[0]), 0);
  assert_int_equal(close(others[1]), 0);
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void test_the_end_comes_after_the_bytes(void **state) {
  (void)state;
  say(TOTAL);
  assert_int_equal(close(far_end), 0);
  far_end = -1;
  for (size_t at = 0; at < TOTAL;) { /* the system adds POLLHUP, when it is asked */
    assert_true(poll_for(POLLIN, 60000) & POLLIN);
    ssize_t count = recv(near_end, got + at, PIECE, 0);
    assert_true(count > 0);
    at += (size_t)count;
  }
  assert_memory_equal(got, sent, TOTAL);
  assert_true(poll_for(POLLIN, 0) & POLLIN);
  assert_int_equal(ssh_reader_pending(near_end), is_fast() ? 1 : 0); /* found, and not told */
  assert_int_equal(recv(near_end, got, PIECE, 0), 0);
  assert_int_equal(ssh_reader_pending(near_end), 0);
  assert_int_equal(recv(near_end, got, PIECE, 0), 0);
}

static void test_an_error_is_passed_on(void **state) {
  (void)state;
  assert_int_equal(send(near_end, sent, 10, 0), 10);
  assert_int_equal(close(far_end), 0); /* with bytes that it has not read: a reset */
  far_end = -1;
  assert_true(poll_for(POLLIN, 60000) & POLLIN);
  assert_int_equal(recv(near_end, got, PIECE, 0), -1);
  assert_int_equal(errno, ECONNRESET);
  assert_int_equal(ssh_reader_pending(near_end), 0);
}

static void test_a_number_that_was_closed_is_somebody_elses(void **state) {
  int others[2];
  int number = near_end;
  (void)state;
  say(TOTAL);
  assert_int_equal(recv(near_end, got, PIECE, 0), PIECE);
  assert_int_equal(close(near_end), 0);
  assert_int_equal(ssh_reader_pending(number), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, others), 0);
  near_end = others[0] == number ? others[0] : dup2(others[0], number);
  assert_int_equal(recv(near_end, got, PIECE, 0), -1);
  assert_int_equal(errno, EAGAIN);
  assert_int_equal(close(others[1]), 0);
  if (others[0] != number) {
    assert_int_equal(close(others[0]), 0);
  }
}

/* --- libssh ---------------------------------------------------------------------------------------- */

/* If its calls went past the reader, all of this would be for nothing, and nobody would notice. */
static void test_libssh_itself_reads_here(void **state) {
  static const char greeting[] = "SSH-2.0-OpenSSH_9.2\r\n";
  (void)state;
  assert_int_equal(ssh_options_set(session, SSH_OPTIONS_HOST, "nowhere"), 0);
  assert_int_equal(ssh_options_set(session, SSH_OPTIONS_FD, &near_end), 0);
  ssh_set_blocking(session, 0);
  assert_int_equal(send(far_end, greeting, sizeof(greeting) - 1, 0), sizeof(greeting) - 1);
  say(TOTAL); /* what follows makes no sense, and is not read before the greeting is */
  for (int i = 0; i < 10 && !ssh_get_serverbanner(session); i++) {
    (void)ssh_connect(session);
  }
  assert_string_equal(ssh_get_serverbanner(session), "SSH-2.0-OpenSSH_9.2");
  assert_true(is_fast() ? left_in_system() == 0 : left_in_system() > 0);
  ssh_disconnect(session);
}

/* --- a session that is led ------------------------------------------------------------------------- */

enum { TINY = 16, SSH_IGNORE = 2, SSH_DISCONNECT = 1 };

static struct ssh_counter_struct counted; /* packets that libssh has understood */

/* A packet of `size` bytes (by eights) as it is before keys are exchanged; returns the size. */
static size_t put_packet(uint8_t *at, uint8_t type, size_t size) {
  size_t inner = size - 4;
  memset(at, 0, size);
  at[1] = (uint8_t)(inner >> 16);
  at[2] = (uint8_t)(inner >> 8);
  at[3] = (uint8_t)inner;
  at[4] = 4; /* padding */
  at[5] = type;
  return size;
}

/* Sends all of it, and lets the session have it. */
static void give_all(const uint8_t *data, size_t size) {
  size_t at = 0;
  for (size_t read = 1; at < size || read > 0;) {
    ssize_t count = at < size ? send(far_end, data + at, size - at, MSG_DONTWAIT) : 0;
    at += count > 0 ? (size_t)count : 0;
    read = ssh_reader_read(near_end);
    while (ssh_reader_give(near_end, session) > 0) {
    }
    assert_int_equal(ssh_reader_pending(near_end), 0);
  }
}

/* A session that has seen the other's greeting, and gets packets. */
static void greet(void) {
  static const char greeting[] = "SSH-2.0-OpenSSH_9.2\r\n";
  memset(&counted, 0, sizeof(counted));
  assert_int_equal(ssh_options_set(session, SSH_OPTIONS_HOST, "nowhere"), 0);
  assert_int_equal(ssh_options_set(session, SSH_OPTIONS_FD, &near_end), 0);
  ssh_set_blocking(session, 0);
  ssh_set_counters(session, NULL, &counted);
  assert_int_equal(send(far_end, greeting, sizeof(greeting) - 1, 0), sizeof(greeting) - 1);
  for (int i = 0; i < 10 && !ssh_get_serverbanner(session); i++) {
    (void)ssh_connect(session);
  }
  assert_non_null(ssh_get_serverbanner(session));
}

static int start_led(void **state) {
  if (start(state)) {
    return 1;
  }
  if (is_fast()) {
    greet();
    assert_int_equal(ssh_reader_lead(near_end, session), 1);
  }
  return 0;
}

static int stop_led(void **state) {
  if (is_fast()) {
    ssh_disconnect(session); /* leaves the descriptor, which is not its own */
  }
  return stop(state);
}

static void test_packets_that_come_a_byte_at_a_time(void **state) {
  uint8_t *data = malloc(TOTAL);
  size_t size = 0;
  (void)state;
  if (!is_fast()) {
    free(data);
    skip();
  }
  assert_non_null(data);
  for (size_t i = 0; i < 40; i++) {
    size += put_packet(data + size, SSH_IGNORE, TINY + i % 5 * 8);
  }
  for (size_t i = 0; i < size; i++) {
    give_all(data + i, 1);
  }
  assert_int_equal(counted.in_packets, 40);
  free(data);
}

static void test_packets_of_all_sizes_at_once(void **state) {
  enum { ROUNDS = 12, LARGE = 35000, SMALL = 2000 };
  uint8_t *data = malloc((size_t)ROUNDS * (LARGE + (size_t)SMALL * TINY));
  size_t size = 0;
  (void)state;
  if (!is_fast()) {
    free(data);
    skip();
  }
  assert_non_null(data);
  for (size_t i = 0; i < ROUNDS; i++) {
    size += put_packet(data + size, SSH_IGNORE, LARGE - i * 1600);
    for (size_t k = 0; k < SMALL; k++) {
      size += put_packet(data + size, SSH_IGNORE, TINY);
    }
  }
  give_all(data, size);
  assert_int_equal(counted.in_packets, ROUNDS * (SMALL + 1));
  assert_int_equal(ssh_reader_read(near_end), 0);
  free(data);
}

static void test_the_largest_packet_fits(void **state) {
  enum { LARGEST = 256 * 1024 }; /* libssh's limit, without the length itself; by eights with it */
  uint8_t *data = malloc(2 * LARGEST);
  (void)state;
  if (!is_fast()) {
    free(data);
    skip();
  }
  assert_non_null(data);
  size_t size = put_packet(data, SSH_IGNORE, TINY);
  size += put_packet(data + size, SSH_IGNORE, LARGEST);
  size += put_packet(data + size, SSH_IGNORE, TINY);
  give_all(data, size);
  assert_int_equal(counted.in_packets, 3);
  free(data);
}

static void test_a_packet_that_is_too_large_ends_it(void **state) {
  (void)state;
  if (!is_fast()) {
    skip();
  }
  memset(sent, 0xff, TINY);
  give_all(sent, TINY); /* and does not go on for ever */
  assert_true(ssh_get_status(session) & SSH_CLOSED_ERROR);
  assert_int_equal(counted.in_packets, 0);
}

static void test_it_ends_behind_its_packets(void **state) {
  (void)state;
  if (!is_fast()) {
    skip();
  }
  size_t size = put_packet(sent, SSH_IGNORE, TINY);
  size += put_packet(sent + size, SSH_IGNORE, 8192);
  say(size + 10);                                /* the beginning of another one */
  assert_true(recv(far_end, got, TOTAL, 0) > 0); /* or closing it would be a reset */
  assert_int_equal(close(far_end), 0);
  far_end = -1;
  assert_int_equal(ssh_reader_read(near_end), size + 10);
  assert_int_equal(poll_for(POLLIN, 0), 0);
  assert_int_equal(recv(near_end, got, PIECE, 0), -1);
  assert_int_equal(errno, EAGAIN);
  while (ssh_reader_give(near_end, session) > 0) {
  }
  assert_int_equal(counted.in_packets, 2);
  assert_int_equal(ssh_reader_pending(near_end), 0);
  assert_int_equal(poll_for(POLLIN, 0), 0);
  assert_int_equal(ssh_reader_read(near_end), 0);
  assert_int_equal(ssh_reader_pending(near_end), 1); /* the end */
  assert_int_equal(poll_for(POLLIN, 0), POLLIN);
  assert_int_equal(recv(near_end, got, PIECE, 0), 0);
  assert_int_equal(ssh_reader_pending(near_end), 0);
}

static void test_it_is_closed_by_what_it_is_given(void **state) {
  (void)state;
  if (!is_fast()) {
    skip();
  }
  size_t size = put_packet(sent, SSH_IGNORE, TINY);
  size += put_packet(sent + size, SSH_DISCONNECT, 32);
  size += put_packet(sent + size, SSH_IGNORE, TINY);
  say(size);
  assert_int_equal(ssh_reader_read(near_end), size);
  while (ssh_reader_give(near_end, session) > 0) {
  }
  assert_int_equal(counted.in_packets, 2);
  assert_int_equal(ssh_get_fd(session), -1);
  assert_int_equal(ssh_reader_pending(near_end), 0);
  near_end = -1; /* libssh has closed it */
}

static void test_it_is_led_between_packets_only(void **state) {
  (void)state;
  if (!is_fast()) {
    skip();
  }
  greet();
  size_t size = put_packet(sent, SSH_IGNORE, 64);
  say(20);
  (void)ssh_connect(session); /* which reads */
  assert_int_equal(ssh_reader_lead(near_end, session), 0);
  assert_int_equal(ssh_reader_give(near_end, session), 0);
  assert_int_equal(send(far_end, sent + 20, size - 20, 0), size - 20);
  (void)ssh_connect(session);
  assert_int_equal(ssh_reader_lead(near_end, session), 1);
  give_all(sent, size);
  assert_int_equal(counted.in_packets, 2);
}

/* --- what is sent ---------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right) {
  return memcmp(left, right, sizeof(uint64_t));
}

static void test_no_random_bytes_are_given_twice(void **state) {
  enum { COUNT = 5000 };
  static uint64_t numbers[COUNT];
  (void)state;
  for (size_t i = 0; i < COUNT; i++) {
    assert_int_equal(ssh_get_random(numbers + i, sizeof(numbers[i]), i % 7 == 0), 1);
  }
  assert_int_equal(ssh_get_random(got, TOTAL, 0), 1); /* more than is kept */
  assert_true(memcmp(got, got + TOTAL / 2, TOTAL / 2) != 0);
  qsort(numbers, COUNT, sizeof(numbers[0]), compare);
  for (size_t i = 1; i < COUNT; i++) {
    assert_true(numbers[i] != numbers[i - 1]);
  }
}

/* --- copies ---------------------------------------------------------------------------------------- */

static void check_copy(size_t size, size_t from, size_t to, void *(*copy)(void *, const void *, size_t)) {
  uint8_t *wanted = malloc(3 * PIECE);
  assert_non_null(wanted);
  for (size_t i = 0; i < (size_t)3 * PIECE; i++) {
    got[i] = wanted[i] = sent[i];
  }
  for (size_t i = 0; i < size; i++) {
    wanted[to + i] = sent[from + i];
  }
  assert_ptr_equal(copy(got + to, got + from, size), got + to);
  assert_memory_equal(got, wanted, 3 * PIECE);
  free(wanted);
}

static void *call_memcpy(void *to, const void *from, size_t size) {
  return memcpy(to, from, size);
}

static void *call_memmove(void *to, const void *from, size_t size) {
  return memmove(to, from, size);
}

static void test_copies_of_all_sizes(void **state) {
  (void)state;
  for (size_t size = 0; size < PIECE; size += size < 130 ? 1 : 61) {
    check_copy(size, 3, PIECE + 5, call_memcpy);
    check_copy(size, PIECE + 1, PIECE, call_memmove);   /* down, by less than a block */
    check_copy(size, PIECE + 100, PIECE, call_memmove); /* and by more */
    check_copy(size, PIECE, PIECE + 1, call_memmove);
    check_copy(size, PIECE, PIECE + 100, call_memmove);
    check_copy(size, PIECE, PIECE, call_memmove);
  }
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define LED(name)  cmocka_unit_test_setup_teardown(name, start_led, stop_led)

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT(test_all_is_read_at_once_and_handed_on_in_order),
      UNIT(test_more_than_the_buffer_holds),
      UNIT(test_only_attached_ones_are_read_ahead),
      UNIT(test_looking_ahead_takes_nothing),
      UNIT(test_bytes_in_the_buffer_are_an_event),
      UNIT(test_a_socket_that_takes_no_more),
      UNIT(test_a_broken_socket_refuses_what_is_sent),
      UNIT(test_one_of_several_has_bytes_in_the_buffer),
      UNIT(test_the_end_comes_after_the_bytes),
      UNIT(test_an_error_is_passed_on),
      UNIT(test_a_number_that_was_closed_is_somebody_elses),
      UNIT(test_libssh_itself_reads_here),
      LED(test_packets_that_come_a_byte_at_a_time),
      LED(test_packets_of_all_sizes_at_once),
      LED(test_the_largest_packet_fits),
      LED(test_a_packet_that_is_too_large_ends_it),
      LED(test_it_ends_behind_its_packets),
      LED(test_it_is_closed_by_what_it_is_given),
      cmocka_unit_test_setup_teardown(test_it_is_led_between_packets_only, start, stop_led),
      UNIT(test_no_random_bytes_are_given_twice),
      UNIT(test_copies_of_all_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
