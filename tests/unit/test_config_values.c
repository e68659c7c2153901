/* SPDX-License-Identifier: MIT */
/* From the text of one option to its value. */
#include "config_fixture.h"

#include "config/value.h"

static const char *const modes[] = {"keep", "stop", "restart", NULL};
static ps_value value;

static int clear(void **state) {
  (void)state;
  ps_value_clear(&value);
  ps_problems_clear(&problems);
  return 0;
}

/* Parses `text` as a value of a type, as if at /cfg/p.ini:7. */
static int parse(uint32_t type, int64_t min, int64_t max, const char *text) {
  const penstock_option option = {.struct_size = sizeof(option),
                                  .type = type,
                                  .key = "k",
                                  .min = min,
                                  .max = max,
                                  .choices = type == PENSTOCK_OPTION_CHOICE ? modes : NULL};
  (void)clear(NULL);
  return ps_value_parse(&option, text, (ps_place){"/cfg/p.ini", 7}, &value, &problems);
}

static void good_number(uint32_t type, const char *text, int64_t expected) {
  if (parse(type, 0, 0, text) != 0 || !value.has_number || value.number != expected) {
    fail_msg("'%s' gave %lld: %s", text, (long long)value.number, problems.count ? problems.items[0].text : "");
  }
}

static void good_text(uint32_t type, const char *text, const char *expected) {
  if (parse(type, 0, 0, text) != 0 || !value.text || strcmp(value.text, expected) != 0) {
    fail_msg("'%s' gave '%s': %s", text, value.text ? value.text : "(none)",
             problems.count ? problems.items[0].text : "");
  }
}

static void bad(uint32_t type, const char *text, const char *part) {
  if (parse(type, 0, 0, text) != PENSTOCK_E_INVALID || ps_value_is_set(&value)) {
    fail_msg("'%s' was taken", text);
  }
  const ps_problem *problem = find_problem(7, part);
  assert_int_equal(strncmp(problem->text, "`k`: ", 5), 0);
  assert_string_equal(problem->file, "/cfg/p.ini");
}

static void bools(void **state) {
  (void)state;
  static const char *const yes[] = {"yes", "true", "on", "1", "YES", "On"};
  static const char *const no[] = {"no", "false", "off", "0", "No"};
  for (size_t i = 0; i < COUNT(yes); i++) {
    good_number(PENSTOCK_OPTION_BOOL, yes[i], 1);
  }
  for (size_t i = 0; i < COUNT(no); i++) {
    good_number(PENSTOCK_OPTION_BOOL, no[i], 0);
  }
  bad(PENSTOCK_OPTION_BOOL, "ja", "neither yes nor no");
  bad(PENSTOCK_OPTION_BOOL, "2", "neither yes nor no");
  bad(PENSTOCK_OPTION_BOOL, "", "is empty");
}

static void a_number_or_auto(void **state) {
  (void)state;
  penstock_option option = {
      .struct_size = sizeof(option), .type = PENSTOCK_OPTION_INT, .flags = PS_OPTION_AUTO, .key = "k", .max = 16};
  static const ps_place place = {"/cfg/p.ini", 7};
  assert_int_equal(ps_value_parse(&option, "auto", place, &value, &problems), 0);
  assert_string_equal(value.text, "auto");
  assert_int_equal(value.has_number, 0);
  assert_int_equal(ps_value_parse(&option, "7", place, &value, &problems), 0);
  assert_null(value.text);
  assert_int_equal(value.number, 7);
  assert_int_equal(ps_value_parse(&option, "automatic", place, &value, &problems), PENSTOCK_E_INVALID);
  bad(PENSTOCK_OPTION_INT, "auto", "");
}

static void ints(void **state) {
  (void)state;
  good_number(PENSTOCK_OPTION_INT, "0", 0);
  good_number(PENSTOCK_OPTION_INT, "-12", -12);
  good_number(PENSTOCK_OPTION_INT, "9223372036854775807", INT64_MAX);
  good_number(PENSTOCK_OPTION_INT, "\"7\"", 7);
  bad(PENSTOCK_OPTION_INT, "9223372036854775808", "no whole number");
  bad(PENSTOCK_OPTION_INT, "22x", "no whole number");
  bad(PENSTOCK_OPTION_INT, "0x10", "no whole number");
  bad(PENSTOCK_OPTION_INT, "1.5", "no whole number");
  bad(PENSTOCK_OPTION_INT, "\" 7\"", "no whole number");
  bad(PENSTOCK_OPTION_INT, "", "is empty");
  assert_int_equal(parse(PENSTOCK_OPTION_INT, 1, 16, "16"), 0);
  assert_int_equal(parse(PENSTOCK_OPTION_INT, 1, 16, "17"), PENSTOCK_E_INVALID);
  (void)find_problem(7, "17 is out of range: from 1 to 16");
  assert_int_equal(parse(PENSTOCK_OPTION_INT, 1, 16, "0"), PENSTOCK_E_INVALID);
}

