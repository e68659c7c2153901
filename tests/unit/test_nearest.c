/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/nearest.h"

static const char *nearest(const char *word) {
  static const char *const known[] = {"up", "check", "profiles", "probe", "trust", "version", "connect_timeout"};
  ps_nearest search;
  ps_nearest_init(&search, word);
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    ps_nearest_offer(&search, known[i]);
  }
  return search.best;
}

static void slips_are_found(void **state) {
  (void)state;
  assert_string_equal(nearest("chekc"), "check");
  assert_string_equal(nearest("prob"), "probe");
  assert_string_equal(nearest("profile"), "profiles");
  assert_string_equal(nearest("TRUST"), "trust");
  assert_string_equal(nearest("pu"), "up");
  assert_string_equal(nearest("conect-timeout"), "connect_timeout");
  assert_string_equal(nearest("version"), "version");
  assert_string_equal(nearest("connect"), "connect_timeout"); /* the beginning of a word */
  assert_string_equal(nearest("conn"), "connect_timeout");
}

static void strangers_are_not(void **state) {
  (void)state;
  assert_null(nearest("zzz"));
  assert_null(nearest("x"));
  assert_null(nearest("ab"));
  assert_null(nearest("co"));
  assert_null(nearest(""));
  assert_null(nearest("remove"));
  char huge[300];
  memset(huge, 'u', sizeof(huge) - 1);
  huge[sizeof(huge) - 1] = '\0';
  assert_null(nearest(huge));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slips_are_found),
      cmocka_unit_test(strangers_are_not),
  };
  return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
