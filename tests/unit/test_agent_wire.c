/* SPDX-License-Identifier: MIT */
/* Messages of the SSH agent protocol, and what the option `agent` says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/ssh/config/ssh_agent_choice.h"
#include "common/ssh/login/agent_wire.h"

/* Two keys: "ssh-x" with the comment "one\n", "ssh-y" with "two". */
#define BLOB_X    "\0\0\0\5ssh-x\0\0\0\1A"
#define BLOB_Y    "\0\0\0\5ssh-y\0\0\0\1B"
#define BLOB_SIZE (sizeof(BLOB_X) - 1)
static const char listing[] = "\0\0\0\70\14\0\0\0\2"
                              "\0\0\0\16" BLOB_X "\0\0\0\4one\n"
                              "\0\0\0\16" BLOB_Y "\0\0\0\3two";

static void test_listing(void **state) {
  key_agent_key *keys;
  size_t count;
  (void)state;
  assert_int_equal(agent_wire_read_keys((const uint8_t *)listing, sizeof(listing) - 1, &keys, &count), 0);
  assert_int_equal(count, 2);
  assert_string_equal(keys[0].type, "ssh-x");
  assert_string_equal(keys[0].comment, "one?");
  assert_string_equal(keys[1].comment, "two");
  assert_int_equal(keys[1].blob_size, BLOB_SIZE);
  assert_memory_equal(keys[1].blob, BLOB_Y, BLOB_SIZE);
  free(keys);
}

static void test_no_listing(void **state) {
  static const char failure[] = "\0\0\0\1\5";
  static const char endless[] = "\0\0\0\5\14\377\377\377\377";
  key_agent_key *keys;
  size_t count;
  (void)state;
  /* Cut anywhere, it is none; and nothing is read behind its end. */
  for (size_t size = 4; size < sizeof(listing) - 1; size++) {
    uint8_t *cut = malloc(size);
    assert_non_null(cut);
    memcpy(cut, listing, size);
    assert_int_equal(agent_wire_read_keys(cut, size, &keys, &count), -1);
    free(cut);
  }
  assert_int_equal(agent_wire_read_keys((const uint8_t *)failure, sizeof(failure) - 1, &keys, &count), -1);
  assert_int_equal(agent_wire_read_keys((const uint8_t *)endless, sizeof(endless) - 1, &keys, &count), -1);
}

static void test_show(void **state) {
  key_agent_key key = {.comment = "mine"};
  key_agent_key *keys;
  size_t size = 0;
  size_t count;
  (void)state;
  uint8_t *message = agent_wire_show(&key, (const uint8_t *)BLOB_X, BLOB_SIZE, &size);
  assert_non_null(message);
  assert_int_equal(agent_wire_number(message), size - AGENT_LENGTH_SIZE);
  assert_int_equal(agent_wire_read_keys(message, size, &keys, &count), 0);
  assert_int_equal(count, 1);
  assert_string_equal(keys[0].comment, "mine");
  assert_memory_equal(keys[0].blob, BLOB_X, BLOB_SIZE);
  free(keys);
  free(message);
  message = agent_wire_show(NULL, NULL, 0, &size);
  assert_non_null(message);
  assert_int_equal(agent_wire_read_keys(message, size, &keys, &count), 0);
  assert_int_equal(count, 0);
  free(keys);
  free(message);
}

/* The key's own blob goes to the agent in place of the one that was shown; what is to be signed and the flags stay. */
static void test_sign(void **state) {
  static const char request[] = "\0\0\0\34\15\0\0\0\16" BLOB_X "\0\0\0\1D\0\0\0\4";
  static const char expected[] = "\0\0\0\34\15\0\0\0\16" BLOB_Y "\0\0\0\1D\0\0\0\4";
  const key_agent_key key = {.blob = (const uint8_t *)BLOB_Y, .blob_size = BLOB_SIZE};
  size_t size = 0;
  (void)state;
  uint8_t *real =
      agent_wire_sign((const uint8_t *)request, sizeof(request) - 1, &key, (const uint8_t *)BLOB_X, BLOB_SIZE, &size);
  assert_non_null(real);
  assert_int_equal(size, sizeof(expected) - 1);
  assert_memory_equal(real, expected, size);
  free(real);
  assert_null(
      agent_wire_sign((const uint8_t *)request, sizeof(request) - 1, &key, (const uint8_t *)BLOB_Y, BLOB_SIZE, &size));
  assert_null(agent_wire_sign((const uint8_t *)request, 9, &key, (const uint8_t *)BLOB_X, BLOB_SIZE, &size));
}

static void test_lengths(void **state) {
  (void)state;
  assert_false(agent_wire_is_length(0));
  assert_true(agent_wire_is_length(1));
  assert_true(agent_wire_is_length(AGENT_MESSAGE_MAX));
  assert_false(agent_wire_is_length(AGENT_MESSAGE_MAX + 1));
}

static void test_option(void **state) {
  (void)state;
  assert_int_equal(ssh_agent_choose(NULL), SSH_AGENT_USUAL);
  assert_int_equal(ssh_agent_choose("Yes"), SSH_AGENT_USUAL);
  assert_int_equal(ssh_agent_choose("auto"), SSH_AGENT_USUAL);
  assert_int_equal(ssh_agent_choose("off"), SSH_AGENT_NONE);
  assert_int_equal(ssh_agent_choose("0"), SSH_AGENT_NONE);
  assert_int_equal(ssh_agent_choose("/run/agent"), SSH_AGENT_PATH);
  assert_int_equal(ssh_agent_choose("\\\\.\\pipe\\mine"), SSH_AGENT_PATH);
  assert_int_equal(ssh_agent_choose("mine"), SSH_AGENT_UNKNOWN);
#if defined(_WIN32)
  assert_int_equal(ssh_agent_choose("pageant"), SSH_AGENT_BY_NAME);
#else
  assert_int_equal(ssh_agent_choose("pageant"), SSH_AGENT_UNKNOWN);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_listing), cmocka_unit_test(test_no_listing), cmocka_unit_test(test_show),
      cmocka_unit_test(test_sign),    cmocka_unit_test(test_lengths),    cmocka_unit_test(test_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
