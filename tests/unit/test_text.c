/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void check_safe(const char *given, const char *expected) {
  ps_text text = {0};
  ps_text_add_safe(&text, given);
  assert_string_equal(text.data, expected);
  assert_int_equal(text.size, strlen(expected));
  free(text.data);
}

static void grows(void **state) {
  (void)state;
  ps_text text = {0};
  for (int i = 0; i < 1000; i++) {
    ps_text_addf(&text, "%d,", i % 10);
  }
  ps_text_adds(&text, "end");
  assert_int_equal(text.size, 2003);
  assert_string_equal(text.data + 1996, "8,9,end");
  assert_false(text.no_memory);
  free(text.data);
}

static void plain_text_stays(void **state) {
  (void)state;
  check_safe("", "");
  check_safe("a b~\\", "a b~\\");
  check_safe("Größe € 𝄞", "Größe € 𝄞");
}

static void controls_are_escaped(void **state) {
  (void)state;
  check_safe("a\nb\r\tc", "a\\nb\\r\\tc");
  check_safe("\033[31mred\x7F", "\\x1b[31mred\\x7f");
  check_safe("\xC2\x9B"
             "2J",
             "\\x9b2J"); /* the one-character CSI */
  check_safe("a\xE2\x80\xAE"
             "b\xE2\x81\xA6"
             "c",
             "a\\u202eb\\u2066c"); /* turns the direction */
  check_safe("a\xE2\x80\xA8"
             "b",
             "a\\u2028b"); /* a line separator */
}

static void broken_utf8_is_escaped(void **state) {
  (void)state;
  check_safe("a\xFFz", "a\\xffz");
  check_safe("\xC3", "\\xc3");                            /* cut off */
  check_safe("\xC0\xAF", "\\xc0\\xaf");                   /* overlong / */
  check_safe("\xE0\x80\x8A", "\\xe0\\x80\\x8a");          /* overlong new line */
  check_safe("\xED\xA0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
  check_safe("\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond the last character */
  ps_text text = {0};
  ps_text_add_utf8(&text, "a\nb\xFF");
  assert_string_equal(text.data, "a\nb\\xff");
  free(text.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grows),
      cmocka_unit_test(plain_text_stays),
      cmocka_unit_test(controls_are_escaped),
      cmocka_unit_test(broken_utf8_is_escaped),
  };
  return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
