/* SPDX-License-Identifier: MIT */
/* Child processes: what they are given, and what is said when they cannot start. */
#include "spawn_rig.h"

/* --- what it is given --------------------------------------------------------------------------- */

static void test_output_error_and_status(void **state) {
  (void)state;
  ended end = {0};
  start(&end, "echo out; echo err >&2; exit 7");
  run_until(&end.calls);
  assert_int_equal(end.code, 7);
  assert_int_equal(end.signal, 0);
  assert_int_equal(end.timed_out, 0);
  assert_string_equal(end.output, "out\n");
  assert_string_equal(end.error_output, "err\n");
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(end.calls, 1);
  assert_int_equal(host.pending, 0);
}

static void test_input_is_given_and_then_ends(void **state) {
  (void)state;
  ended end = {0};
  size_t size = 300000; /* more than a pipe holds */
  char *bytes = malloc(size);
  memset(bytes, 'a', size);
  start_with((penstock_spawn){.input = bytes, .input_size = size}, &end, "wc -c");
  memset(bytes, 'b', size);
  free(bytes);
  run_until(&end.calls);
  assert_int_equal(end.code, 0);
  assert_int_equal(strtol(end.output, NULL, 10), 300000);
}

static void test_no_input_is_an_empty_one(void **state) {
  (void)state;
  ended end = {0};
  start(&end, "cat; echo done");
  run_until(&end.calls);
  assert_string_equal(end.output, "done\n");
}

static void test_input_that_nobody_reads(void **state) {
  (void)state;
  ended end = {0};
  char *bytes = calloc(1, 1000000);
  start_with((penstock_spawn){.input = bytes, .input_size = 1000000}, &end, "exec <&-; echo deaf");
  free(bytes);
  run_until(&end.calls);
  assert_int_equal(end.code, 0);
  assert_string_equal(end.output, "deaf\n");
}

static void test_output_beyond_the_limit_is_dropped(void **state) {
  (void)state;
  ended end = {0};
  start_with((penstock_spawn){.capture_limit = 100}, &end, "head -c 1000000 /dev/zero | tr '\\0' x; exit 3");
  run_until(&end.calls);
  assert_int_equal(end.code, 3);
  assert_int_equal(end.output_size, 100);
}

static void test_environment_is_added_to_ours(void **state) {
  (void)state;
  ended end = {0};
  const char *env[] = {"PENSTOCK_T_NEW=a b", "PENSTOCK_T_OLD=new", NULL};
  assert_int_equal(setenv("PENSTOCK_T_OLD", "old", 1), 0);
  assert_int_equal(setenv("PENSTOCK_T_OLDER", "kept", 1), 0);
  start_with((penstock_spawn){.env = env}, &end, "echo \"$PENSTOCK_T_NEW|$PENSTOCK_T_OLD|$PENSTOCK_T_OLDER\"");
  run_until(&end.calls);
  assert_string_equal(end.output, "a b|new|kept\n");
}

static void test_working_folder(void **state) {
  (void)state;
  ended end = {0};
  start_with((penstock_spawn){.cwd = folder}, &end, "pwd");
  run_until(&end.calls);
  assert_memory_equal(end.output, folder, strlen(folder));
}

