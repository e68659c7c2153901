/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/ssh/config/ssh_child.h"
#include "common/ssh/ssh_dial.h"

enum { ROUNDS = 60 };

static atomic_int is_over;

/* As other lanes do, which connect while this one asks ssh. */
static void *open_and_close(void *context) {
  const penstock_address address = {.struct_size = sizeof(address), .family = 4, .port = 9, .bytes = {127, 0, 0, 1}};
  const dial_options options = {0};
  while (!atomic_load(&is_over)) {
    penstock_socket pair[2] = {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE};
    penstock_socket one = PENSTOCK_SOCKET_NONE;
    (void)dial_pair(pair);
    (void)dial_start(&address, &options, &one);
    dial_close(pair[0]);
    dial_close(pair[1]);
    dial_close(one);
  }
  return context;
}

static void test_a_program_inherits_nothing(void **state) {
  static const char *const argv[] = {"ls", "-l", "/proc/self/fd", NULL};
  pthread_t thread;
  (void)state;
  atomic_store(&is_over, 0);
  assert_int_equal(pthread_create(&thread, NULL, open_and_close, NULL), 0);
  int inherited = 0;
  for (int i = 0; i < ROUNDS; i++) {
    ssh_child_result result;
    penstock_error error = {.struct_size = sizeof(error)};
    assert_int_equal(ssh_child_run(argv, 10000, &result, &error), 0);
    inherited += strstr(result.output, "socket:") != NULL;
    ssh_child_clear(&result);
  }
  atomic_store(&is_over, 1);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(inherited, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_program_inherits_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
