/* SPDX-License-Identifier: MIT */
/* A new host's key is written down once, however many connections have seen it, and never beside another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/ssh_internal.h"

/* Two keys in wire form: a type, and 32 bytes. */
static uint8_t one[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyzabcdef";
static uint8_t other[] = "\0\0\0\013ssh-ed25519\0\0\0\040ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF";

static char file[32];
static char host[] = "gpu01";

/* A link that was shown a key when the file was still empty. */
static void make_link(ssh_link *link, uint8_t *blob, size_t size) {
  memset(link, 0, sizeof(*link));
  link->settings.host = host;
  link->settings.port = 2222;
  link->settings.known_hosts_file = file;
  assert_int_equal(ssh_texts_add(&link->settings.known_hosts, file), 0);
  link->shown.blob = blob;
  link->shown.blob_size = size - 1; /* without C's NUL */
}

static int remember(uint8_t *blob, size_t size, penstock_error *error) {
  ssh_link link;
  make_link(&link, blob, size);
  int result = ssh_remember_host(&link, error);
  ssh_texts_clear(&link.settings.known_hosts);
  return result;
}

static size_t count_lines(void) {
  FILE *stream = fopen(file, "re");
  size_t count = 0;
  assert_non_null(stream);
  for (int c; (c = fgetc(stream)) != EOF;) {
    count += c == '\n';
  }
  assert_int_equal(fclose(stream), 0);
  return count;
}

static int make_file(void **state) {
  (void)state;
  (void)snprintf(file, sizeof(file), "/tmp/penstock-test-XXXXXX");
  int fd = mkstemp(file);
  return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state) {
  (void)state;
  return unlink(file);
}

static void test_a_key_is_added_once(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  assert_int_equal(remember(one, sizeof(one), &error), 0);
  assert_int_equal(remember(one, sizeof(one), &error), 0);
  assert_int_equal(count_lines(), 1);
}

static void test_another_key_is_not_added_beside_it(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  assert_int_equal(remember(one, sizeof(one), &error), 0);
  assert_int_not_equal(remember(other, sizeof(other), &error), 0);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_PEER_IDENTITY);
  assert_non_null(strstr(error.what, "gpu01"));
  assert_int_equal(count_lines(), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_key_is_added_once, make_file, remove_file),
      cmocka_unit_test_setup_teardown(test_another_key_is_not_added_beside_it, make_file, remove_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
