/* SPDX-License-Identifier: MIT */
/* A host table in front of another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/host_table.h"

static const penstock_host *called;
static int impl_mark;

static uint64_t fake_now(const penstock_host *host) {
  called = host;
  return 7;
}

static void unreachable(void) {
  fail_msg("a slot of the table behind was called with the table in front");
}

/* A slot that was forgotten would call the table behind with the wrong `impl`. */
static void test_every_slot_is_passed_on(void **state) {
  (void)state;
  enum { FIRST = offsetof(penstock_host, log), SIZE = sizeof(void (*)(void)) };
  penstock_host behind = {.struct_size = sizeof(behind), .impl = &impl_mark, .version = "1"};
  void (*const sentinel)(void) = unreachable;
  for (size_t at = FIRST; at + SIZE <= sizeof(behind); at += SIZE) {
    memcpy((char *)&behind + at, &sentinel, SIZE);
  }
  host_table table;
  host_table_init(&table, &behind, &called);
  for (size_t at = FIRST; at + SIZE <= sizeof(behind); at += SIZE) {
    if (memcmp((const char *)&table.host + at, &sentinel, SIZE) == 0) {
      fail_msg("the slot at %zu is not passed on", at);
    }
  }
  assert_string_equal(table.host.version, "1");
  assert_ptr_equal(host_table_of(&table.host), &table);
}

static void test_the_host_behind_is_called_from_a_copy_too(void **state) {
  (void)state;
  penstock_host behind = {.struct_size = sizeof(behind), .impl = &impl_mark, .now_ns = fake_now};
  host_table table;
  host_table_init(&table, &behind, NULL);
  penstock_host copy = table.host;
  assert_int_equal(copy.now_ns(&copy), 7);
  assert_ptr_equal(called, &behind);
  assert_null(copy.spawn); /* what the host behind lacks */
}

/* An older host ends earlier. */
static void test_a_shorter_host(void **state) {
  (void)state;
  penstock_host behind = {.struct_size = offsetof(penstock_host, watch_start), .now_ns = fake_now};
  void (*const beyond)(void) = unreachable;
  memcpy((char *)&behind + offsetof(penstock_host, stream_reset), &beyond, sizeof(beyond));
  host_table table;
  host_table_init(&table, &behind, NULL);
  assert_non_null(table.host.now_ns);
  assert_null(table.host.stream_reset);
  assert_int_equal(table.host.struct_size, behind.struct_size);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_slot_is_passed_on),
      cmocka_unit_test(test_the_host_behind_is_called_from_a_copy_too),
      cmocka_unit_test(test_a_shorter_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
