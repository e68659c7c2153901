/* SPDX-License-Identifier: MIT */
/* Proves that no value gets out of its quotes, by what real shells make of it, and that what scripts say comes back
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/process_scripts.h"
#include "common/script.h"

/* The shells of this machine that a far side may have as /bin/sh. */
static const char *const shells[][3] = {
    {"/bin/sh", "-s", NULL},
    {"/bin/bash", "-s", NULL},
    {"/bin/busybox", "sh", "-s"},
};

static const char *const hostile[] = {
    "",
    "plain",
    "a b'c$(touch penstock-was-here);",
    "'",
    "''''",
    "\\",
    "\\'",
    "`touch penstock-was-here`",
    "$HOME ${PATH} $((1+1)) ~ ~root",
    "\n",
    "first\nsecond\n\n",
    "'\n'; touch penstock-was-here; '",
    "-n",
    "--",
    "-rf /",
    "*",
    "a|b&c>d<e#f!g\"h",
    "\t\r\v\f\x1b[31m\x7f",
    "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x9A\x80",
    "not utf-8: \xFF\xFE\xC3",
    "%s %n %d",
    "name=value",
    "penstock-begin-00\npenstock-end-00 0",
};
#define HOSTILE_COUNT (sizeof(hostile) / sizeof(hostile[0]))

typedef struct {
  char *output; /* NUL-terminated */
  size_t size;
  int status;
} result;

/* Runs a shell on `text`; both pipes are served at once, so that no size of either can block. */
static result run_shell(const char *const argv[3], const char *text, size_t size) {
  int in[2];
  int out[2];
  result r = {NULL, 0, -1};
  assert_int_equal(pipe(in), 0);
  assert_int_equal(pipe(out), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    char *child_argv[4] = {(char *)(uintptr_t)argv[0], (char *)(uintptr_t)argv[1], (char *)(uintptr_t)argv[2], NULL};
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(in[1]);
    close(out[0]);
    close(out[1]);
    execv(argv[0], child_argv);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  assert_int_equal(fcntl(in[1], F_SETFL, O_NONBLOCK), 0);
  for (;;) {
    struct pollfd fds[2] = {{out[0], POLLIN, 0}, {in[1], POLLOUT, 0}};
    assert_true(poll(fds, in[1] >= 0 ? 2 : 1, 30000) > 0);
    if (in[1] >= 0 && fds[1].revents) {
      ssize_t count = size > 0 ? write(in[1], text, size) : 0;
      assert_true(count >= 0 || errno == EAGAIN);
      if (count > 0) {
        text += count;
        size -= (size_t)count;
      }
      if (size == 0) {
        close(in[1]);
        in[1] = -1;
      }
    }
    if (fds[0].revents) {
      r.output = realloc(r.output, r.size + 65536 + 1);
      assert_non_null(r.output);
      ssize_t count = read(out[0], r.output + r.size, 65536);
      assert_true(count >= 0);
      r.size += (size_t)count;
      r.output[r.size] = '\0';
      if (count == 0) {
        break;
      }
    }
  }
  close(out[0]);
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return r;
}

/* Runs a script in each shell as a carrier would; `check` gets what was between the marks. */
static void run_everywhere(const script *s, void (*check)(const char *output, size_t size, int32_t code)) {
  size_t size = 0;
  const char *text = script_text(s, &size);
  assert_non_null(text);
  for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
    if (access(shells[i][0], X_OK) != 0) {
      assert_int_not_equal(i, 0); /* every Unix has the first */
      continue;
    }
    char nonce[SCRIPT_NONCE_SIZE];
    assert_int_equal(script_nonce(nonce), 0);
    size_t wrapped_size = 0;
    char *wrapped = script_wrap(text, size, nonce, &wrapped_size);
    assert_non_null(wrapped);
    result r = run_shell(shells[i], wrapped, wrapped_size);
    free(wrapped);
    char *inner = NULL;
    size_t inner_size = 0;
    int32_t code = -1;
    assert_int_equal(script_unwrap(r.output, r.size, nonce, &inner, &inner_size, &code), 0);
    assert_int_equal(r.status, 0); /* the next script may come */
    assert_int_equal(inner[inner_size], '\0');
    check(inner, inner_size, code);
    free(r.output);
  }
  assert_int_not_equal(access("penstock-was-here", F_OK), 0);
}

