/* SPDX-License-Identifier: MIT */
/* Asking the user at the terminal; when the question is called off; and when nobody can be asked. */
#include "prompt_rig.h"

/* --- on the terminal ---------------------------------------------------------------------------- */

static void test_secret_is_not_echoed(void **state) {
  (void)state;
  start(ask_secret, 1);
  expect("Password for gpu01: ");
  assert_false(echoes());
  type("s3cret w\xc3\xb6rd\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "s3cret w\xc3\xb6rd");
  expect("\n");
  assert_null(strstr(user.shown, "s3cret"));
  assert_modes_restored();
}

static void ask_text(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "User: ", to->answer, sizeof(to->answer));
}

static void test_text_is_echoed(void **state) {
  (void)state;
  start(ask_text, 1);
  expect("User: ");
  assert_true(echoes());
  type("alice\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "alice");
  expect("User: alice");
  assert_modes_restored();
}

static void test_confirm_yes_after_nonsense(void **state) {
  (void)state;
  start(ask_confirm, 1);
  expect("Go on? (yes/no) ");
  type("perhaps\n");
  expect("Please type 'yes' or 'no': (yes/no) ");
  type("this is much longer than any yes or no\n");
  type("Yes\n");
  assert_int_equal(finish().result, PENSTOCK_OK);
  assert_modes_restored();
}

static void test_confirm_no(void **state) {
  (void)state;
  start(ask_confirm, 1);
  expect("(yes/no) ");
  type("no\n");
  assert_int_equal(finish().result, PENSTOCK_E_CANCELLED);
}

static void test_end_of_input_is_no_answer(void **state) {
  (void)state;
  start(ask_secret, 1);
  expect("gpu01: ");
  type("\x04");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_CANCELLED);
  assert_string_equal(got.answer, "");
  assert_modes_restored();
}

static void ask_short_then_text(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, "PIN:", to->answer, 5);
  to->second = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "Next:", to->other, sizeof(to->other));
}

static void test_too_long_answers_nothing_else(void **state) {
  (void)state;
  start(ask_short_then_text, 1);
  expect("PIN: ");
  type("12345678\n");
  expect("Next: ");
  type("b\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_LIMIT);
  assert_string_equal(got.answer, "");
  assert_int_equal(got.second, PENSTOCK_OK);
  assert_string_equal(got.other, "b");
}

static void test_answer_that_just_fits(void **state) {
  (void)state;
  start(ask_short_then_text, 1);
  expect("PIN: ");
  type("1234\n");
  expect("Next: ");
  type("\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "1234");
  assert_int_equal(got.second, PENSTOCK_OK);
  assert_string_equal(got.other, "");
}

static void ask_hostile(report *to) {
  /* A server's words: an escape sequence, a carriage return, the one-byte CSI; line breaks are its right. */
  to->result = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL,
                         "one\n\x1b[2Jtwo\rthree\x9b"
                         "4m:",
                         to->answer, sizeof(to->answer));
}

static void test_question_cannot_steer_the_terminal(void **state) {
  (void)state;
  start(ask_hostile, 1);
  expect("4m: ");
  type("\n");
  assert_int_equal(finish().result, PENSTOCK_OK);
  assert_non_null(strstr(user.shown, "one\r\n"));
  assert_null(strchr(user.shown, '\x1b'));
  assert_null(strchr(user.shown, '\x9b'));
  assert_null(strstr(user.shown, "two\r"));
  assert_non_null(strstr(user.shown, "two"));
}

/* --- called off --------------------------------------------------------------------------------- */

static void assert_both_cancelled(void) {
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_CANCELLED);
  assert_int_equal(got.second, PENSTOCK_E_CANCELLED);
  assert_string_equal(got.answer, "");
  assert_null(strstr(user.shown, "never shown"));
  assert_modes_restored();
}

static void test_cancel_ends_this_and_later_questions(void **state) {
  (void)state;
  start(ask_twice, 1);
  expect("Password: ");
  type("half an ans");
  assert_int_equal(kill(user.pid, SIGUSR1), 0);
  assert_both_cancelled();
}

static void test_ctrl_c_ends_the_question(void **state) {
  (void)state;
  start(ask_twice, 1);
  expect("Password: ");
  type("\x03");
  assert_both_cancelled();
}

static void test_ctrl_z_does_not_leave_a_mute_terminal(void **state) {
  (void)state;
  start(ask_secret, 1);
  expect("gpu01: ");
  type("a\x1a"
       "b\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_OK);
  assert_string_equal(got.answer, "a\x1a"
                                  "b");
  assert_modes_restored();
}

/* Ctrl-S stopped the output: the question cannot even be shown, and can still be called off. */
static void ask_stopped(report *to) {
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  (void)tcflow(fd, TCOOFF);
  (void)close(fd);
  ask_twice(to);
}

static void test_cancel_while_the_output_is_stopped(void **state) {
  (void)state;
  start(ask_stopped, 1);
  /* It waits for room to write, or for the answer; either way it must come back. */
  for (int i = 0; i < 1000 && echoes(); i++) {
    (void)poll(NULL, 0, 10); /* until it is about to ask: a change of modes wakes nobody */
  }
  assert_false(echoes());
  assert_int_equal(kill(user.pid, SIGUSR1), 0);
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_CANCELLED);
  assert_modes_restored();
}

