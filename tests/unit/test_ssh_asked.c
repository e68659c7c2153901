/* SPDX-License-Identifier: MIT */
/* How the system's ssh is asked for settings: by a program of that name that says what it was asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/config/ssh_config.h"

static char folder[] = "/tmp/pst-asked-XXXXXX";

/* Answers about a host only when the other questions have been asked, too: whoever waits for one answer before it asks
 * for the next gets none. */
static const char program[] = "#!/bin/sh\n"
                              "cd \"${0%/*}\" || exit 9\n"
                              "echo x >>asked\n"
                              "case \"$*\" in\n"
                              "-V) : >version; echo 'OpenSSH_9.9p9 Test, OpenSSL 3' >&2; exit 0 ;;\n"
                              "*penstock.invalid) : >defaults ;;\n"
                              "esac\n"
                              "tries=0\n"
                              "until [ -e version ] && [ -e defaults ]; do\n"
                              "  tries=$((tries + 1)); [ $tries -lt 1000 ] || exit 8; sleep 0.01\n"
                              "done\n"
                              "echo 'port 22'; echo 'user me'\n"
                              "case \"$*\" in *penstock.invalid) ;; *) echo 'compression yes' ;; esac\n";

static void path_of(const char *name, char path[64]) {
  (void)snprintf(path, 64, "%s/%s", folder, name);
}

static int start(void **state) {
  char path[64];
  char search[4200];
  (void)state;
  if (!mkdtemp(folder)) {
    return -1;
  }
  path_of("ssh", path);
  FILE *file = fopen(path, "w");
  if (!file || fputs(program, file) < 0 || fclose(file) != 0 || chmod(path, 0700) != 0) {
    return -1;
  }
  (void)snprintf(search, sizeof(search), "%s:%s", folder, getenv("PATH"));
  return setenv("PATH", search, 1);
}

static int stop(void **state) {
  static const char *const names[] = {"ssh", "asked", "version", "defaults"};
  char path[64];
  (void)state;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    path_of(names[i], path);
    (void)unlink(path);
  }
  return rmdir(folder);
}

static long times_asked(void) {
  char path[64];
  struct stat status;
  path_of("asked", path);
  return stat(path, &status) == 0 ? (long)status.st_size / 2 : 0;
}

static void load(void) {
  char name[] = "gpu01";
  const ssh_request request = {.host = name};
  ssh_config config;
  penstock_error error = {.struct_size = sizeof(error)};
  if (ssh_config_load(&config, &request, SSH_CONFIG_SYSTEM, 30000, &error)) {
    fail_msg("%s", error.what);
  }
  assert_string_equal(config.source, "ssh -G (OpenSSH_9.9p9)");
  size_t at = 0;
  assert_int_equal(ssh_config_next(&config, "port", &at)->is_set, 0);
  at = 0;
  assert_int_equal(ssh_config_next(&config, "compression", &at)->is_set, 1);
  ssh_config_unload(&config);
}

static void test_all_questions_are_asked_at_once_and_only_one_again(void **state) {
  (void)state;
  load();
  assert_int_equal(times_asked(), 3);
  load();
  assert_int_equal(times_asked(), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_questions_are_asked_at_once_and_only_one_again)};
  return cmocka_run_group_tests(tests, start, stop);
}
