/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_proxy_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "common/child_unix.h"
#include "common/ssh/ssh_dial.h"

enum { STEP_MS = 5 };

struct ssh_proxy_command {
  pid_t pid; /* 0 once it has been waited for */
  int status;
};

/* --- start ----------------------------------------------------------------------------------------- */

static int spawn(ssh_proxy_command *process, const char *command, int connection, int messages) {
  const char *shell = getenv("SHELL");
  size_t size = strlen(command) + sizeof("exec ");
  char *line = malloc(size);
  if (!line) {
    return ENOMEM;
  }
  (void)snprintf(line, size, "exec %s", command);
  const char *const argv[] = {shell && shell[0] ? shell : "/bin/sh", "-c", line, NULL};
  int code = child_start(argv, connection, connection, messages, &process->pid);
  process->pid = code ? 0 : process->pid;
  free(line);
  return code;
}

/* The command's ends block, as a program expects of its input and output. */
static int make_pair(penstock_socket pair[2]) {
  int code = dial_pair(pair);
  if (code == 0) {
    int flags = fcntl((int)pair[1], F_GETFL);
    (void)fcntl((int)pair[1], F_SETFL, flags & ~O_NONBLOCK);
  }
  return code;
}

static void explain(const char *name, int code, penstock_error *error) {
  const char *shell = getenv("SHELL");
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                      "the ProxyCommand for %s cannot be started: %s", name, strerror(code));
  if (code == ENOENT && shell) {
    penstock_next(error, "It is run by $SHELL, and %s is not there", shell);
  }
}

ssh_proxy_command *ssh_proxy_command_start(const char *name, const char *command, penstock_socket *socket,
                                           penstock_socket *messages, penstock_error *error) {
  penstock_socket pairs[2][2] = {{PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE},
                                 {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE}};
  ssh_proxy_command *process = calloc(1, sizeof(*process));
  int code = process ? make_pair(pairs[0]) : ENOMEM;
  code = code ? code : make_pair(pairs[1]);
  code = code ? code : spawn(process, command, (int)pairs[0][1], (int)pairs[1][1]);
  *socket = code ? PENSTOCK_SOCKET_NONE : pairs[0][0];
  *messages = code ? PENSTOCK_SOCKET_NONE : pairs[1][0];
  for (int i = 0; i < 2; i++) {
    dial_close(code ? pairs[i][0] : PENSTOCK_SOCKET_NONE);
    dial_close(pairs[i][1]);
  }
  if (code) {
    explain(name, code, error);
    free(process);
    return NULL;
  }
  return process;
}

/* --- end ------------------------------------------------------------------------------------------- */

static int has_ended(ssh_proxy_command *process) {
  if (process->pid && waitpid(process->pid, &process->status, WNOHANG) == process->pid) {
    process->pid = 0;
  }
  return process->pid == 0;
}

int ssh_proxy_command_wait(ssh_proxy_command *process, uint64_t patience_ms) {
  const struct timespec step = {.tv_nsec = (long)STEP_MS * 1000000};
  for (uint64_t waited = 0; waited < patience_ms && !has_ended(process); waited += STEP_MS) {
    (void)nanosleep(&step, NULL);
  }
  return process->pid == 0;
}

void ssh_proxy_command_how(const ssh_proxy_command *process, char *text, size_t size) {
  (void)snprintf(text, size, WIFEXITED(process->status) ? "ended with code %d" : "was ended by signal %d",
                 WIFEXITED(process->status) ? WEXITSTATUS(process->status) : WTERMSIG(process->status));
}

void ssh_proxy_command_end(ssh_proxy_command *process, uint64_t patience_ms) {
  /* The group's number is the command's, and cannot be another's before the command has been waited for. */
  if (!has_ended(process)) {
    pid_t group = process->pid;
    (void)kill(-group, SIGHUP);
    (void)kill(-group, SIGTERM);
    if (!ssh_proxy_command_wait(process, patience_ms)) {
      (void)kill(-group, SIGKILL);
      while (waitpid(process->pid, &process->status, 0) < 0 && errno == EINTR) {
      }
    }
  }
  free(process);
}
