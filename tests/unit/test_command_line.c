/* SPDX-License-Identifier: MIT */
/* Command lines as programs of Windows take them apart; none of it needs Windows. */
#include "command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void check_line(const char *const *words, const char *wanted) {
  char *line = ps_command_line(words);
  assert_string_equal(line, wanted);
  free(line);
}

static void test_words_become_a_line(void **state) {
  (void)state;
  check_line((const char *const[]){NULL}, "");
  check_line((const char *const[]){"a.exe", "--port", "1", NULL}, "a.exe --port 1");
  check_line((const char *const[]){"C:\\P F\\a.exe", "", "x y", "a\tb", NULL},
             "\"C:\\P F\\a.exe\" \"\" \"x y\" \"a\tb\"");
}

/* A backslash is itself, but in front of a quote, and so in front of the one that ends a word. */
static void test_backslashes_and_quotes(void **state) {
  (void)state;
  check_line((const char *const[]){"C:\\a\\", "b c\\", "\"", NULL}, "C:\\a\\ \"b c\\\\\" \"\\\"\"");
  check_line((const char *const[]){"a\\\\\"b", NULL}, "\"a\\\\\\\\\\\"b\"");
  check_line((const char *const[]){"say \"so\\\"", "C:\\x\\y", NULL}, "\"say \\\"so\\\\\\\"\" C:\\x\\y");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words_become_a_line),
      cmocka_unit_test(test_backslashes_and_quotes),
  };
  return cmocka_run_group_tests_name("command line", tests, NULL, NULL);
}
