/* SPDX-License-Identifier: MIT */
/* Secrets behind references, kept answers, and counters. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/metrics.h"
#include "host/prompt.h"
#include "host/vault.h"

static char folder[64];
static char secret[64];
static penstock_error error;

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/penstock-secret-XXXXXX");
  assert_non_null(mkdtemp(folder));
  memset(secret, 'x', sizeof(secret));
  memset(&error, 0, sizeof(error));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

static void put(const char *bytes, size_t size, mode_t mode, char reference[160]) {
  (void)snprintf(reference, 160, "file:%s/secret", folder);
  (void)unlink(reference + 5);
  int fd = open(reference + 5, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, size), (ssize_t)size);
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
}

static void gives(const char *reference, const char *expected) {
  if (ps_secret_get(reference, secret, sizeof(secret), &error) != PENSTOCK_OK) {
    print_error("%s\n", error.what);
    fail();
  }
  assert_string_equal(secret, expected);
}

static void refuses(const char *reference, const char *what, const char *next) {
  assert_true(ps_secret_get(reference, secret, sizeof(secret), &error) < 0);
  assert_string_equal(secret, "");
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, what) || !strstr(error.next, next)) {
    print_error("what: %s\nnext: %s\n", error.what, error.next);
    fail();
  }
}

/* Is `text` in the error at all? */
static int tells(const char *text) {
  return strstr(error.what, text) || strstr(error.next, text) || strstr(error.detail, text);
}

static void test_environment(void **state) {
  (void)state;
  assert_int_equal(setenv("PENSTOCK_T_SECRET", "from env", 1), 0);
  gives("env:PENSTOCK_T_SECRET", "from env");
  assert_int_equal(setenv("PENSTOCK_T_SECRET", "", 1), 0);
  refuses("env:PENSTOCK_T_SECRET", "is empty", "");
  assert_int_equal(unsetenv("PENSTOCK_T_SECRET"), 0);
  refuses("env:PENSTOCK_T_SECRET", "'PENSTOCK_T_SECRET' is not set", "set it");
}

static void test_file(void **state) {
  (void)state;
  char reference[160];
  put("from file\n", 10, 0600, reference);
  gives(reference, "from file");
  put("no newline", 10, 0400, reference);
  gives(reference, "no newline");
  put("windows\r\n", 9, 0600, reference);
  gives(reference, "windows");
  put(" two\n\n", 6, 0600, reference);
  gives(reference, " two\n");
}

static void test_file_in_the_home_folder(void **state) {
  (void)state;
  char reference[160];
  put("at home", 7, 0600, reference);
  assert_int_equal(setenv("HOME", folder, 1), 0);
  gives("file:~/secret", "at home");
}

static void test_file_that_others_can_read(void **state) {
  (void)state;
  char reference[160];
  static const mode_t modes[] = {0640, 0604, 0620, 0602, 0666};
  for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    put("hunter2", 7, modes[i], reference);
    refuses(reference, "others can read or write", "chmod 600 '");
    assert_false(tells("hunter2"));
  }
}

static void test_file_that_is_no_secret(void **state) {
  (void)state;
  char reference[160];
  char *big = calloc(1, 100000);
  memset(big, 'a', 100000);
  put(big, 100000, 0600, reference);
  refuses(reference, "longer", "");
  put(big, 64, 0600, reference);
  refuses(reference, "longer", "");
  put("", 0, 0600, reference);
  refuses(reference, "is empty", "");
  put("\n", 1, 0600, reference);
  refuses(reference, "is empty", "");
  put("a\0b", 3, 0600, reference);
  refuses(reference, "zero byte", "");
  free(big);
  refuses("file:/nonexistent/secret", "cannot read", "create the file");
  (void)snprintf(reference, sizeof(reference), "file:%s", folder);
  refuses(reference, "is not a file", "");
  (void)snprintf(reference, sizeof(reference), "file:%s/fifo", folder);
  assert_int_equal(mkfifo(reference + 5, 0600), 0);
  refuses(reference, "is not a file", "");
}

static void test_command(void **state) {
  (void)state;
  gives("command:echo from command", "from command");
  gives("command:printf 'a\\nb\\n'", "a\nb");
  gives("command:x='it''s $HOME'; printf %s \"$x\"", "its $HOME");
  gives("command:cat; echo no input", "no input");
  gives("command:echo noise >&2; echo quiet", "quiet");
}

static void test_command_that_fails(void **state) {
  (void)state;
  refuses("command:echo the vault is closed >&2; echo hunter2; exit 3", "exit status 3", "shell");
  assert_non_null(strstr(error.detail, "the vault is closed"));
  assert_false(tells("hunter2"));
  refuses("command:kill -KILL $$", "signal 9", "shell");
  refuses("command:true", "is empty", "");
  refuses("command:head -c 100000 /dev/zero | tr '\\0' a", "longer", "");
}

static void test_what_is_no_reference_is_not_repeated(void **state) {
  (void)state;
  static const char *const bare[] = {"hunter2", "hunter:2", "", "env:", "file:", "command:", "ENV:HOME", "prompts"};
  for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
    refuses(bare[i], "not a reference", "env:NAME, file:PATH, command:CMD or prompt");
    assert_false(tells("hunter"));
  }
}

static void test_prompt_with_nobody_to_ask(void **state) {
  (void)state;
  ps_prompt_allow(0);
  assert_int_equal(ps_secret_get("prompt", secret, sizeof(secret), &error), PENSTOCK_E_UNSUPPORTED);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.what, "nobody to ask"));
  ps_prompt_allow(1);
}

