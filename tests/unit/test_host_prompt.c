/* SPDX-License-Identifier: MIT */
/*
 * Asking the user. Each case asks in a process of its own, whose controlling terminal is a pseudo-terminal that
 * the test holds the other end of: it reads what is shown, looks at the modes, and types.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/prompt.h"

#define PATIENCE_MS 10000

/* What the asking process says at its end. */
typedef struct report {
  int32_t result;
  int32_t second; /* of a second question, where there is one */
  char answer[64];
  char other[64];
} report;

static struct {
  pid_t pid;
  int master; /* the terminal's other end */
  int slave;  /* held, as the last close would be a hang-up */
  int reports;
  char shown[8192];
  size_t shown_size;
  struct termios before;
} user;

static char folder[64];

static int setup(void **state) {
  (void)state;
  memset(&user, 0, sizeof(user));
  (void)snprintf(folder, sizeof(folder), "/tmp/penstock-prompt-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)unsetenv("DISPLAY");
  (void)unsetenv("WAYLAND_DISPLAY");
  (void)unsetenv("SSH_ASKPASS");
  (void)unsetenv("SSH_ASKPASS_REQUIRE");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  if (user.pid > 0) {
    (void)kill(user.pid, SIGKILL);
    (void)waitpid(user.pid, NULL, 0);
  }
  (void)close(user.master);
  (void)close(user.slave);
  (void)close(user.reports);
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

static void on_cancel_signal(int number) {
  (void)number;
  ps_prompt_cancel(); // NOLINT(bugprone-signal-handler): made for it
}

static _Noreturn void be_asker(const char *terminal, int reports, void (*scenario)(report *to)) {
  report result = {0};
  (void)setsid();
  if (terminal) {
    int fd = open(terminal, O_RDWR); /* the first one of a session becomes its terminal */
    (void)ioctl(fd, TIOCSCTTY, 0);
    (void)close(fd);
  }
  (void)signal(SIGINT, on_cancel_signal); /* as the gateway does */
  (void)signal(SIGUSR1, on_cancel_signal);
  (void)signal(SIGPIPE, SIG_IGN);
  scenario(&result);
  (void)!write(reports, &result, sizeof(result));
  for (;;) {
    (void)pause(); /* the end of a session resets its terminal, which is still to be looked at */
  }
}

static void start(void (*scenario)(report *to), int with_terminal) {
  int pipe_fds[2];
  char name[64];
  assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
  user.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(user.master >= 0);
  assert_int_equal(grantpt(user.master), 0);
  assert_int_equal(unlockpt(user.master), 0);
  assert_int_equal(ptsname_r(user.master, name, sizeof(name)), 0);
  user.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(user.slave >= 0);
  assert_int_equal(tcgetattr(user.master, &user.before), 0);
  user.pid = fork();
  if (user.pid == 0) {
    (void)close(user.master);
    be_asker(with_terminal ? name : NULL, pipe_fds[1], scenario);
  }
  assert_true(user.pid > 0);
  (void)close(pipe_fds[1]);
  user.reports = pipe_fds[0];
}

/* Takes up what is shown until `text` is there. */
static void expect(const char *text) {
  while (!strstr(user.shown, text)) {
    struct pollfd list = {.fd = user.master, .events = POLLIN};
    if (poll(&list, 1, PATIENCE_MS) != 1) {
      print_error("'%s' was not shown, but: %s\n", text, user.shown);
      fail();
    }
    ssize_t count = read(user.master, user.shown + user.shown_size, sizeof(user.shown) - 1 - user.shown_size);
    assert_true(count > 0);
    user.shown_size += (size_t)count;
  }
}

static void type(const char *text) {
  assert_int_equal(write(user.master, text, strlen(text)), (ssize_t)strlen(text));
}

static int echoes(void) {
  struct termios now;
  assert_int_equal(tcgetattr(user.master, &now), 0);
  return (now.c_lflag & ECHO) != 0;
}

static report finish(void) {
  report result;
  struct pollfd list = {.fd = user.reports, .events = POLLIN};
  assert_int_equal(poll(&list, 1, PATIENCE_MS), 1);
  assert_int_equal(read(user.reports, &result, sizeof(result)), sizeof(result));
  return result;
}

static void assert_modes_restored(void) {
  struct termios now;
  assert_int_equal(tcgetattr(user.master, &now), 0);
  assert_int_equal(now.c_lflag, user.before.c_lflag);
  assert_int_equal(now.c_iflag, user.before.c_iflag);
  assert_memory_equal(now.c_cc, user.before.c_cc, sizeof(now.c_cc));
}

/* --- on the terminal ---------------------------------------------------------------------------- */

static void ask_secret(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, "Password for gpu01:", to->answer, sizeof(to->answer));
}

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

static void ask_confirm(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_CONFIRM, NULL, "Go on?", NULL, 0);
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

static void ask_twice(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, "Password:", to->answer, sizeof(to->answer));
  to->second = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "never shown", to->other, sizeof(to->other));
}

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

/* --- the contract ------------------------------------------------------------------------------- */

static void test_nonsense_is_refused(void **state) {
  (void)state;
  char answer[8];
  assert_int_equal(ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, NULL, answer, sizeof(answer)), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "?", NULL, 0), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(0, NULL, "?", answer, sizeof(answer)), PENSTOCK_E_INVALID);
  assert_int_equal(ps_prompt(4, NULL, "?", answer, sizeof(answer)), PENSTOCK_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
      TEST(test_nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
