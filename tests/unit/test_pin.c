/* SPDX-License-Identifier: MIT */
/* The pin is the SHA-256 sum that sha256sum prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/pin.h"

/* FIPS 180-4, the example "abc". */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static penstock_error error;

static void right_pin_passes(void **state) {
  (void)state;
  assert_int_equal(ps_pin_check("abc", 3, ABC, "/f", &error), 0);
  assert_int_equal(
      ps_pin_check("abc", 3, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", "/f", &error), 0);
}

static void wrong_pin_tells_both_sums(void **state) {
  (void)state;
  const char *other = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae";
  assert_true(ps_pin_check("abc", 3, other, "/f", &error) < 0);
  assert_non_null(strstr(error.what, ABC));
  assert_non_null(strstr(error.what, other));
  assert_non_null(strstr(error.next, "plugin_sha256 = " ABC));
}

static void malformed_pin_is_told_apart(void **state) {
  (void)state;
  static const char *const pins[] = {"", "abc", "g" ABC, ABC "0",
                                     "xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
  for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
    assert_true(ps_pin_check("abc", 3, pins[i], "/f", &error) < 0);
    assert_non_null(strstr(error.what, "64 hexadecimal digits"));
    assert_true(strstr(error.next, "sha256sum /f") || strstr(error.next, "certutil -hashfile \"/f\" SHA256"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_pin_passes),
      cmocka_unit_test(wrong_pin_tells_both_sums),
      cmocka_unit_test(malformed_pin_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