/* A secret has no place in a profile, and none in a message about it. */
static void secrets(void **state) {
  (void)state;
  static const char *const good[] = {"env:PW",          "file:~/pw", "command:pass show x", "prompt",
                                     "prompt:Your PIN", "",          "\"file:/a b\""};
  static const char *const wrong[] = {"hunter2", "env:", "file:", "command:", "Prompt", "pass:hunter2", "promptly"};
  const penstock_option option = {
      .struct_size = sizeof(option), .type = PENSTOCK_OPTION_STRING, .flags = PENSTOCK_OPTION_SECRET, .key = "k"};
  for (size_t i = 0; i < COUNT(good); i++) {
    (void)clear(NULL);
    if (ps_value_parse(&option, good[i], (ps_place){"/cfg/p.ini", 7}, &value, &problems) != 0 || problems.count) {
      fail_msg("'%s' was refused", good[i]);
    }
  }
  for (size_t i = 0; i < COUNT(wrong); i++) {
    (void)clear(NULL);
    if (ps_value_parse(&option, wrong[i], (ps_place){"/cfg/p.ini", 7}, &value, &problems) == 0) {
      fail_msg("'%s' was taken", wrong[i]);
    }
    assert_null(strstr(find_problem(7, "no reference to a secret")->text, "hunter2"));
  }
}

static void durations(void **state) {
  (void)state;
  good_number(PENSTOCK_OPTION_DURATION, "500ms", 500);
  good_number(PENSTOCK_OPTION_DURATION, "20s", 20000);
  good_number(PENSTOCK_OPTION_DURATION, "20 s", 20000);
  good_number(PENSTOCK_OPTION_DURATION, "20", 20000);
  good_number(PENSTOCK_OPTION_DURATION, "5m", 300000);
  good_number(PENSTOCK_OPTION_DURATION, "2h", 7200000);
  good_number(PENSTOCK_OPTION_DURATION, "1.5s", 1500);
  good_number(PENSTOCK_OPTION_DURATION, "0.25", 250);
  good_number(PENSTOCK_OPTION_DURATION, "0", 0);
  bad(PENSTOCK_OPTION_DURATION, "0.5ms", "no whole number of milliseconds");
  bad(PENSTOCK_OPTION_DURATION, "-1s", "no duration");
  bad(PENSTOCK_OPTION_DURATION, "1d", "no duration");
  bad(PENSTOCK_OPTION_DURATION, "s", "no duration");
  bad(PENSTOCK_OPTION_DURATION, "1.s", "no duration");
  bad(PENSTOCK_OPTION_DURATION, "1s 2", "no duration");
  bad(PENSTOCK_OPTION_DURATION, "99999999999h", "no duration");
  assert_int_equal(parse(PENSTOCK_OPTION_DURATION, 500, 600000, "11m"), PENSTOCK_E_INVALID);
  (void)find_problem(7, "11m is out of range: from 500ms to 10m");
}

static void choices(void **state) {
  (void)state;
  good_text(PENSTOCK_OPTION_CHOICE, "stop", "stop");
  bad(PENSTOCK_OPTION_CHOICE, "Stop", "did you mean 'stop'?");
  bad(PENSTOCK_OPTION_CHOICE, "stpo", "keep, stop, restart; did you mean 'stop'?");
  bad(PENSTOCK_OPTION_CHOICE, "", "is empty");
}