static void use_askpass(void) {
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/askpass", folder);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  (void)fprintf(file, "#!/bin/sh\necho x >>'%s/asked'\necho \"<$1>\"\n", folder);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0700), 0);
  assert_int_equal(setenv("SSH_ASKPASS", path, 1), 0);
  assert_int_equal(setenv("SSH_ASKPASS_REQUIRE", "force", 1), 0);
}

static long times_asked(void) {
  char path[128];
  struct stat info;
  (void)snprintf(path, sizeof(path), "%s/asked", folder);
  return stat(path, &info) == 0 ? (long)info.st_size / 2 : 0;
}

static void test_prompt_asks_the_user(void **state) {
  (void)state;
  use_askpass();
  /* Two settings that both say `prompt` are two secrets. */
  gives("prompt", "<Secret for this profile:>");
  gives("prompt", "<Secret for this profile:>");
  assert_int_equal(times_asked(), 2);
  gives("prompt:Backup key:", "<Backup key:>");
  gives("prompt:Backup key:", "<Backup key:>");
  assert_int_equal(times_asked(), 3);
  ps_prompt_forget(NULL);
  gives("prompt:Backup key:", "<Backup key:>");
  assert_int_equal(times_asked(), 4);
}

/* --- kept answers ------------------------------------------------------------------------------- */

static void test_vault(void **state) {
  (void)state;
  char text[16];
  assert_int_equal(ps_vault_get("a", text, sizeof(text)), PENSTOCK_E_NOT_FOUND);
  assert_int_equal(ps_vault_put("a", "one"), PENSTOCK_OK);
  assert_int_equal(ps_vault_put("b", "two"), PENSTOCK_OK);
  assert_int_equal(ps_vault_put("a", "three"), PENSTOCK_OK);
  assert_int_equal(ps_vault_get("a", text, sizeof(text)), PENSTOCK_OK);
  assert_string_equal(text, "three");
  assert_int_equal(ps_vault_get("a", text, 5), PENSTOCK_E_LIMIT);
  ps_vault_forget("a");
  assert_int_equal(ps_vault_get("a", text, sizeof(text)), PENSTOCK_E_NOT_FOUND);
  assert_int_equal(ps_vault_get("b", text, sizeof(text)), PENSTOCK_OK);
  ps_vault_forget(NULL);
  assert_int_equal(ps_vault_get("b", text, sizeof(text)), PENSTOCK_E_NOT_FOUND);
}

/* How many mappings of ours the kernel shows with this flag ("dd" = not dumped, "lo" = locked). */
static int mappings_with(const char *flag) {
  char line[512];
  char wanted[8];
  int count = 0;
  FILE *file = fopen("/proc/self/smaps", "re");
  assert_non_null(file);
  (void)snprintf(wanted, sizeof(wanted), " %s ", flag);
  while (fgets(line, sizeof(line), file)) {
    count += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, wanted) != NULL;
  }
  (void)fclose(file);
  return count;
}

static void test_vault_is_locked_and_not_dumped(void **state) {
  (void)state;
  int undumped = mappings_with("dd");
  int locked = mappings_with("lo");
  assert_int_equal(ps_vault_put("a", "one"), PENSTOCK_OK);
  assert_int_equal(mappings_with("dd"), undumped + 1);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  (void)locked; /* they make mlock() do nothing */
#else
  assert_int_equal(mappings_with("lo"), locked + 1);
#endif
  ps_vault_forget(NULL);
  assert_int_equal(mappings_with("dd"), undumped);
}

/* --- counters ----------------------------------------------------------------------------------- */

static void *count_up(void *context) {
  for (int i = 0; i < 10000; i++) {
    ps_metrics_add("test_shared", 1);
  }
  return context;
}

static void test_metrics_of_threads_add_up(void **state) {
  (void)state;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(ps_metrics_get("test_shared"), 40000);
  ps_metrics_add("test_shared", -40001);
  assert_int_equal(ps_metrics_get("test_shared"), -1);
  assert_int_equal(ps_metrics_get("test_unknown"), 0);
}

static void see(void *context, const char *name, int64_t value) {
  int64_t *found = context;
  if (strcmp(name, "test_seen") == 0) {
    *found += value;
  }
}

static void test_metrics_are_bounded(void **state) {
  (void)state;
  char name[PS_METRICS_NAME_MAX + 2];
  int64_t found = 0;
  ps_metrics_add("test_seen", 5);
  int64_t dropped = ps_metrics_get("metrics_dropped");
  memset(name, 'a', sizeof(name));
  name[sizeof(name) - 1] = '\0';
  ps_metrics_add(name, 1);
  ps_metrics_add("", 1);
  ps_metrics_add(NULL, 1);
  ps_metrics_add("With Space", 1);
  ps_metrics_add("metrics_dropped", 100);
  assert_int_equal(ps_metrics_get("metrics_dropped"), dropped + 5);
  for (int i = 0; i < PS_METRICS_MAX + 10; i++) {
    (void)snprintf(name, sizeof(name), "test_made_up_%d", i);
    ps_metrics_add(name, 1);
  }
  assert_true(ps_metrics_get("metrics_dropped") >= dropped + 15);
  assert_int_equal(ps_metrics_get("test_made_up_0"), 1);
  ps_metrics_each(see, &found);
  assert_int_equal(found, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_environment),
      TEST(test_file),
      TEST(test_file_in_the_home_folder),
      TEST(test_file_that_others_can_read),
      TEST(test_file_that_is_no_secret),
      TEST(test_command),
      TEST(test_command_that_fails),
      TEST(test_what_is_no_reference_is_not_repeated),
      TEST(test_prompt_with_nobody_to_ask),
      TEST(test_prompt_asks_the_user),
      TEST(test_vault),
      TEST(test_vault_is_locked_and_not_dumped),
      TEST(test_metrics_of_threads_add_up),
      TEST(test_metrics_are_bounded),
  };
  (void)signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
