/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/config/ssh_child.h"
#include "common/ssh/config/ssh_tokens.h"

static const ssh_local local = {.user = "alice", .home = "/home/alice", .machine = "desk.example.com", .id = "1000"};
static const ssh_tokens tokens = {
    .local = &local, .host = "gpu01.example.com", .alias = "gpu01", .user = "bob", .jump = "gate", .port = 2222};

static void assert_expands(const char *text, const char *allowed, int with_environment, const char *expected) {
  penstock_error error = {.struct_size = sizeof(error)};
  char *result = ssh_tokens_expand(&tokens, text, allowed, with_environment, &error);
  if (!result) {
    fail_msg("%s: %s", text, error.what);
  }
  assert_string_equal(result, expected);
  free(result);
}

static void assert_refused(const char *text, const char *allowed, const char *expected) {
  penstock_error error = {.struct_size = sizeof(error)};
  assert_null(ssh_tokens_expand(&tokens, text, allowed, 1, &error));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, expected)) {
    fail_msg("\"%s\" does not say \"%s\"", error.what, expected);
  }
}

static void test_each_token(void **state) {
  (void)state;
  assert_expands("%d|%h|%i|%j|%k|%L|%l|%n|%p|%r|%u|%%", SSH_TOKENS_ALL, 0,
                 "/home/alice|gpu01.example.com|1000|gate|gpu01|desk|desk.example.com|gpu01|2222|bob|alice|%");
  assert_expands("", SSH_TOKENS_ALL, 1, "");
  assert_expands("no tokens: $x {y} ~", SSH_TOKENS_ALL, 1, "no tokens: $x {y} ~");
}

static void test_key_alias_and_no_jump(void **state) {
  ssh_tokens others = tokens;
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  others.key_alias = "cluster";
  others.jump = NULL;
  char *result = ssh_tokens_expand(&others, "%k-%j-", SSH_TOKENS_ALL, 0, &error);
  assert_string_equal(result, "cluster--");
  free(result);
}

static void test_only_what_is_allowed(void **state) {
  (void)state;
  assert_expands("nc %h %p", SSH_TOKENS_PROXY, 0, "nc gpu01.example.com 2222");
  assert_refused("nc %h %d", SSH_TOKENS_PROXY, "the % at character 7");
  assert_refused("%z", SSH_TOKENS_ALL, "the % at character 1");
  assert_refused("100%", SSH_TOKENS_ALL, "the % at character 4");
}

static void test_variables(void **state) {
  (void)state;
  assert_int_equal(setenv("PENSTOCK_TEST", "a %h ${b}", 1), 0);
  assert_expands("<${PENSTOCK_TEST}>", SSH_TOKENS_ALL, 1, "<a %h ${b}>"); /* what comes in is left alone */
  assert_expands("<${PENSTOCK_TEST}>", SSH_TOKENS_ALL, 0, "<${PENSTOCK_TEST}>");
  assert_int_equal(unsetenv("PENSTOCK_TEST"), 0);
  assert_refused("<${PENSTOCK_TEST}>", SSH_TOKENS_ALL, "PENSTOCK_TEST is not set");
  assert_refused("${", SSH_TOKENS_ALL, "environment variable");
  assert_refused("${}", SSH_TOKENS_ALL, "environment variable");
}

/* ssh -G expands %C, and everything else, in the name of a UserKnownHostsFile. */
static void test_as_ssh_does(void **state) {
  static const char text[] = "/%C/%d/%h/%i/%k/%L/%l/%n/%p/%r/%u/%%";
  char option[128];
  const char *const argv[] = {"ssh", "-F", "none", "-G", "-o", option, "-p", "2222", "-l", "bob", "gpu01", NULL};
  penstock_error error = {.struct_size = sizeof(error)};
  ssh_child_result result;
  ssh_local here;
  (void)state;
  (void)snprintf(option, sizeof(option), "UserKnownHostsFile=%s", text);
  assert_int_equal(ssh_local_get(&here, &error), 0);
  assert_int_equal(ssh_child_run(argv, 10000, &result, &error), 0);
  const ssh_tokens same = {.local = &here, .host = "gpu01", .alias = "gpu01", .user = "bob", .port = 2222};
  char *expanded = ssh_tokens_expand(&same, text, SSH_TOKENS_ALL, 1, &error);
  assert_non_null(expanded);
  const char *line = strstr(result.output, "userknownhostsfile ");
  assert_non_null(line);
  line += strlen("userknownhostsfile ");
  assert_int_equal(strcspn(line, "\n"), strlen(expanded));
  assert_memory_equal(line, expanded, strlen(expanded));
  free(expanded);
  ssh_child_clear(&result);
}

static void test_homes(void **state) {
  ssh_local here;
  penstock_error error = {.struct_size = sizeof(error)};
  const struct passwd *entry = getpwuid(getuid());
  char expected[2048];
  char named[512];
  (void)state;
  assert_non_null(entry);
  assert_int_equal(setenv("HOME", "/nowhere", 1), 0); /* is not asked */
  assert_int_equal(ssh_local_get(&here, &error), 0);
  (void)snprintf(expected, sizeof(expected), "%s/.ssh/key", entry->pw_dir);
  (void)snprintf(named, sizeof(named), "~%s/.ssh/key", entry->pw_name);
  char *path = ssh_local_path(&here, "~/.ssh/key", &error);
  assert_string_equal(path, expected);
  free(path);
  path = ssh_local_path(&here, named, &error);
  assert_string_equal(path, expected);
  free(path);
  path = ssh_local_path(&here, "/a/~/b", &error);
  assert_string_equal(path, "/a/~/b");
  free(path);
  assert_null(ssh_local_path(&here, "~nobody-of-that-name/x", &error));
  assert_non_null(strstr(error.what, "nobody-of-that-name"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_token),           cmocka_unit_test(test_key_alias_and_no_jump),
      cmocka_unit_test(test_only_what_is_allowed), cmocka_unit_test(test_variables),
      cmocka_unit_test(test_as_ssh_does),          cmocka_unit_test(test_homes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
