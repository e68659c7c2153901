/* SPDX-License-Identifier: MIT */
/* Connects that race, against listeners that answer, refuse, or lose every packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ssh/dial_race.h"
#include "common/ssh/ssh_dial.h"
#include "host/host.h"

static const dial_options anyhow;

static uv_loop_t loop;
static ps_host host;
static int closed;
static int descriptors;

/* How the race that runs has ended. */
static struct {
  int count;
  int code;
  penstock_socket socket;
  char address[DIAL_TEXT_SIZE];
  uint64_t at_ns;
} ended;

/* --- listeners ---------------------------------------------------------------------------------- */

/* Binds a port of loopback; it refuses connections until listen(2). */
static int bind_port(penstock_address *address) {
  struct sockaddr_in name = {.sin_family = AF_INET};
  socklen_t size = sizeof(name);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
  *address = (penstock_address){.struct_size = sizeof(*address), .family = 4, .port = ntohs(name.sin_port)};
  memcpy(address->bytes, &name.sin_addr, 4);
  return fd;
}

static int listen_port(penstock_address *address) {
  int fd = bind_port(address);
  assert_int_equal(listen(fd, 16), 0);
  return fd;
}

/* The kernel loses every packet that comes for it, as a firewall does that says nothing. */
static int listen_deaf(penstock_address *address) {
  struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
  struct sock_fprog program = {.len = 1, .filter = &drop};
  int fd = listen_port(address);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
  return fd;
}

static void cure(int fd) {
  int unused = 0;
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)), 0);
}

/* --- the loop ----------------------------------------------------------------------------------- */

static int count_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) {
    count += dup2(fd, fd) == fd;
  }
  return count;
}

static void on_closed(void *context) {
  (void)context;
  closed = 1;
}

static int setup(void **state) {
  (void)state;
  memset(&ended, 0, sizeof(ended));
  ended.socket = PENSTOCK_SOCKET_NONE;
  closed = 0;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  descriptors = count_descriptors();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  assert_int_equal(count_descriptors(), descriptors);
  ps_host_close(&host, on_closed, NULL);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_true(closed);
  assert_int_equal(uv_loop_close(&loop), 0);
  return 0;
}

static void on_done(void *context, penstock_socket socket, const char *address, int code) {
  dial_race **race = context;
  ended.count++;
  ended.code = code;
  ended.socket = socket;
  ended.at_ns = uv_hrtime();
  (void)snprintf(ended.address, sizeof(ended.address), "%s", address);
  dial_race_stop(*race); /* allowed here */
  *race = NULL;
}

static void on_timer(void *context) {
  *(int *)context = 1;
}

static void run_for(uint64_t milliseconds) {
  int over = 0;
  assert_non_null(host.table.timer_start(&host.table, milliseconds, 0, on_timer, &over));
  while (!over) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
}

static uint64_t run_to_end(void) {
  uint64_t began = uv_hrtime();
  while (ended.count == 0) {
    (void)uv_run(&loop, UV_RUN_ONCE);
  }
  assert_int_equal(ended.count, 1);
  return (ended.at_ns - began) / 1000000;
}

static dial_race *start(dial_race **race, const penstock_address *addresses, uint32_t count, uint64_t limit_ms) {
  *race = dial_race_start(&host.table, addresses, count, &anyhow, limit_ms, on_done, race);
  assert_non_null(*race);
  assert_int_equal(ended.count, 0); /* never from inside the call */
  return *race;
}

static void assert_reached(const penstock_address *address) {
  char text[DIAL_TEXT_SIZE];
  dial_text(address, text);
  assert_int_equal(ended.code, 0);
  assert_string_equal(ended.address, text);
  assert_true(ended.socket != PENSTOCK_SOCKET_NONE);
  dial_close(ended.socket);
}

/* ------------------------------------------------------------------------------------------------ */

static void test_connects(void **state) {
  (void)state;
  penstock_address address;
  dial_race *race;
  int fd = listen_port(&address);
  start(&race, &address, 1, 5000);
  assert_in_range(run_to_end(), 0, 900);
  assert_reached(&address);
  close(fd);
}

