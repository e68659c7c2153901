/* SPDX-License-Identifier: MIT */
#include "cli/several.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "service/hangup.h"

/* What is sent to a whole group of processes (by a shell, by timeout(1)) has reached each by itself, and what comes a
 * second time hurries. So what the parent gets is kept back for this long, for those that have begun to end by then. */
#define GRACE_MS 300

#define SIGNALS 4
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

/* What a child says, a byte each. */
enum { KNOWN = 'k', STOPPING = 's' };

/* --- a child ------------------------------------------------------------------------------------ */

static int to_parent = -1; /* of a child */

static void say(char what) {
  if (to_parent >= 0) {
    ssize_t ignored = write(to_parent, &what, 1);
    (void)ignored;
  }
}

void ps_several_known(void) {
  say(KNOWN);
}

void ps_several_stopping(void) {
  say(STOPPING);
}

/* The parent has the other end, and writes nothing: that it ends means that the parent has. */
static void watch_parent(void *fd) {
  char byte;
  while (read((int)(intptr_t)fd, &byte, 1) < 0 && errno == EINTR) {
  }
  (void)kill(getpid(), SIGTERM);
}

/* --- the parent --------------------------------------------------------------------------------- */

typedef struct child {
  const char *name;
  pid_t pid; /* 0: not started, or it has ended */
  int words; /* what it says; -1: nothing any more */
  int is_known;
  int is_stopping;
} child;

typedef struct several {
  child children[PS_SEVERAL_MAX];
  size_t count;
  size_t started;
  int alive[2]; /* a pipe that ends with the parent */
  int is_ending;
  int number;         /* signal that is kept back, 0: none */
  uint64_t number_ns; /* until when */
  int exit_code;
  sigset_t signals;
  struct sigaction usual[SIGNALS];
} several;

static int heard = -1, told = -1; /* a pipe from the handler to the loop */

/* A signal, and whether the kernel has sent it: for a terminal, whose whole foreground has had it then. */
typedef struct notice {
  int number;
  int is_from_kernel;
} notice;

static void on_signal(int number, siginfo_t *info, void *unused) {
  const notice what = {number, info->si_pid == 0};
  int kept = errno;
  (void)unused;
  ssize_t ignored = write(told, &what, sizeof(what));
  (void)ignored;
  errno = kept;
}

static int open_pipe(int fds[2]) {
  return pipe2(fds, O_CLOEXEC);
}

static void listen_to_signals(several *self) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  (void)sigfillset(&action.sa_mask);
  (void)sigemptyset(&self->signals);
  for (size_t i = 0; i < SIGNALS; i++) {
    (void)sigaddset(&self->signals, signals[i]);
    (void)sigaction(signals[i], NULL, &self->usual[i]);
    if (signals[i] != SIGHUP || !ps_hangup_is_ignored()) { /* as nohup has it, for all of them */
      (void)sigaction(signals[i], &action, NULL);
    }
  }
}

/* It was forked with the signals blocked: what comes meanwhile is for it, as if it had been started by itself. */
static void become_child(several *self, int words) {
  uv_thread_t watcher;
  for (size_t i = 0; i < SIGNALS; i++) {
    (void)sigaction(signals[i], &self->usual[i], NULL);
  }
  (void)close(heard);
  (void)close(told);
  (void)close(self->alive[1]);
  for (size_t i = 0; i < self->started; i++) {
    if (self->children[i].words >= 0) {
      (void)close(self->children[i].words);
    }
  }
  to_parent = words;
  (void)uv_thread_create(&watcher, watch_parent, (void *)(intptr_t)self->alive[0]);
  (void)sigprocmask(SIG_UNBLOCK, &self->signals, NULL);
}

static void fail(several *self, const child *one, const char *what) {
  char safe[256];
  (void)fprintf(stderr, "penstock up: '%s': %s\n", ps_show_safe(safe, sizeof(safe), one->name), what);
  self->exit_code = self->exit_code ? self->exit_code : (int)PS_EXIT_FAILED;
}

/* Returns 1 in the new process. */
static int start_next(several *self) {
  int words[2];
  child *one = &self->children[self->started];
  one->words = -1;
  one->is_known = 1;
  (void)fflush(NULL);
  if (open_pipe(words) != 0) {
    fail(self, one, strerror(errno));
    self->started++;
    return 0;
  }
  (void)sigprocmask(SIG_BLOCK, &self->signals, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    (void)close(words[0]);
    become_child(self, words[1]);
    return 1;
  }
  (void)close(words[1]);
  if (pid < 0) {
    fail(self, one, strerror(errno));
    (void)close(words[0]);
  } else {
    *one = (child){.name = one->name, .pid = pid, .words = words[0]};
  }
  self->started++;
  (void)sigprocmask(SIG_UNBLOCK, &self->signals, NULL);
  return 0;
}