static void addresses(void **state) {
  (void)state;
  good_text(PENSTOCK_OPTION_ADDRESS, "9090", "127.0.0.1:9090");
  good_text(PENSTOCK_OPTION_ADDRESS, "gpu01.example.com:22", "gpu01.example.com:22");
  good_text(PENSTOCK_OPTION_ADDRESS, "0.0.0.0:65535", "0.0.0.0:65535");
  good_text(PENSTOCK_OPTION_ADDRESS, "[::1]:9090", "[::1]:9090");
  good_text(PENSTOCK_OPTION_ADDRESS, "[fe80::1%eth0]:1", "[fe80::1%eth0]:1");
  bad(PENSTOCK_OPTION_ADDRESS, "gpu01", "port is missing");
  bad(PENSTOCK_OPTION_ADDRESS, "10.0.0.1", "port is missing");
  bad(PENSTOCK_OPTION_ADDRESS, ":9090", "host is missing");
  bad(PENSTOCK_OPTION_ADDRESS, "a:", "port is a number");
  bad(PENSTOCK_OPTION_ADDRESS, "a:0", "from 1 to 65535");
  bad(PENSTOCK_OPTION_ADDRESS, "a:65536", "from 1 to 65535");
  bad(PENSTOCK_OPTION_ADDRESS, "a:99999999999", "from 1 to 65535");
  bad(PENSTOCK_OPTION_ADDRESS, "a:ssh", "from 1 to 65535");
  bad(PENSTOCK_OPTION_ADDRESS, "::1:9090", "brackets");
  bad(PENSTOCK_OPTION_ADDRESS, "[::1]", "[address]:port");
  bad(PENSTOCK_OPTION_ADDRESS, "[::1", "[address]:port");
  bad(PENSTOCK_OPTION_ADDRESS, "[gpu01]:1", "no IPv6 address in the brackets");
  bad(PENSTOCK_OPTION_ADDRESS, "127.0.0.256:1", "no IPv4 address");
  bad(PENSTOCK_OPTION_ADDRESS, "a b:1", "character that no name has");
  bad(PENSTOCK_OPTION_ADDRESS, "u@h:1", "character that no name has");
  bad(PENSTOCK_OPTION_ADDRESS, "-oX:1", "begins with `-`");
  assert_int_equal(parse(PENSTOCK_OPTION_ADDRESS, 0, 65535, "127.0.0.1:0"), 0);
  assert_string_equal(value.text, "127.0.0.1:0");
}

static void paths(void **state) {
  (void)state;
  assert_int_equal(setenv("HOME", "/home/me", 1), 0);
  assert_int_equal(setenv("PENSTOCK_TEST_DIR", "/d", 1), 0);
  good_text(PENSTOCK_OPTION_PATH, "/a b", "/a b");
  good_text(PENSTOCK_OPTION_PATH, "~", "/home/me");
  good_text(PENSTOCK_OPTION_PATH, "~/x", "/home/me/x");
  good_text(PENSTOCK_OPTION_PATH, "~root/x", "/root/x");
  good_text(PENSTOCK_OPTION_PATH, "${PENSTOCK_TEST_DIR}/x", "/d/x");
  good_text(PENSTOCK_OPTION_PATH, "sub/x~", "/cfg/sub/x~");
  bad(PENSTOCK_OPTION_PATH, "~no-such-user/x", "no such user");
  assert_int_equal(parse(PENSTOCK_OPTION_PATH, 0, 0, ""), 0);
  assert_false(ps_value_is_set(&value));
}

static void expansion(void **state) {
  (void)state;
  assert_int_equal(setenv("PENSTOCK_TEST_A", "x, \"y\" ${B}", 1), 0);
  assert_int_equal(setenv("PENSTOCK_TEST_EMPTY", "", 1), 0);
  assert_int_equal(setenv("PENSTOCK_TEST_BAD", "a\nb", 1), 0);
  assert_int_equal(setenv("PENSTOCK_TEST_PORT", "22", 1), 0);
  good_text(PENSTOCK_OPTION_STRING, "<${PENSTOCK_TEST_A}>", "<x, \"y\" ${B}>");
  good_text(PENSTOCK_OPTION_STRING, "a$$b$$${PENSTOCK_TEST_EMPTY}", "a$b$");
  good_text(PENSTOCK_OPTION_STRING, "${PENSTOCK_TEST_EMPTY:-d}${PENSTOCK_TEST_NONE:-}${PENSTOCK_TEST_NONE:-e f}",
            "de f");
  good_text(PENSTOCK_OPTION_STRING, "~/far $(touch x); $", "~/far $(touch x); $");
  good_number(PENSTOCK_OPTION_INT, "${PENSTOCK_TEST_PORT}", 22);
  assert_no_problems();
  bad(PENSTOCK_OPTION_STRING, "${PENSTOCK_TEST_NONE}", "PENSTOCK_TEST_NONE is not set");
  bad(PENSTOCK_OPTION_STRING, "${PENSTOCK_TEST_A", "no closing `}`");
  bad(PENSTOCK_OPTION_STRING, "${}", "no expansion");
  bad(PENSTOCK_OPTION_STRING, "${9}", "no expansion");
  bad(PENSTOCK_OPTION_STRING, "${A-b}", "no expansion");
  bad(PENSTOCK_OPTION_STRING, "${PENSTOCK_TEST_BAD}", "control character");
  bad(PENSTOCK_OPTION_INT, "${PENSTOCK_TEST_EMPTY}", "is empty");
  good_text(PENSTOCK_OPTION_STRING, "$HOME/x", "$HOME/x");
  assert_int_equal(find_problem(7, "write ${HOME}")->fatal, 0);
}

