/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/ssh/config/ssh_jump.h"

static void test_items(void **state) {
  static const struct {
    const char *list;
    const char *user;
    const char *host;
    unsigned port;
    const char *rest;
  } cases[] = {
      {"gate", "", "gate", 0, ""},
      {"bob@gate", "bob", "gate", 0, ""},
      {"gate:2222", "", "gate", 2222, ""},
      {"bob@gate:2222", "bob", "gate", 2222, ""},
      {"bob@corp.example@gate", "bob@corp.example", "gate", 0, ""},
      {"[2001:db8::1]", "", "2001:db8::1", 0, ""},
      {"[2001:db8::1]:22", "", "2001:db8::1", 22, ""},
      {"bob@[fe80::1%eth0]:65535", "bob", "fe80::1%eth0", 65535, ""},
      {"ssh://gate", "", "gate", 0, ""},
      {"SSH://bob@gate:22/", "bob", "gate", 22, ""},
      {"ssh://[::1]:22", "", "::1", 22, ""},
      {"a,b@c:1,d:2", "", "d", 2, "a,b@c:1"},
      {"a, d ", "", "d", 0, "a"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char rest[64];
    ssh_jump jump;
    penstock_error error = {.struct_size = sizeof(error)};
    print_message("%s\n", cases[i].list);
    assert_int_equal(ssh_jump_last(cases[i].list, &jump, rest, &error), 0);
    assert_string_equal(jump.user, cases[i].user);
    assert_string_equal(jump.host, cases[i].host);
    assert_int_equal(jump.port, cases[i].port);
    assert_string_equal(rest, cases[i].rest);
  }
}

static void test_items_that_are_none(void **state) {
  static const char *const lists[] = {
      "",      " ",       ",",          "a,",        ",a",           "a,,b",     "@gate",       "bob@",
      "gate:", "gate:0",  "gate:65536", "gate:22x",  "gate:-1",      "gate: 22", "2001:db8::1", "[::1",
      "[]",    "[::1]22", "-l@gate",    "a b@gate",  "\"bob\"@gate", "ssh://",   "ssh://bob@",  "ssh:///",
      "ga te", "ga\\te",  "$(id)@gate", "`id`@gate", "a;b@gate",     "a|b@gate"};
  (void)state;
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    print_message("\"%s\"\n", lists[i]);
    assert_null(ssh_jump_check(lists[i], &error));
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_non_null(strstr(error.what, "ProxyJump \""));
    assert_true(error.next[0] != '\0');
  }
}

static void test_item_that_is_too_long(void **state) {
  char list[2000];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  for (size_t size = 200; size < sizeof(list); size += 100) {
    memset(list, 'a', size);
    list[size] = '\0';
    char *checked = ssh_jump_check(list, &error);
    assert_int_equal(checked != NULL, size < 256);
    free(checked);
  }
}

static void test_list_loses_its_blanks(void **state) {
  static const char *const cases[][2] = {
      {"a", "a"}, {" a , b\t,c ", "a,b,c"}, {"none", "none"}, {" None ", "None"}, {"x@a:1, [::1]:2", "x@a:1,[::1]:2"}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    char *checked = ssh_jump_check(cases[i][0], &error);
    assert_non_null(checked);
    assert_string_equal(checked, cases[i][1]);
    free(checked);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_items),
      cmocka_unit_test(test_items_that_are_none),
      cmocka_unit_test(test_item_that_is_too_long),
      cmocka_unit_test(test_list_loses_its_blanks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