static void on_ended(several *self, child *one) {
  int status = 0;
  char text[128];
  while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR) {
  }
  (void)close(one->words);
  one->words = -1;
  one->pid = 0;
  one->is_known = 1;
  if (WIFSIGNALED(status)) {
    (void)snprintf(text, sizeof(text), "the gateway was ended by signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    fail(self, one, text);
  } else if (self->exit_code == PS_EXIT_OK) {
    self->exit_code = WEXITSTATUS(status);
  }
}

static void listen_to(several *self, child *one) {
  char words[16];
  ssize_t count = read(one->words, words, sizeof(words));
  if (count == 0) { /* all that it had is closed: it has ended, or is about to */
    on_ended(self, one);
  }
  for (ssize_t i = 0; i < count; i++) {
    one->is_known |= words[i] == KNOWN;
    one->is_stopping |= words[i] == STOPPING;
  }
}

static void pass_on(several *self, int number, int only_others) {
  for (size_t i = 0; i < self->started; i++) {
    const child *one = &self->children[i];
    if (one->pid > 0 && !(only_others && one->is_stopping)) {
      (void)kill(one->pid, number);
    }
  }
}

static void end_all(several *self, const notice *what) {
  int is_again = self->is_ending;
  self->is_ending = 1;
  if (what->is_from_kernel && what->number != SIGHUP) {
    return; /* a key at the terminal: they have had it. Its end is told to the first process of the session alone. */
  }
  if (is_again) {
    self->number = 0;
    pass_on(self, what->number, 0);
  } else {
    self->number = what->number;
    self->number_ns = uv_hrtime() + GRACE_MS * UINT64_C(1000000);
  }
}

static void on_notice(several *self) {
  notice what;
  if (read(heard, &what, sizeof(what)) != (ssize_t)sizeof(what)) {
    return;
  }
  int is_end = what.number == SIGINT || what.number == SIGTERM || (what.number == SIGHUP && ps_hangup_has_come());
  if (is_end) {
    end_all(self, &what);
  } else {
    pass_on(self, what.number, 0);
  }
}

static size_t count_running(const several *self) {
  size_t count = 0;
  for (size_t i = 0; i < self->started; i++) {
    count += self->children[i].pid > 0 ? 1 : 0;
  }
  return count;
}

/* One turn of the parent's loop: waits for words, ends and signals. */
static void wait_for_news(several *self) {
  struct pollfd entries[PS_SEVERAL_MAX + 1];
  child *whose[PS_SEVERAL_MAX + 1];
  nfds_t count = 0;
  uint64_t now_ns = uv_hrtime();
  entries[count++] = (struct pollfd){.fd = heard, .events = POLLIN};
  for (size_t i = 0; i < self->started; i++) {
    if (self->children[i].pid > 0) {
      whose[count] = &self->children[i];
      entries[count++] = (struct pollfd){.fd = self->children[i].words, .events = POLLIN};
    }
  }
  int timeout = self->number == 0           ? -1
                : self->number_ns <= now_ns ? 0
                                            : (int)((self->number_ns - now_ns) / 1000000) + 1;
  (void)poll(entries, count, timeout);
  for (nfds_t i = 1; i < count; i++) {
    if (entries[i].revents) {
      listen_to(self, whose[i]);
    }
  }
  if (entries[0].revents) {
    on_notice(self);
  }
  if (self->number != 0 && uv_hrtime() >= self->number_ns) {
    pass_on(self, self->number, 1);
    self->number = 0;
  }
}

/* Returns 1 in a process that is to run a gateway. */
static int lead(several *self) {
  while (count_running(self) > 0 || (self->started < self->count && !self->is_ending)) {
    int may_start = self->started == 0 || self->children[self->started - 1].is_known;
    if (may_start && self->started < self->count && !self->is_ending) {
      if (start_next(self)) {
        return 1;
      }
    } else {
      wait_for_news(self);
    }
  }
  return 0;
}

int ps_several_run(const char *const *names, size_t count, int (*run)(void *context, size_t index), void *context) {
  int notices[2];
  several self = {.count = count};
  for (size_t i = 0; i < count; i++) {
    self.children[i].name = names[i];
  }
  if (open_pipe(self.alive) != 0 || open_pipe(notices) != 0) {
    (void)fprintf(stderr, "penstock up: cannot start other processes: %s\n", strerror(errno));
    return PS_EXIT_FAILED;
  }
  heard = notices[0];
  told = notices[1];
  (void)fcntl(told, F_SETFL, O_NONBLOCK); /* a flood of signals must not hold up the handler */
  ps_hangup_begin();
  listen_to_signals(&self);
  if (lead(&self)) {
    return run(context, self.started);
  }
  (void)close(heard);
  (void)close(told);
  (void)close(self.alive[0]);
  (void)close(self.alive[1]);
  return self.exit_code;
}
