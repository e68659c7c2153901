/* SPDX-License-Identifier: MIT */
/* Lists in what ssh -G prints: of algorithms, and of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/config/ssh_algorithms.h"
#include "common/ssh/config/ssh_files.h"

/* --- algorithms ------------------------------------------------------------------------------------ */

static void assert_resolves(const char *wanted, const char *expected) {
  char *result = ssh_algorithms_resolve(wanted, "a,b1,b2,c");
  assert_non_null(result);
  assert_string_equal(result, expected);
  free(result);
}

static void test_changes_of_a_default(void **state) {
  (void)state;
  assert_resolves("x,y", "x,y");
  assert_resolves("+x,y", "a,b1,b2,c,x,y");
  assert_resolves("^c,x", "c,x,a,b1,b2");
  assert_resolves("-b*", "a,c");
  assert_resolves("-a,c", "b1,b2");
  assert_resolves("-nothing", "a,b1,b2,c");
  assert_resolves("-*", "");
}

static void test_known_types_come_first(void **state) {
  static known_hosts_entry entries[] = {{.type = "ssh-rsa"}, {.type = "ecdsa-sha2-nistp256"}};
  const known_hosts known = {.entries = entries, .count = 2};
  (void)state;
  char *result = ssh_algorithms_known_first("ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256", &known);
  assert_string_equal(result, "ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256,ssh-ed25519");
  free(result);
  result = ssh_algorithms_known_first("a,b", NULL);
  assert_string_equal(result, "a,b");
  free(result);
}

/* --- files ----------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/penstock-lists-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

/* Makes an empty file below the folder, which is the working directory. */
static void touch(const char *name) {
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  assert_int_equal(fclose(file), 0);
}

static int remove_all(void **state) {
  static const char *const files[] = {"a b", "a", "c", "relative"};
  (void)state;
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    (void)unlink(files[i]);
  }
  return rmdir("folder") | rmdir(folder);
}

/* Each @ in the texts is the folder. */
static void in_folder(const char *text, char *to, size_t size) {
  size_t used = 0;
  for (const char *c = text; *c && used < size; c++) {
    used += *c == '@' ? (size_t)snprintf(to + used, size - used, "%s", folder)
                      : (size_t)snprintf(to + used, size - used, "%c", *c);
  }
  assert_true(used < size);
}

static void assert_split(const char *line, const char *const *expected) {
  char text[1024];
  ssh_texts files = {0};
  size_t count = 0;
  in_folder(line, text, sizeof(text));
  assert_int_equal(ssh_files_split(&files, text), 0);
  for (; expected[count]; count++) {
    in_folder(expected[count], text, sizeof(text));
    if (count >= files.count) {
      fail_msg("%s: only %zu files", line, files.count);
    }
    assert_string_equal(files.items[count], text);
  }
  assert_int_equal(files.count, count);
  ssh_texts_clear(&files);
}

#define SPLIT(line, ...) assert_split(line, (const char *const[]){__VA_ARGS__, NULL})

static void test_files_are_told_apart(void **state) {
  (void)state;
  touch("a b");
  touch("a");
  touch("c");
  touch("relative");
  assert_int_equal(mkdir("folder", 0700), 0);
  SPLIT("@/a @/c", "@/a", "@/c");
  SPLIT("@/a b @/c", "@/a b", "@/c");
  SPLIT("@/none @/c", "@/none", "@/c");
  SPLIT("@/no ne @/c", "@/no ne", "@/c");
  SPLIT("@/none", "@/none");
  SPLIT("/dev/null", "/dev/null");
  SPLIT("none @/c", "@/c");
  /* A folder is no such file, and nothing after a whole path is looked for in the working directory. */
  SPLIT("@/folder relative", "@/folder relative");
  SPLIT("@/c relative", "@/c relative");
  SPLIT("a relative", "a", "relative");
  SPLIT("a b", "a b");
}

static void test_no_files(void **state) {
  static const char *const nothing[] = {NULL};
  (void)state;
  assert_split("none", nothing);
  assert_split("", nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_changes_of_a_default),
      cmocka_unit_test(test_known_types_come_first),
      cmocka_unit_test_setup_teardown(test_files_are_told_apart, make_folder, remove_all),
      cmocka_unit_test(test_no_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
