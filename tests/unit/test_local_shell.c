/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/local_shell.h"

static local_shell *make(local_shell_kind kind) {
  const char *const words[] = {"sh", NULL};
  local_shell *shell = local_shell_make(kind, words);
  assert_non_null(shell);
  return shell;
}

static void check(local_shell_kind kind, const char *path, const char *expected) {
  local_shell *shell = make(kind);
  char *got = local_shell_path(shell, path);
  assert_string_equal(got, expected);
  free(got);
  local_shell_free(shell);
}

static void test_paths_of_a_windows_shell(void **state) {
  (void)state;
  check(LOCAL_SHELL_MSYS, "C:\\lab files\\app.yml", "C:/lab files/app.yml");
  check(LOCAL_SHELL_MSYS, "d:/lab/app.yml", "d:/lab/app.yml");
  check(LOCAL_SHELL_MSYS, "\\\\server\\share\\x", "//server/share/x");
  check(LOCAL_SHELL_MSYS, "~/app.yml", "~/app.yml");
  check(LOCAL_SHELL_MSYS, "lab\\app.yml", "lab/app.yml");
}

static void test_paths_in_a_distribution(void **state) {
  (void)state;
  check(LOCAL_SHELL_WSL, "C:\\lab files\\app.yml", "/mnt/c/lab files/app.yml");
  check(LOCAL_SHELL_WSL, "d:/lab/app.yml", "/mnt/d/lab/app.yml");
  check(LOCAL_SHELL_WSL, "C:\\", "/mnt/c/");
  check(LOCAL_SHELL_WSL, "C:app.yml", "C:app.yml"); /* counts from a folder that nobody here knows */
  check(LOCAL_SHELL_WSL, "\\\\wsl$\\Debian\\home\\me\\app.yml", "/home/me/app.yml");
  check(LOCAL_SHELL_WSL, "\\\\WSL.localhost\\Ubuntu-22.04\\srv", "/srv");
  check(LOCAL_SHELL_WSL, "\\\\wsl$\\Debian", "/");
  check(LOCAL_SHELL_WSL, "\\\\wsl$\\\\home", "//wsl$//home");
  check(LOCAL_SHELL_WSL, "\\\\server\\share\\x", "//server/share/x");
  check(LOCAL_SHELL_WSL, "/home/me/app.yml", "/home/me/app.yml");
  check(LOCAL_SHELL_WSL, "~/app.yml", "~/app.yml");
}

static void test_paths_of_this_system_stay(void **state) {
  (void)state;
  check(LOCAL_SHELL_NATIVE, "C:\\odd\\name", "C:\\odd\\name");
}

static void test_what_names_wsl(void **state) {
  const char *distribution = "";
  (void)state;
  assert_true(local_shell_is_wsl("wsl", &distribution));
  assert_null(distribution);
  assert_true(local_shell_is_wsl("WSL:Ubuntu-22.04", &distribution));
  assert_string_equal(distribution, "Ubuntu-22.04");
  assert_true(local_shell_is_wsl("wsl:", &distribution));
  assert_null(distribution);
  assert_false(local_shell_is_wsl("wsl.exe", &distribution));
  assert_false(local_shell_is_wsl("C:\\wsl", &distribution));
  assert_false(local_shell_is_wsl("ws", &distribution));
  assert_false(local_shell_is_wsl("", &distribution));
}

static void test_names_and_environment(void **state) {
  const char *const words[] = {"C:\\wsl.exe", "-d", "Debian", "--exec", "/bin/sh", NULL};
  const char *const many[] = {"1", "2", "3", "4", "5", "6", "7", NULL};
  (void)state;
  local_shell *shell = local_shell_make(LOCAL_SHELL_WSL, words);
  assert_string_equal(shell->name, "C:\\wsl.exe -d Debian --exec /bin/sh");
  assert_int_equal(local_shell_add(shell, "A", "1"), 0);
  assert_int_equal(local_shell_add(shell, "B", ""), 0);
  assert_string_equal(shell->env[0], "A=1");
  assert_string_equal(shell->env[1], "B=");
  assert_null(shell->env[2]);
  for (int i = 2; i < LOCAL_SHELL_ENV_MAX; i++) {
    assert_int_equal(local_shell_add(shell, "C", "3"), 0);
  }
  assert_int_equal(local_shell_add(shell, "D", "4"), -1);
  local_shell_free(shell);
  assert_null(local_shell_make(LOCAL_SHELL_WSL, many));
  local_shell_free(NULL);
}

#ifndef _WIN32
static void test_the_shell_of_this_machine(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  local_shell *shell = local_shell_find(NULL, NULL, &error);
  assert_string_equal(shell->words[0], "/bin/sh");
  assert_int_equal(shell->kind, LOCAL_SHELL_NATIVE);
  local_shell_free(shell);
  shell = local_shell_find("/bin/bash", NULL, &error);
  assert_string_equal(shell->words[0], "/bin/bash");
  local_shell_free(shell);
  assert_null(local_shell_find("/no/such/shell", "lab.ini:7", &error));
  assert_string_equal(error.what, "lab.ini:7: shell = /no/such/shell: there is no such program");
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_null(local_shell_find("bash", NULL, &error));
  assert_string_equal(error.what, "shell = bash: it is no absolute path");
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths_of_a_windows_shell),  cmocka_unit_test(test_paths_in_a_distribution),
      cmocka_unit_test(test_paths_of_this_system_stay), cmocka_unit_test(test_what_names_wsl),
      cmocka_unit_test(test_names_and_environment),
#ifndef _WIN32
      cmocka_unit_test(test_the_shell_of_this_machine),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
