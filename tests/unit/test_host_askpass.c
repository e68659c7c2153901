/* SPDX-License-Identifier: MIT */
/* Asking the user by a program (SSH_ASKPASS), and answers that are kept. */
#include "prompt_rig.h"

/* --- the program that asks ---------------------------------------------------------------------- */

static void askpass(const char *text, const char *require, int desktop) {
  static char path[128];
  (void)snprintf(path, sizeof(path), "%s/askpass", folder);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  (void)fprintf(file, "#!/bin/sh\n%s\n", text);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0700), 0);
  assert_int_equal(setenv("SSH_ASKPASS", path, 1), 0);
  if (require) {
    assert_int_equal(setenv("SSH_ASKPASS_REQUIRE", require, 1), 0);
  }
  if (desktop) {
    assert_int_equal(setenv("DISPLAY", ":99", 1), 0);
  }
}

static void test_askpass_without_a_terminal(void **state) {
  (void)state;
  askpass("echo \"$1 answered\"; echo more", NULL, 1);
  start(ask_secret, 0);
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "Password for gpu01: answered");
}

static void test_askpass_needs_a_desktop(void **state) {
  (void)state;
  askpass("echo wrong", NULL, 0);
  start(ask_secret, 0);
  assert_int_equal(finish().result, PENSTOCK_E_UNSUPPORTED);
}

static void test_askpass_forced_although_there_is_a_terminal(void **state) {
  (void)state;
  askpass("echo forced", "force", 0);
  start(ask_secret, 1);
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "forced");
}

static void test_askpass_preferred(void **state) {
  (void)state;
  askpass("echo preferred", "prefer", 1);
  start(ask_secret, 1);
  assert_string_equal(finish().answer, "preferred");
}

static void test_askpass_never(void **state) {
  (void)state;
  askpass("echo wrong", "never", 1);
  start(ask_secret, 0);
  assert_int_equal(finish().result, PENSTOCK_E_UNSUPPORTED);
}

static void test_terminal_before_askpass(void **state) {
  (void)state;
  askpass("echo wrong", NULL, 1);
  start(ask_secret, 1);
  expect("gpu01: ");
  type("typed\n");
  assert_string_equal(finish().answer, "typed");
}

static void test_askpass_closed_by_the_user(void **state) {
  (void)state;
  askpass("exit 1", NULL, 1);
  start(ask_secret, 0);
  assert_int_equal(finish().result, PENSTOCK_E_CANCELLED);
}

static void test_askpass_confirms(void **state) {
  (void)state;
  askpass("test \"$SSH_ASKPASS_PROMPT\" = confirm", NULL, 1);
  start(ask_confirm, 0);
  assert_int_equal(finish().result, PENSTOCK_OK);
}

static void test_askpass_that_cannot_run(void **state) {
  (void)state;
  assert_int_equal(setenv("SSH_ASKPASS", "/nonexistent/askpass", 1), 0);
  assert_int_equal(setenv("SSH_ASKPASS_REQUIRE", "force", 1), 0);
  start(ask_secret, 0);
  assert_int_equal(finish().result, PENSTOCK_E_FAILED);
}

static void test_askpass_is_called_off(void **state) {
  (void)state;
  char fifo[128];
  char script[256];
  (void)snprintf(fifo, sizeof(fifo), "%s/asking", folder);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  (void)snprintf(script, sizeof(script), "trap '' TERM; echo >%s; sleep 100; echo late", fifo);
  askpass(script, "force", 0);
  start(ask_twice, 0);
  int fd = open(fifo, O_RDONLY | O_CLOEXEC); /* until it asks */
  assert_true(fd >= 0);
  (void)close(fd);
  assert_int_equal(kill(user.pid, SIGUSR1), 0);
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_CANCELLED);
  assert_int_equal(got.second, PENSTOCK_E_CANCELLED);
}

/* --- kept answers ------------------------------------------------------------------------------- */