static void put_program(const char *name, const char *text, mode_t mode, char path[128]) {
  (void)snprintf(path, 128, "%s/%s", folder, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
}

static void test_relative_program_starts_in_the_folder(void **state) {
  (void)state;
  char path[128];
  ended end = {0};
  const char *argv[] = {"./prog", NULL};
  put_program("prog", "#!/bin/sh\necho here\n", 0700, path);
  start_with((penstock_spawn){.argv = argv, .cwd = folder}, &end, NULL);
  run_until(&end.calls);
  assert_string_equal(end.output, "here\n");
}

static void test_program_is_looked_up_in_its_own_path(void **state) {
  (void)state;
  char path[128];
  char env_path[128];
  ended end = {0};
  const char *argv[] = {"penstock-test-prog", NULL};
  const char *env[] = {env_path, NULL};
  put_program("penstock-test-prog", "#!/bin/sh\necho found\n", 0700, path);
  (void)snprintf(env_path, sizeof(env_path), "PATH=/nonexistent:%s", folder);
  start_with((penstock_spawn){.argv = argv, .env = env}, &end, NULL);
  run_until(&end.calls);
  assert_string_equal(end.output, "found\n");
}

/* A session of its own, default signals, and no descriptor but three: also not one that a library left inheritable. */
static void test_child_inherits_nothing(void **state) {
  (void)state;
  ended end = {0};
  sigset_t block;
  sigset_t before;
  int leaked = dup(0);
  assert_true(leaked > 2);
  (void)sigemptyset(&block);
  (void)sigaddset(&block, SIGUSR1);
  assert_int_equal(pthread_sigmask(SIG_BLOCK, &block, &before), 0);
  start(&end, "i=0; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; "
              /* Without a fork: dash has everything blocked until a child of its own has begun. */
              "while read -r l; do case $l in Sig[BI]*) echo \"$l\";; esac; done </proc/$$/status; "
              "set -- $(cat /proc/$$/stat); test $1 = $5 && test $1 = $6 && echo leader");
  assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
  run_until(&end.calls);
  (void)close(leaked);
  const char *ignored = strstr(end.output, "SigIgn:\t");
  assert_memory_equal(end.output, "0\n1\n2\nSigBlk:\t0000000000000000\n", 31);
  assert_non_null(ignored);
  /* Beyond the 31 standard ones, glibc keeps two for itself. */
  assert_int_equal(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0);
  assert_non_null(strstr(end.output, "\nleader\n"));
}

/* --- why it does not start ---------------------------------------------------------------------- */

static void cannot_start(const char *program, const char *cwd, uint32_t leg, const char *words) {
  const char *argv[] = {program, NULL};
  ended end = {0};
  penstock_error error;
  penstock_process *process = (penstock_process *)&end;
  penstock_spawn spawn = {
      .struct_size = (uint32_t)sizeof(spawn), .argv = argv, .cwd = cwd, .done = on_done, .context = &end};
  assert_true(h->spawn(h, &spawn, &process, &error) < 0);
  assert_null(process);
  assert_int_equal(error.leg, leg);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_true(error.next[0] != '\0');
  if (!strstr(error.what, words)) {
    print_error("'%s' is not in: %s\n", words, error.what);
    fail();
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(end.calls, 0);
}

static void test_reasons_are_told_apart(void **state) {
  (void)state;
  char path[128];
  cannot_start("penstock-no-such-program", NULL, PENSTOCK_LEG_EXEC, "not found in PATH");
  cannot_start("/nonexistent/program", NULL, PENSTOCK_LEG_EXEC, "there is no program");
  put_program("plain", "text", 0600, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "not an executable");
  cannot_start(folder, NULL, PENSTOCK_LEG_EXEC, "not an executable");
  put_program("orphan", "#!/nonexistent/interpreter\n", 0700, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "interpreter");
  put_program("foreign",
              "\x7f"
              "ELFnot",
              0700, path);
  cannot_start(path, NULL, PENSTOCK_LEG_EXEC, "cannot start");
  cannot_start("true", "/nonexistent/folder", PENSTOCK_LEG_LOCAL, "/nonexistent/folder");
  cannot_start("true", path, PENSTOCK_LEG_LOCAL, "Not a directory");
  assert_int_equal(host.pending, 0);
}

static void test_contract_is_checked(void **state) {
  (void)state;
  const char *argv[] = {NULL};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn), .argv = argv, .done = on_done};
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_INVALID);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_INTERNAL);
  ps_host_close(&host, on_closed, NULL);
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_CANCELLED);
}

static void test_limit_of_descriptors(void **state) {
  (void)state;
  const char *argv[] = {"true", NULL};
  int hoard[512] = {0};
  size_t count = 0;
  ended end = {0};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = (uint32_t)sizeof(spawn), .argv = argv, .done = on_done, .context = &end};
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low = {.rlim_cur = 128, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  while (count < 512 && (hoard[count] = dup(0)) >= 0) {
    count++;
  }
  assert_in_range(count, 4, 511);
  (void)close(hoard[--count]);
  (void)close(hoard[--count]);
  (void)close(hoard[--count]);
  int32_t result = h->spawn(h, &spawn, &process, &error);
  while (count > 0) {
    (void)close(hoard[--count]);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(result, PENSTOCK_E_LIMIT);
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
}

static void test_shorter_struct(void **state) {
  (void)state;
  const char *argv[] = {"true", NULL};
  penstock_error error;
  penstock_process *process = NULL;
  penstock_spawn spawn = {.struct_size = offsetof(penstock_spawn, done), .argv = argv, .done = on_done};
  assert_int_equal(h->spawn(h, &spawn, &process, &error), PENSTOCK_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_output_error_and_status),
      TEST(test_input_is_given_and_then_ends),
      TEST(test_no_input_is_an_empty_one),
      TEST(test_input_that_nobody_reads),
      TEST(test_output_beyond_the_limit_is_dropped),
      TEST(test_environment_is_added_to_ours),
      TEST(test_working_folder),
      TEST(test_relative_program_starts_in_the_folder),
      TEST(test_program_is_looked_up_in_its_own_path),
      TEST(test_child_inherits_nothing),
      TEST(test_reasons_are_told_apart),
      TEST(test_contract_is_checked),
      TEST(test_limit_of_descriptors),
      TEST(test_shorter_struct),
  };
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway has it */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
