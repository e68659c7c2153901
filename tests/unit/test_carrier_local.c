/* SPDX-License-Identifier: MIT */
/* The carrier of this machine on the real host services: real shells, real sockets. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/carrier_local.h"
#include "host/host.h"

static uv_loop_t loop;
static ps_host host;
static carrier *here;

/* What the last completion was. One step at a time is under test. */
static struct {
  int count;
  int failed;
  penstock_error error;
  int socket;
  int32_t code;
  char output[256];
} got;

/* Stands for the host's open request; only its address is looked at. */
static int open_mark;
#define OPEN ((penstock_open *)(void *)&open_mark)

static void on_open_socket(const penstock_host *table, penstock_open *open, penstock_socket socket) {
  assert_ptr_equal(table, &host.table);
  assert_ptr_equal(open, OPEN);
  got.count++;
  got.socket = (int)socket;
}

static void on_open_failed(const penstock_host *table, penstock_open *open, const penstock_error *error) {
  assert_ptr_equal(table, &host.table);
  assert_ptr_equal(open, OPEN);
  got.count++;
  got.failed = 1;
  got.error = *error;
}

static void on_run(void *context, const carrier_result *result) {
  assert_ptr_equal(context, &got);
  got.count++;
  got.code = result->code;
  if (result->error) {
    got.failed = 1;
    got.error = *result->error;
  } else {
    assert_int_equal(result->output[result->output_size], '\0');
    (void)snprintf(got.output, sizeof(got.output), "%s", result->output);
  }
}

static void mark_closed(void *context) {
  *(int *)context = 1;
}

static int setup(void **state) {
  (void)state;
  memset(&got, 0, sizeof(got));
  got.socket = -1;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  host.table.open_done_socket = on_open_socket;
  host.table.open_failed = on_open_failed;
  here = carrier_local_create(&host.table, NULL, NULL);
  assert_non_null(here);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  int closed = 0;
  int before = got.count;
  here->ops->destroy(here);
  ps_host_close(&host, mark_closed, &closed);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(got.count, before); /* nothing is said after the end, and nothing twice */
  assert_int_equal(uv_loop_close(&loop), 0);
  if (got.socket >= 0) {
    close(got.socket);
  }
  return 0;
}

static void await(void) {
  while (got.count == 0) {
    assert_true(uv_run(&loop, UV_RUN_ONCE) || got.count);
  }
  assert_int_equal(got.count, 1);
}

static int listen_on(uint16_t *port, int backlog) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  if (backlog >= 0) {
    assert_int_equal(listen(fd, backlog), 0);
  }
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/* --- scripts -------------------------------------------------------------------------------------- */

static carrier_run *run_script(const char *text, uint64_t timeout_ms) {
  penstock_error error = {.struct_size = sizeof(error)};
  carrier_run *run = here->ops->run(here, text, strlen(text), timeout_ms, on_run, &got, &error);
  assert_non_null(run);
  assert_int_equal(got.count, 0);
  return run;
}

static void test_run(void **state) {
  (void)state;
  (void)run_script("cat; printf 'a=b\\n'; echo noise >&2; exit 3", 10000);
  await();
  assert_int_equal(got.failed, 0);
  assert_int_equal(got.code, 3);
  assert_string_equal(got.output, "a=b\n");
}

static void test_run_that_is_cut_off(void **state) {
  (void)state;
  (void)run_script("kill -9 $$", 10000);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.leg, PENSTOCK_LEG_EXEC);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(got.error.what, "signal 9"));
}

static void test_run_that_is_no_script(void **state) {
  (void)state;
  (void)run_script("if then (", 10000);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(got.error.detail, "yntax error"));
}

static void test_run_that_takes_too_long(void **state) {
  (void)state;
  (void)run_script("sleep 60", 50);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(got.error.what, "in time"));
}

static void test_run_that_is_cancelled(void **state) {
  (void)state;
  here->ops->run_cancel(here, run_script("sleep 60", 0));
  assert_int_equal(got.count, 0);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_CANCELLED);
}

static void test_run_that_is_forgotten(void **state) {
  (void)state;
  (void)run_script("sleep 60", 0); /* teardown destroys the carrier, and must not wait for a minute */
}

/* --- streams -------------------------------------------------------------------------------------- */