static void check_hostile(const char *output, size_t size, int32_t code) {
  assert_int_equal(code, 0);
  for (size_t i = 0; i < HOSTILE_COUNT; i++) {
    size_t length = strlen(hostile[i]);
    assert_true(size >= length + 1);
    assert_int_equal(memcmp(output, hostile[i], length), 0);
    assert_int_equal(output[length], '|');
    output += length + 1;
    size -= length + 1;
  }
  assert_int_equal(size, 0);
}

static void test_set_keeps_every_value(void **state) {
  (void)state;
  script *s = script_create();
  for (size_t i = 0; i < HOSTILE_COUNT; i++) {
    char name[32];
    (void)snprintf(name, sizeof(name), "ps_value_%zu", i);
    script_set(s, name, hostile[i]);
  }
  for (size_t i = 0; i < HOSTILE_COUNT; i++) {
    char line[64];
    (void)snprintf(line, sizeof(line), "printf '%%s|' \"$ps_value_%zu\"\n", i);
    script_add(s, line);
  }
  run_everywhere(s, check_hostile);
  script_destroy(s);
}

static void test_list_keeps_every_item(void **state) {
  (void)state;
  script *s = script_create();
  script_list(s, "ps_items", hostile, HOSTILE_COUNT);
  script_add(s, "ps_items printf '%s|'\n");
  run_everywhere(s, check_hostile);
  script_destroy(s);
}

static void check_large(const char *output, size_t size, int32_t code) {
  assert_int_equal(code, 7);
  assert_int_equal(size, 102400);
  for (size_t i = 0; i < size; i++) {
    assert_int_equal(output[i], "'$\n"[i % 3]);
  }
}

/* One shell is greeted, more than once, and then runs two scripts. */
static void test_greeting_and_two_scripts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
    if (access(shells[i][0], X_OK) != 0) {
      continue;
    }
    char greeting[SCRIPT_GREETING_SIZE];
    char text[4096];
    size_t sizes[2];
    script_greeting("cafe", greeting);
    assert_int_equal(greeting[strlen(greeting) - 1], '\n');
    assert_false(script_has_greeted(greeting, strlen(greeting), "cafe")); /* nor if it is echoed */
    char *one = script_wrap("echo one; exit 3", 16, "0001", &sizes[0]);
    char *two = script_wrap("false; echo two", 15, "0002", &sizes[1]);
    assert_non_null(one);
    assert_non_null(two);
    /* As from an environment in which both are on. */
    int size = snprintf(text, sizeof(text), "set -eu\n%s%s%.*s%.*s", greeting, greeting, (int)sizes[0], one,
                        (int)sizes[1], two);
    free(one);
    free(two);
    result r = run_shell(shells[i], text, (size_t)size);
    assert_true(script_has_greeted(r.output, r.size, "cafe"));
    assert_false(script_has_greeted(r.output, r.size, "fade"));
    char *inner = NULL;
    size_t inner_size = 0;
    int32_t code = -1;
    assert_int_equal(script_unwrap(r.output, r.size, "0002", &inner, &inner_size, &code), 0);
    assert_string_equal(inner, "two\n");
    assert_int_equal(code, 0);
    assert_int_equal(script_unwrap(r.output, r.size, "0001", &inner, &inner_size, &code), 0);
    assert_string_equal(inner, "one\n");
    assert_int_equal(code, 3);
    free(r.output);
  }
}

static void test_large_value_and_exit_status(void **state) {
  (void)state;
  size_t size = 102400;
  char *value = malloc(size);
  assert_non_null(value);
  for (size_t i = 0; i < size; i++) {
    value[i] = "'$\n"[i % 3];
  }
  script *s = script_create();
  script_set_bytes(s, "ps_value", value, size);
  script_add(s, "printf %s \"$ps_value\"\nexit 7\n");
  run_everywhere(s, check_large);
  script_destroy(s);
  free(value);
}

static void check_empty(const char *output, size_t size, int32_t code) {
  (void)output;
  assert_int_equal(size, 0);
  assert_int_equal(code, 0);
}

static void test_script_reads_none_of_itself(void **state) {
  (void)state;
  script *s = script_create();
  script_add(s, "cat\n");
  run_everywhere(s, check_empty);
  script_destroy(s);
}

static void test_refusals(void **state) {
  (void)state;
  static const char *const names[] = {"", "1a", "a b", "a;b", "a'b", "a=b", "a\nb", "\xC3\xBC"};
  size_t size = 1;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    script *s = script_create();
    script_set(s, names[i], "value");
    assert_null(script_text(s, &size));
    assert_int_equal(script_result(s), PENSTOCK_E_INVALID);
    script_destroy(s);
  }
  script *s = script_create();
  script_set_bytes(s, "ps_value", "a\0b", 3);
  script_set(s, "ps_other", "good");
  assert_null(script_text(s, &size));
  assert_int_equal(size, 0);
  assert_int_equal(script_result(s), PENSTOCK_E_INVALID);
  script_destroy(s);
  assert_int_equal(script_result(NULL), PENSTOCK_E_NOMEM);
}

