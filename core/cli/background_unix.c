/* SPDX-License-Identifier: MIT */
#include "cli/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/expand.h"

/* The end of the pipe that says "I have let go"; -1: nobody waits. */
static int waiting = -1;
static volatile sig_atomic_t runs_it;

const char ps_background_kill[] = "kill";
const char ps_background_show_log[] = "journalctl --user -t penstock";

/* --- the log ------------------------------------------------------------------------------------ */

/* Makes the folder, and those above it that are missing. */
static int make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int failed = mkdir(path, 0700) != 0 && errno != EEXIST;
    *slash = '/';
    if (failed) {
      return -1;
    }
  }
  return 0;
}

static int make_file(const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
  int failed = fd < 0 || fchmod(fd, 0600) != 0;
  if (fd >= 0) {
    (void)close(fd);
  }
  return failed ? -1 : 0;
}

char *ps_background_log(const char *profile, penstock_error *error) {
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = ps_home();
  ps_text path = {0};
  int is_set = state && state[0] == '/'; /* the specification: a relative one is to be ignored */
  if (!is_set && !home) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no home folder for the log");
    penstock_next(error, "set log_file, or --log-file");
    return NULL;
  }
  ps_text_addf(&path, "%s%s/penstock/", is_set ? state : home, is_set ? "" : "/.local/state");
  ps_background_file_name(&path, profile);
  ps_text_adds(&path, ".log");
  if (path.no_memory || !path.data) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  } else if (make_folders(path.data) == 0 && make_file(path.data) == 0) {
    return path.data;
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot open the log file %s: %s", path.data,
                        strerror(errno));
    penstock_next(error, "set log_file, or --log-file, to a place that you can write to");
  }
  free(path.data);
  return NULL;
}

/* --- two processes ------------------------------------------------------------------------------ */

static void pass_on(int number) {
  (void)kill((pid_t)runs_it, number);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* What the terminal sends (Ctrl-C) reaches the other one, too: it ends in order, and we with it. */
static void set_signals(struct sigaction usual[SIGNALS]) {
  for (size_t i = 0; i < SIGNALS; i++) {
    struct sigaction action = {.sa_handler = signals[i] == SIGTERM ? pass_on : SIG_IGN};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(signals[i], &action, &usual[i]);
  }
}

/* The next gateway that is started from here must not take over what was ignored for this one. */
static void reset_signals(const struct sigaction usual[SIGNALS]) {
  for (size_t i = 0; i < SIGNALS; i++) {
    (void)sigaction(signals[i], &usual[i], NULL);
  }
}

static int wait_for(pid_t child, int fd, int *has_ended) {
  char byte;
  ssize_t count;
  int status = 0;
  do {
    count = read(fd, &byte, 1);
  } while (count < 0 && errno == EINTR);
  (void)close(fd);
  *has_ended = count != 1;
  if (count == 1) {
    return PS_EXIT_OK;
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    (void)fprintf(stderr, "penstock up: the gateway was ended by signal %d (%s)\n", WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    return PS_EXIT_FAILED;
  }
  return WEXITSTATUS(status);
}

int ps_background_begin(size_t index, int *exit_code, int *has_ended, penstock_error *error) {
  int fds[2];
  struct sigaction usual[SIGNALS];
  (void)index; /* the process is split where it stands */
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start another process: %s",
                         strerror(errno));
  }
  (void)fflush(NULL);
  pid_t child = fork();
  if (child < 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start another process: %s",
                        strerror(errno));
    (void)close(fds[0]);
    (void)close(fds[1]);
    return PENSTOCK_E_FAILED;
  }
  if (child == 0) {
    (void)close(fds[0]);
    waiting = fds[1];
    return 1;
  }
  (void)close(fds[1]);
  runs_it = (sig_atomic_t)child;
  set_signals(usual);
  *exit_code = wait_for(child, fds[0], has_ended);
  reset_signals(usual);
  return 0;
}

static void point_at(int number, const char *path, int flags) {
  int fd = path ? open(path, flags | O_NOCTTY | O_CLOEXEC) : -1;
  fd = fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    (void)dup2(fd, number);
    (void)close(fd);
  }
}

void ps_background_let_go(const char *log) {
  if (waiting < 0) {
    return;
  }
  /* Whoever has the terminal when it ends is told so by SIGHUP; nobody of this session has one. */
  (void)setsid();
  point_at(STDIN_FILENO, "/dev/null", O_RDONLY);
  point_at(STDOUT_FILENO, "/dev/null", O_WRONLY);
  point_at(STDERR_FILENO, log, O_WRONLY | O_APPEND);
  ssize_t ignored = write(waiting, "", 1);
  (void)ignored;
  (void)close(waiting);
  waiting = -1;
}