/* --- nobody to ask ------------------------------------------------------------------------------ */

static void test_without_a_terminal(void **state) {
  (void)state;
  start(ask_secret, 0);
  assert_int_equal(finish().result, PENSTOCK_E_UNSUPPORTED);
}

static void ask_forbidden(report *to) {
  ps_prompt_allow(0);
  ask_secret(to);
  ps_prompt_allow(1);
  to->second = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "Allowed:", to->other, sizeof(to->other));
}

static void test_when_it_is_not_allowed(void **state) {
  (void)state;
  start(ask_forbidden, 1);
  expect("Allowed: ");
  type("x\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_UNSUPPORTED);
  assert_int_equal(got.second, PENSTOCK_OK);
  assert_null(strstr(user.shown, "Password"));
}

/* Runs `body` in another process group of the session, and takes over what it reports. */
static void in_a_group(report *to, void (*body)(report *inner), int foreground) {
  int fds[2];
  (void)!pipe2(fds, O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    report inner = {0};
    body(&inner);
    (void)!write(fds[1], &inner, sizeof(inner));
    _exit(0);
  }
  (void)close(fds[1]);
  (void)setpgid(pid, pid);
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  (void)signal(SIGTTOU, SIG_IGN);
  if (foreground) {
    sigset_t wanted;
    int number = 0;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &wanted, NULL);
    (void)tcsetpgrp(tty, pid);
    (void)sigwait(&wanted, &number); /* then the group goes to the background */
    (void)tcsetpgrp(tty, getpgrp());
    (void)!write(tty, "BACK", 4);
  }
  if (read(fds[0], to, sizeof(*to)) != (ssize_t)sizeof(*to)) {
    to->result = 1;
  }
  (void)close(tty);
  (void)waitpid(pid, NULL, 0);
}

static void wait_for_own_group(void) {
  while (getpgrp() != getpid()) {
    (void)poll(NULL, 0, 1); /* until the parent has moved us */
  }
}

static void ask_in_background(report *to) {
  wait_for_own_group();
  ask_secret(to);
}

static void from_background(report *to) {
  in_a_group(to, ask_in_background, 0);
}

static void test_in_the_background_it_is_not_stopped(void **state) {
  (void)state;
  start(from_background, 1);
  assert_int_equal(finish().result, PENSTOCK_E_UNSUPPORTED);
  assert_modes_restored();
}

static void ask_in_foreground(report *to) {
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  wait_for_own_group();
  while (tcgetpgrp(tty) != getpgrp()) {
    (void)poll(NULL, 0, 1); /* until the parent has given us the terminal */
  }
  (void)close(tty);
  ask_secret(to);
}

static void from_foreground(report *to) {
  in_a_group(to, ask_in_foreground, 1);
}

static void test_sent_to_the_background_while_asking(void **state) {
  (void)state;
  start(from_foreground, 1);
  expect("gpu01: ");
  assert_int_equal(kill(user.pid, SIGUSR1), 0);
  expect("BACK");
  type("for the shell\n");
  report got = finish();
  assert_int_equal(got.result, PENSTOCK_E_UNSUPPORTED);
  assert_string_equal(got.answer, "");
}

/* --- the contract ------------------------------------------------------------------------------- */

static void test_nonsense_is_refused(void **state) {
  (void)state;
  char answer[8];
  assert_int_equal(ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, NULL, answer, sizeof(answer)), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "?", NULL, 0), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(0, NULL, "?", answer, sizeof(answer)), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(4, NULL, "?", answer, sizeof(answer)), PENSTOCK_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_secret_is_not_echoed),
      TEST(test_text_is_echoed),
      TEST(test_confirm_yes_after_nonsense),
      TEST(test_confirm_no),
      TEST(test_end_of_input_is_no_answer),
      TEST(test_too_long_answers_nothing_else),
      TEST(test_answer_that_just_fits),
      TEST(test_question_cannot_steer_the_terminal),
      TEST(test_cancel_ends_this_and_later_questions),
      TEST(test_ctrl_c_ends_the_question),
      TEST(test_ctrl_z_does_not_leave_a_mute_terminal),
      TEST(test_cancel_while_the_output_is_stopped),
      TEST(test_without_a_terminal),
      TEST(test_when_it_is_not_allowed),
      TEST(test_in_the_background_it_is_not_stopped),
      TEST(test_sent_to_the_background_while_asking),
      TEST(test_nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
