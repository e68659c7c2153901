/* SPDX-License-Identifier: MIT */
/* Words, patterns and keywords of our reader of ssh_config; whole files are in tests/integration/test_ssh_config.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>

#include "common/ssh/config/ssh_config_syntax.h"
#include "common/ssh/config/ssh_keywords.h"

static void assert_split(const char *text, const char *const *expected) {
  ssh_words words;
  size_t count = 0;
  assert_int_equal(ssh_words_split(&words, text), 0);
  for (; expected[count]; count++) {
    assert_true(count < words.count);
    assert_string_equal(words.items[count], expected[count]);
  }
  assert_int_equal(words.count, count);
  ssh_words_clear(&words);
}

static void test_words(void **state) {
  ssh_words words;
  (void)state;
  assert_split("", (const char *[]){NULL});
  assert_split(" \t ", (const char *[]){NULL});
  assert_split("a  b\tc", (const char *[]){"a", "b", "c", NULL});
  assert_split("\"a b\" 'c \"d\"' e\"f g\"h", (const char *[]){"a b", "c \"d\"", "ef gh", NULL});
  assert_split("a\\ b \\\" \\n \"x\\ y\"", (const char *[]){"a b", "\"", "\\n", "x\\ y", NULL});
  assert_split("a # b", (const char *[]){"a", NULL});
  assert_split("a#b \"#c\"", (const char *[]){"a#b", "#c", NULL});
  assert_split("\"\" b", (const char *[]){"", "b", NULL});
  assert_int_equal(ssh_words_split(&words, "a \"b"), PENSTOCK_E_INVALID);
  assert_int_equal(ssh_words_split(&words, "it's"), PENSTOCK_E_INVALID);
}

static void assert_next(const char *text, const char *word, const char *rest) {
  char copy[64];
  (void)snprintf(copy, sizeof(copy), "%s", text);
  char *at = copy;
  const char *found = ssh_words_next(&at);
  assert_string_equal(found ? found : "(none)", word);
  assert_string_equal(at ? at : "(none)", rest);
}

static void test_one_equals_sign_is_skipped(void **state) {
  (void)state;
  assert_next("Port 22", "Port", "22");
  assert_next("Port=22", "Port", "22");
  assert_next("Port = 22", "Port", "22");
  assert_next("Port= =22", "Port", "=22");
  assert_next("Port", "Port", "(none)");
  assert_next("\"a b\" c", "a b", "c");
  assert_next("\"a b", "(none)", "(none)");
}

static void test_patterns(void **state) {
  (void)state;
  assert_true(ssh_pattern_match("", ""));
  assert_true(ssh_pattern_match("", "*"));
  assert_true(ssh_pattern_match("gpu01", "gpu*"));
  assert_true(ssh_pattern_match("gpu01", "*0?"));
  assert_true(ssh_pattern_match("a.b.c", "*.*"));
  assert_true(ssh_pattern_match("abab", "*ab"));
  assert_false(ssh_pattern_match("gpu01", "gpu"));
  assert_false(ssh_pattern_match("gpu", "gpu?"));
  assert_false(ssh_pattern_match("gpu01", "GPU01"));
  assert_false(ssh_pattern_match("", "?"));
}

/* Many stars must not take for ever. */
static void test_a_hostile_pattern_is_quick(void **state) {
  char pattern[2001];
  char text[4001];
  (void)state;
  for (size_t i = 0; i < sizeof(pattern) - 1; i += 2) {
    pattern[i] = '*';
    pattern[i + 1] = 'a';
  }
  pattern[sizeof(pattern) - 1] = '\0';
  memset(text, 'a', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  assert_true(ssh_pattern_match(text, pattern));
  text[sizeof(text) - 2] = 'b';
  assert_false(ssh_pattern_match(text, pattern));
}

static void test_lists_of_patterns(void **state) {
  (void)state;
  assert_int_equal(ssh_pattern_list_match("gpu01", "web*,gpu*", 0), 1);
  assert_int_equal(ssh_pattern_list_match("gpu01", "gpu*,!gpu01", 0), -1);
  assert_int_equal(ssh_pattern_list_match("gpu01", "!gpu02", 0), 0);
  assert_int_equal(ssh_pattern_list_match("gpu01", "GPU*", 1), 1);
  assert_int_equal(ssh_pattern_list_match("gpu01", "", 1), 0);
}

/* Two tables name the keywords: how they are written, and what becomes of them. */
static void test_every_keyword_has_a_use(void **state) {
  (void)state;
  for (size_t i = 0; i < ssh_syntax_count; i++) {
    if (!ssh_keyword_find(ssh_syntax_table[i].keyword)) {
      fail_msg("ssh_keywords.c does not say what becomes of %s", ssh_syntax_table[i].keyword);
    }
  }
}

/* Keywords of the table that the reader does not take, because no ssh of this system does. */
static void test_every_use_has_a_syntax(void **state) {
  static const char *const others[] = {"Host", "Match", "Include", "UseKeychain", "AppleMultiPath", NULL};
  size_t count = 0;
  const ssh_keyword *keywords = ssh_keywords(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    char name[64];
    int is_other = 0;
    for (size_t j = 0; others[j]; j++) {
      is_other |= strcmp(others[j], keywords[i].name) == 0;
    }
    (void)snprintf(name, sizeof(name), "%s", keywords[i].name);
    for (char *c = name; *c; c++) {
      *c = (char)tolower((unsigned char)*c);
    }
    if (!is_other && !ssh_syntax_find(name) && !ssh_syntax_is_obsolete(name)) {
      fail_msg("the reader does not know %s", keywords[i].name);
    }
  }
}

static void test_mistyped_keywords(void **state) {
  (void)state;
  assert_string_equal(ssh_syntax_nearest("hostnam"), "hostname");
  assert_string_equal(ssh_syntax_nearest("prot"), "port");
  assert_string_equal(ssh_syntax_nearest("identifyfile"), "identityfile");
  assert_string_equal(ssh_syntax_nearest("includ"), "include");
  assert_null(ssh_syntax_nearest("xyzzy"));
  assert_null(ssh_syntax_nearest(""));
  assert_null(ssh_syntax_nearest("a-word-that-is-longer-than-any-keyword-of-ssh-config"));
}

static void test_hosts_on_the_way(void **state) {
  ssh_jump_host jump;
  char full[] = "alice@lab@[2001:db8::1]:2222";
  char uri[] = "ssh://bob@one.example.com:22/";
  char *const bad[] = {strdup(""), strdup("@one"), strdup("one:0"), strdup("[::1"), strdup("a/b"), strdup("one:x")};
  (void)state;
  assert_int_equal(ssh_jump_host_read(&jump, full), 0);
  assert_string_equal(jump.user, "alice@lab");
  assert_string_equal(jump.host, "2001:db8::1");
  assert_int_equal(jump.port, 2222);
  assert_int_equal(ssh_jump_host_read(&jump, uri), 0);
  assert_string_equal(jump.user, "bob");
  assert_string_equal(jump.host, "one.example.com");
  assert_int_equal(jump.port, 22);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_int_equal(ssh_jump_host_read(&jump, bad[i]), PENSTOCK_E_INVALID);
    free(bad[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_one_equals_sign_is_skipped),
      cmocka_unit_test(test_patterns),
      cmocka_unit_test(test_a_hostile_pattern_is_quick),
      cmocka_unit_test(test_lists_of_patterns),
      cmocka_unit_test(test_every_keyword_has_a_use),
      cmocka_unit_test(test_every_use_has_a_syntax),
      cmocka_unit_test(test_mistyped_keywords),
      cmocka_unit_test(test_hosts_on_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
