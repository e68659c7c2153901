/* SPDX-License-Identifier: MIT */
/**
 * @file prompt_rig.h
 * Asking the user. Each case asks in a process of its own, whose controlling terminal is a pseudo-terminal that the
 * test holds the other end of: it reads what is shown, looks at the modes, and types.
 */
#ifndef PROMPT_RIG_H
#define PROMPT_RIG_H

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

#define UNUSED __attribute__((unused))

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

UNUSED static int setup(void **state) {
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

UNUSED static int teardown(void **state) {
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

UNUSED static void on_cancel_signal(int number) {
  (void)number;
  ps_prompt_cancel(); // NOLINT(bugprone-signal-handler): made for it
}

UNUSED static _Noreturn void be_asker(const char *terminal, int reports, void (*scenario)(report *to)) {
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

UNUSED static void start(void (*scenario)(report *to), int with_terminal) {
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
UNUSED static void expect(const char *text) {
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

UNUSED static void type(const char *text) {
  assert_int_equal(write(user.master, text, strlen(text)), (ssize_t)strlen(text));
}

UNUSED static int echoes(void) {
  struct termios now;
  assert_int_equal(tcgetattr(user.master, &now), 0);
  return (now.c_lflag & ECHO) != 0;
}

UNUSED static report finish(void) {
  report result;
  struct pollfd list = {.fd = user.reports, .events = POLLIN};
  assert_int_equal(poll(&list, 1, PATIENCE_MS), 1);
  assert_int_equal(read(user.reports, &result, sizeof(result)), sizeof(result));
  return result;
}

UNUSED static void assert_modes_restored(void) {
  struct termios now;
  assert_int_equal(tcgetattr(user.master, &now), 0);
  assert_int_equal(now.c_lflag, user.before.c_lflag);
  assert_int_equal(now.c_iflag, user.before.c_iflag);
  assert_memory_equal(now.c_cc, user.before.c_cc, sizeof(now.c_cc));
}

UNUSED static void ask_secret(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, "Password for gpu01:", to->answer, sizeof(to->answer));
}

UNUSED static void ask_confirm(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_CONFIRM, NULL, "Go on?", NULL, 0);
}

UNUSED static void ask_twice(report *to) {
  to->result = ps_prompt(PENSTOCK_PROMPT_SECRET, NULL, "Password:", to->answer, sizeof(to->answer));
  to->second = ps_prompt(PENSTOCK_PROMPT_TEXT, NULL, "never shown", to->other, sizeof(to->other));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