static void ask_kept(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, "gpu01", "First:", to->answer, sizeof(to->answer));
  to->second = ps_prompt(PENSTOCK_PROMPT_SECRET, "gpu01", "Second:", to->other, sizeof(to->other));
}

static void test_secret_is_asked_once_for_its_key(void **state) {
  (void)state;
  start(ask_kept, 1);
  expect("First: ");
  type("kept\n");
  report got = finish();
  assert_int_equal(got.second, PENSTOCK_OK);
  assert_string_equal(got.other, "kept");
  assert_null(strstr(user.shown, "Second"));
}

static void ask_forgotten(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, "gpu01", "First:", to->answer, sizeof(to->answer));
  ps_prompt_forget("gpu01");
  to->second = ps_prompt(PENSTOCK_PROMPT_SECRET, "gpu01", "Second:", to->other, sizeof(to->other));
}

static void test_forgotten_secret_is_asked_again(void **state) {
  (void)state;
  start(ask_forgotten, 1);
  expect("First: ");
  type("wrong\n");
  expect("Second: ");
  type("right\n");
  assert_string_equal(finish().other, "right");
}

static void ask_by_two_profiles(report *to) {
  ps_host one;
  ps_host two;
  ps_host_init(&one, NULL, "one");
  ps_host_init(&two, NULL, "two");
  const penstock_host *h = &one.table;
  to->result = h->prompt(h, PENSTOCK_PROMPT_SECRET, "password", "Of one:", to->answer, sizeof(to->answer));
  h = &two.table;
  h->prompt_forget(h, "password");
  to->second = h->prompt(h, PENSTOCK_PROMPT_SECRET, "password", "Of two:", to->other, sizeof(to->other));
  h = &one.table;
  to->second += h->prompt(h, PENSTOCK_PROMPT_SECRET, "password", "Of one again:", to->answer, sizeof(to->answer));
}

static void test_profiles_do_not_share_answers(void **state) {
  (void)state;
  start(ask_by_two_profiles, 1);
  expect("Of one: ");
  type("1\n");
  expect("Of two: ");
  type("2\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_int_equal(got.second, PENSTOCK_OK);
  assert_string_equal(got.answer, "1");
  assert_string_equal(got.other, "2");
  assert_null(strstr(user.shown, "again"));
}

typedef struct lane {
  int32_t result;
  char answer[64];
} lane;

static void *ask_in_a_lane(void *context) {
  lane *self = context;
  self->result = ps_prompt(PENSTOCK_PROMPT_SECRET, "lanes", "Lane:", self->answer, sizeof(self->answer));
  return NULL;
}

static void ask_by_lanes(report *to) {
  pthread_t threads[4];
  lane lanes[4];
  memset(lanes, 0, sizeof(lanes));
  for (int i = 0; i < 4; i++) {
    (void)pthread_create(&threads[i], NULL, ask_in_a_lane, &lanes[i]);
  }
  for (int i = 0; i < 4; i++) {
    (void)pthread_join(threads[i], NULL);
    to->second += lanes[i].result == PENSTOCK_OK && strcmp(lanes[i].answer, "all") == 0;
  }
}

static void test_lanes_ask_one_question(void **state) {
  (void)state;
  start(ask_by_lanes, 1);
  expect("Lane: ");
  type("all\n");
  assert_int_equal(finish().second, 4);
  assert_null(strstr(strstr(user.shown, "Lane: ") + 1, "Lane: "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_askpass_without_a_terminal),
      TEST(test_askpass_needs_a_desktop),
      TEST(test_askpass_forced_although_there_is_a_terminal),
      TEST(test_askpass_preferred),
      TEST(test_askpass_never),
      TEST(test_terminal_before_askpass),
      TEST(test_askpass_closed_by_the_user),
      TEST(test_askpass_confirms),
      TEST(test_askpass_that_cannot_run),
      TEST(test_askpass_is_called_off),
      TEST(test_secret_is_asked_once_for_its_key),
      TEST(test_forgotten_secret_is_asked_again),
      TEST(test_profiles_do_not_share_answers),
      TEST(test_lanes_ask_one_question),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