static void test_marks(void **state) {
  (void)state;
  char *inner = NULL;
  size_t size = 0;
  int32_t code = 0;
  char noisy[] =
      "Welcome!\npenstock-begin-beef\nmore\npenstock-begin-cafe\na=b\npenstock-end-beef 0\n\npenstock-end-cafe 3\nbye";
  assert_int_equal(script_unwrap(noisy, sizeof(noisy) - 1, "cafe", &inner, &size, &code), 0);
  assert_string_equal(inner, "a=b\npenstock-end-beef 0\n");
  assert_int_equal(code, 3);
  char silent[] = "\npenstock-begin-cafe\npenstock-end-cafe 0\n";
  assert_int_equal(script_unwrap(silent, sizeof(silent) - 1, "cafe", &inner, &size, &code), 0);
  assert_string_equal(inner, "");
  static const char *const broken[] = {
      "",
      "\npenstock-begin-cafe\na=b\n",                      /* cut off */
      "\npenstock-begin-cafe\na=b\npenstock-end-cafe 0",   /* cut in the status */
      "\npenstock-begin-cafe\na=b\npenstock-end-cafe x\n", /* no status */
      "\npenstock-end-cafe 0\n\npenstock-begin-cafe\n",    /* the wrong way round */
  };
  for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
    char text[128];
    (void)snprintf(text, sizeof(text), "%s", broken[i]);
    assert_int_equal(script_unwrap(text, strlen(text), "cafe", &inner, &size, &code), PENSTOCK_E_FAILED);
  }
}

static void test_nonces_differ(void **state) {
  (void)state;
  char a[SCRIPT_NONCE_SIZE];
  char b[SCRIPT_NONCE_SIZE];
  assert_int_equal(script_nonce(a), 0);
  assert_int_equal(script_nonce(b), 0);
  assert_int_equal(strlen(a), SCRIPT_NONCE_SIZE - 1);
  assert_string_not_equal(a, b);
}

static void assert_said(const char *output, const char *key, const char *wanted) {
  char *value = script_value(output, strlen(output), key);
  assert_non_null(value);
  assert_string_equal(value, wanted);
  free(value);
}

static void test_values(void **state) {
  (void)state;
  const char *output =
      "outcome=ready\npid=12\nlog=one\nlog=two=2\nlog=\nlogs=other\nbad=\x1b[31m\xFF\xC2\x80\xC3\xBC\t.\nlast=x";
  assert_said(output, "outcome", "ready");
  assert_said(output, "log", "one\ntwo=2\n");
  assert_said(output, "bad", "?[31m???\xC3\xBC\t.");
  assert_said(output, "last", "x");
  assert_null(script_value(output, strlen(output), "lo"));
  assert_null(script_value(output, strlen(output), "no"));
  assert_int_equal(script_value_number(output, strlen(output), "pid"), 12);
  assert_int_equal(script_value_number(output, strlen(output), "outcome"), -1);
  assert_int_equal(script_value_number("n=-3\n", 5, "n"), -1);
  assert_int_equal(script_value_number("n=9999999999999999999\n", 22, "n"), -1);
  assert_int_equal(script_value_number("n=\n", 3, "n"), -1);
}

static void check_said(const char *output, size_t size, int32_t code) {
  assert_int_equal(code, 0);
  char *value = script_value(output, size, "outcome");
  assert_string_equal(value, "hostile");
  free(value);
  value = script_value(output, size, "path");
  assert_string_equal(value, "first\nsecond\n\n=third '\\ $x");
  free(value);
}

static void test_what_ps_say_says_comes_back(void **state) {
  (void)state;
  script *s = script_create();
  script_set(s, "ps_path", "first\nsecond\n\n=third '\\ $x");
  script_add(s, script_lib);
  script_add(s, "ps_end hostile \"$ps_path\"\n");
  run_everywhere(s, check_said);
  script_destroy(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set_keeps_every_value),
      cmocka_unit_test(test_list_keeps_every_item),
      cmocka_unit_test(test_greeting_and_two_scripts),
      cmocka_unit_test(test_large_value_and_exit_status),
      cmocka_unit_test(test_script_reads_none_of_itself),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_marks),
      cmocka_unit_test(test_nonces_differ),
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_what_ps_say_says_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
