/* SPDX-License-Identifier: MIT */
#include "common/local_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/child_unix.h"

enum {
  BUFFER = 1 << 20,  /* asked of the system, which gives what its limits allow */
  STEP_NS = 2000000, /* 2 ms */
  NO_FD = -1
};

struct local_child {
  pid_t pid; /* 0 once it has been waited for: the number may then be another's */
  int status;
  int is_unknown; /* somebody else has waited for it, or SIGCHLD is ignored */
  int data;
  int messages;
};

static void close_fd(int *fd) {
  if (*fd != NO_FD) {
    (void)close(*fd);
    *fd = NO_FD;
  }
}

/* Our end does not block; the child's does, as a program expects of its input and output. */
static int make_pair(int pair[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    pair[0] = pair[1] = NO_FD;
    return errno;
  }
  int flags = fcntl(pair[0], F_GETFL);
  return flags < 0 || fcntl(pair[0], F_SETFL, flags | O_NONBLOCK) < 0 ? errno : 0;
}

static void widen(const int pair[2]) {
  const int size = BUFFER;
  for (int i = 0; i < 2; i++) {
    (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
}

local_child *local_child_start(const local_shell *shell, const char *script, penstock_error *error) {
  const char *const argv[] = {shell->words[0], "-c", script, NULL};
  int data[2] = {NO_FD, NO_FD};
  int messages[2] = {NO_FD, NO_FD};
  local_child *child = calloc(1, sizeof(*child));
  int code = child ? 0 : ENOMEM;
  code = code ? code : make_pair(data);
  code = code ? code : make_pair(messages);
  if (!code) {
    widen(data);
    code = child_start(argv, data[1], data[1], messages[1], &child->pid);
  }
  close_fd(&data[1]);
  close_fd(&messages[1]);
  if (code) {
    close_fd(&data[0]);
    close_fd(&messages[0]);
    free(child);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "%s cannot be started: %s", shell->name,
                        strerror(code));
    penstock_next(error, "A limit of this machine may be reached: end other programs, or raise it (ulimit)");
    return NULL;
  }
  child->data = data[0];
  child->messages = messages[0];
  return child;
}

penstock_socket local_child_data(const local_child *child) {
  return child->data;
}

penstock_socket local_child_messages(const local_child *child) {
  return child->messages;
}

/* --- input and outputs ----------------------------------------------------------------------------- */

static int is_for_later(int code) {
  return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

int64_t local_child_read(local_child *child, void *data, size_t size) {
  ssize_t count = recv(child->data, data, size, 0);
  return count >= 0 ? count : is_for_later(errno) ? LOCAL_CHILD_AGAIN : LOCAL_CHILD_BROKEN;
}

int64_t local_child_write(local_child *child, const void *data, size_t size) {
  ssize_t count = send(child->data, data, size, MSG_NOSIGNAL);
  return count >= 0 ? count : is_for_later(errno) ? LOCAL_CHILD_AGAIN : LOCAL_CHILD_BROKEN;
}

int64_t local_child_read_messages(local_child *child, void *data, size_t size) {
  ssize_t count = recv(child->messages, data, size, 0);
  return count >= 0 ? count : is_for_later(errno) ? LOCAL_CHILD_AGAIN : 0;
}

void local_child_end_input(local_child *child) {
  (void)shutdown(child->data, SHUT_WR);
}

void local_child_hang_up(local_child *child) {
  close_fd(&child->data);
  close_fd(&child->messages);
}

/* --- the end --------------------------------------------------------------------------------------- */

int local_child_has_ended(local_child *child, int *code, int *signal_number) {
  if (child->pid) {
    pid_t got = waitpid(child->pid, &child->status, WNOHANG);
    child->is_unknown = got < 0 && errno == ECHILD;
    if (got == child->pid || child->is_unknown) {
      child->pid = 0;
    }
  }
  if (child->pid) {
    return 0;
  }
  *code = !child->is_unknown && WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;
  *signal_number = !child->is_unknown && WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;
  return 1;
}

/* A read tells it: both ends of a socket of this kind are known to the kernel. */
int local_child_has_lost_input(const local_child *child) {
  (void)child;
  return 0;
}

void local_child_kill(local_child *child, int force) {
  if (child->pid) {
    (void)kill(-child->pid, force ? SIGKILL : SIGTERM);
  }
}

void local_child_end(local_child *child, uint64_t patience_ms) {
  const struct timespec step = {.tv_nsec = STEP_NS};
  int code;
  int signal_number;
  for (uint64_t waited = 0; !local_child_has_ended(child, &code, &signal_number) && waited < patience_ms;
       waited += STEP_NS / 1000000) {
    (void)nanosleep(&step, NULL);
  }
  free(child);
}