static void assert_items(const char *text, uint32_t type, const char *const *expected) {
  if (parse(type, 0, 0, text) != 0) {
    fail_msg("'%s': %s", text, problems.items[0].text);
  }
  size_t count = 0;
  for (; expected[count]; count++) {
    if (count >= value.count || strcmp(value.items[count], expected[count]) != 0) {
      fail_msg("'%s': item %zu is '%s'", text, count, count < value.count ? value.items[count] : "(none)");
    }
  }
  assert_int_equal(value.count, count);
}

static void lists(void **state) {
  (void)state;
  assert_int_equal(setenv("PENSTOCK_TEST_A", "x, y", 1), 0);
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})
  assert_items("a", PENSTOCK_OPTION_LIST, ITEMS("a"));
  assert_items(" a b ,c\n\n d,\n", PENSTOCK_OPTION_LIST, ITEMS("a b", "c", "d"));
  assert_items("\"a, b\" , \"\", \" c \"", PENSTOCK_OPTION_LIST, ITEMS("a, b", "", " c "));
  assert_items("\"q\\\"\\\\\\n\"", PENSTOCK_OPTION_LIST, ITEMS("q\"\\\\n"));
  assert_items("5\" disk, --x=\"1, 2\"", PENSTOCK_OPTION_LIST, ITEMS("5\" disk", "--x=1, 2"));
  assert_items("${PENSTOCK_TEST_A}, ${PENSTOCK_TEST_NONE:-p,q}", PENSTOCK_OPTION_LIST, ITEMS("x, y", "p,q"));
  assert_items("A=1, B_2=\"x, y\"\nC=", PENSTOCK_OPTION_ENV, ITEMS("A=1", "B_2=x, y", "C="));
  assert_int_equal(parse(PENSTOCK_OPTION_LIST, 0, 0, ""), 0);
  assert_false(ps_value_is_set(&value));
  bad(PENSTOCK_OPTION_LIST, "a,,b", "item is missing");
  bad(PENSTOCK_OPTION_LIST, ", a", "item is missing");
  bad(PENSTOCK_OPTION_LIST, "a, \"b", "quote is not closed");
  bad(PENSTOCK_OPTION_LIST, "\"a\" b", "text follows a closing quote");
  bad(PENSTOCK_OPTION_ENV, "A", "'A' is no NAME=value");
  bad(PENSTOCK_OPTION_ENV, "=x", "no name that a variable can have");
  bad(PENSTOCK_OPTION_ENV, "1A=x", "no name that a variable can have");
  bad(PENSTOCK_OPTION_ENV, "A-B=x", "no name that a variable can have");
  bad(PENSTOCK_OPTION_ENV, "A=1, A=2", "'A' sets a variable that is in the list already");
}

/* Each item is checked, and told with the line it stands on. */
static void items_have_lines(void **state) {
  (void)state;
  assert_int_equal(parse(PENSTOCK_OPTION_ENV, 0, 0, "A=1,\n\n2B=1\nC=${PENSTOCK_TEST_NONE}\nD"), PENSTOCK_E_INVALID);
  (void)find_problem(9, "'2B'");
  (void)find_problem(10, "PENSTOCK_TEST_NONE");
  (void)find_problem(11, "'D'");
  assert_int_equal(parse(PENSTOCK_OPTION_STRING, 0, 0, "a\n\nhost = b"), PENSTOCK_E_INVALID);
  (void)find_problem(9, "takes one line");
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, clear)
  const struct CMUnitTest tests[] = {TEST(bools),     TEST(ints),    TEST(a_number_or_auto), TEST(secrets),
                                     TEST(durations), TEST(choices), TEST(addresses),        TEST(paths),
                                     TEST(expansion), TEST(lists),   TEST(items_have_lines)};
  return cmocka_run_group_tests_name("config values", tests, NULL, NULL);
}