static void test_open(void **state) {
  (void)state;
  uint16_t port = 0;
  int listener = listen_on(&port, 5);
  here->ops->open(here, OPEN, "127.0.0.1", port, 5000);
  await();
  assert_int_equal(got.failed, 0);
  assert_true(fcntl(got.socket, F_GETFL) & O_NONBLOCK);
  assert_true(fcntl(got.socket, F_GETFD) & FD_CLOEXEC);
  int accepted = accept(listener, NULL, NULL);
  assert_true(accepted >= 0);
  assert_int_equal(write(got.socket, "x", 1), 1);
  char byte = 0;
  assert_int_equal(read(accepted, &byte, 1), 1);
  close(accepted);
  close(listener);
}

/* localhost may be ::1 first, where nobody listens: the other address is tried too. */
static void test_open_by_name(void **state) {
  (void)state;
  uint16_t port = 0;
  int listener = listen_on(&port, 5);
  here->ops->open(here, OPEN, "localhost", port, 5000);
  assert_int_equal(got.count, 0);
  await();
  assert_int_equal(got.failed, 0);
  close(listener);
}

static void test_open_refused(void **state) {
  (void)state;
  uint16_t port = 0;
  int bound = listen_on(&port, -1); /* held, but nobody listens */
  char text[32];
  (void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
  here->ops->open(here, OPEN, "127.0.0.1", port, 5000);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_REFUSED);
  assert_non_null(strstr(got.error.what, text));
  close(bound);
}

static void test_open_unknown_name(void **state) {
  (void)state;
  here->ops->open(here, OPEN, "no-such-host.invalid", 80, 5000);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.leg, PENSTOCK_LEG_DNS);
}

/* A listener whose queue is full lets further connects wait. Returns the sockets that fill it. */
static void fill_queue(uint16_t port, int fds[4]) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < 4; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fds[i] >= 0);
    (void)connect(fds[i], (struct sockaddr *)&address, sizeof(address));
  }
}

static void close_all(const int fds[4], int listener) {
  for (int i = 0; i < 4; i++) {
    close(fds[i]);
  }
  close(listener);
}

static void test_open_without_an_answer(void **state) {
  (void)state;
  uint16_t port = 0;
  int fds[4];
  int listener = listen_on(&port, 0);
  fill_queue(port, fds);
  here->ops->open(here, OPEN, "127.0.0.1", port, 100);
  assert_int_equal(got.count, 0);
  await();
  assert_int_equal(got.failed, 1);
  assert_int_equal(got.error.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(got.error.what, "in time"));
  close_all(fds, listener);
}

static void test_open_that_is_cancelled(void **state) {
  (void)state;
  uint16_t port = 0;
  int fds[4];
  int listener = listen_on(&port, 0);
  fill_queue(port, fds);
  here->ops->open(here, OPEN, "127.0.0.1", port, 60000);
  assert_int_equal(got.count, 0);
  here->ops->open_cancel(here, OPEN);
  await();
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_CANCELLED);
  here->ops->open_cancel(here, OPEN); /* no more there: nothing happens */
  assert_int_equal(got.count, 1);
  close_all(fds, listener);
}

static void test_cancelled_look_up_says_so_once(void **state) {
  (void)state;
  here->ops->open(here, OPEN, "localhost", 80, 60000);
  here->ops->open_cancel(here, OPEN);
  await();
  assert_int_equal(got.error.error_class, PENSTOCK_CLASS_CANCELLED);
  (void)uv_run(&loop, UV_RUN_DEFAULT); /* the resolver's answer comes now */
  assert_int_equal(got.count, 1);
}

static void test_forgotten_opens(void **state) {
  (void)state;
  uint16_t port = 0;
  int fds[4];
  int listener = listen_on(&port, 0);
  fill_queue(port, fds);
  here->ops->open(here, OPEN, "127.0.0.1", port, 60000);
  here->ops->open(here, OPEN, "localhost", port, 60000);
  close_all(fds, listener);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_run),
      CASE(test_run_that_is_cut_off),
      CASE(test_run_that_is_no_script),
      CASE(test_run_that_takes_too_long),
      CASE(test_run_that_is_cancelled),
      CASE(test_run_that_is_forgotten),
      CASE(test_open),
      CASE(test_open_by_name),
      CASE(test_open_refused),
      CASE(test_open_unknown_name),
      CASE(test_open_without_an_answer),
      CASE(test_open_that_is_cancelled),
      CASE(test_cancelled_look_up_says_so_once),
      CASE(test_forgotten_opens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