static void test_refused(void **state) {
  (void)state;
  penstock_address addresses[2];
  dial_race *race;
  char text[DIAL_TEXT_SIZE];
  int first = bind_port(&addresses[0]);
  int second = bind_port(&addresses[1]);
  start(&race, addresses, 2, 5000);
  assert_in_range(run_to_end(), 0, 900); /* each has failed: nothing is waited for */
  assert_int_equal(ended.code, ECONNREFUSED);
  assert_true(ended.socket == PENSTOCK_SOCKET_NONE);
  dial_text(&addresses[1], text);
  assert_string_equal(ended.address, text);
  close(first);
  close(second);
}

static void test_an_address_that_is_silent_holds_up_nobody(void **state) {
  (void)state;
  penstock_address addresses[3];
  dial_race *race;
  int silent = listen_deaf(&addresses[0]);
  int closed_port = bind_port(&addresses[1]);
  int good = listen_port(&addresses[2]);
  start(&race, addresses, 3, 20000);
  assert_in_range(run_to_end(), 0, 900);
  assert_reached(&addresses[2]);
  close(silent);
  close(closed_port);
  close(good);
}

static void test_silence_has_a_limit(void **state) {
  (void)state;
  penstock_address address;
  dial_race *race;
  int fd = listen_deaf(&address);
  start(&race, &address, 1, 300);
  assert_in_range(run_to_end(), 290, 2000);
  assert_int_equal(ended.code, ETIMEDOUT);
  assert_true(ended.socket == PENSTOCK_SOCKET_NONE);
  close(fd);
}

/* The first SYN is sent again by the kernel after 1 and 3 and 7 s; the host is there again just after 3. */
static void test_a_host_that_comes_back_is_reached_within_a_second(void **state) {
  (void)state;
  penstock_address address;
  dial_race *race;
  int fd = listen_deaf(&address);
  start(&race, &address, 1, 60000);
  run_for(3200);
  assert_int_equal(ended.count, 0);
  cure(fd);
  assert_in_range(run_to_end(), 0, 1200);
  assert_reached(&address);
  close(fd);
}

/* More attempts than there is room for: old ones make room. */
static void test_a_long_race_stays_small(void **state) {
  (void)state;
  penstock_address addresses[DIAL_RACE_ADDRESSES_MAX];
  dial_race *race;
  int fd = listen_deaf(&addresses[0]);
  for (size_t i = 1; i < DIAL_RACE_ADDRESSES_MAX; i++) {
    addresses[i] = addresses[0];
  }
  start(&race, addresses, DIAL_RACE_ADDRESSES_MAX, 60000);
  run_for(3600); /* fourteen attempts */
  assert_int_equal(ended.count, 0);
  assert_in_range(count_descriptors(), descriptors + 8, descriptors + 1 + 12);
  dial_race_stop(race);
  close(fd);
}

static void test_stop(void **state) {
  (void)state;
  penstock_address address;
  dial_race *race;
  int fd = listen_port(&address);
  dial_race_stop(start(&race, &address, 1, 5000));
  start(&race, &address, 1, 5000);
  (void)uv_run(&loop, UV_RUN_NOWAIT);
  if (race) {
    dial_race_stop(race);
  }
  dial_close(ended.socket);
  int count = ended.count;
  run_for(50);
  assert_int_equal(ended.count, count);
  dial_race_stop(NULL);
  close(fd);
}

static void test_counts_that_make_no_race(void **state) {
  (void)state;
  penstock_address addresses[DIAL_RACE_ADDRESSES_MAX + 1];
  memset(addresses, 0, sizeof(addresses));
  assert_null(dial_race_start(&host.table, addresses, 0, &anyhow, 1000, on_done, NULL));
  assert_null(dial_race_start(&host.table, addresses, DIAL_RACE_ADDRESSES_MAX + 1, &anyhow, 1000, on_done, NULL));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_connects),
      TEST(test_refused),
      TEST(test_an_address_that_is_silent_holds_up_nobody),
      TEST(test_silence_has_a_limit),
      TEST(test_a_host_that_comes_back_is_reached_within_a_second),
      TEST(test_a_long_race_stays_small),
      TEST(test_stop),
      TEST(test_counts_that_make_no_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
