/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/child_unix.h"

enum { OUTPUT_MAX = 1 << 20, CHUNK = 4096 };

/* One output that is read. */
typedef struct reading {
  int fd; /* -1 once it has ended */
  char *text;
  size_t size;
} reading;

static uint64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void close_fd(int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
    *fd = -1;
  }
}

/* A pipe that is not inherited; from the start, as other lanes start programs meanwhile. */
static int make_pipe(int pair[2]) {
  if (pipe2(pair, O_CLOEXEC) != 0) {
    pair[0] = pair[1] = -1;
    return -1;
  }
  return 0;
}

static void read_some(reading *from) {
  char chunk[CHUNK];
  ssize_t count = read(from->fd, chunk, sizeof(chunk));
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return;
  }
  if (count <= 0) {
    close_fd(&from->fd);
    return;
  }
  size_t room = OUTPUT_MAX - from->size;
  size_t taken = (size_t)count < room ? (size_t)count : room;
  char *grown = realloc(from->text, from->size + taken + 1);
  if (grown) {
    memcpy(grown + from->size, chunk, taken);
    from->text = grown;
    from->size += taken;
    grown[from->size] = '\0';
  }
}

/* Reads both outputs to their ends. Returns 0, or -1 at the deadline. */
static int read_all(reading *readings, uint64_t deadline) {
  while (readings[0].fd >= 0 || readings[1].fd >= 0) {
    struct pollfd pollers[2] = {{.fd = readings[0].fd, .events = POLLIN}, {.fd = readings[1].fd, .events = POLLIN}};
    uint64_t now = now_ms();
    if (now >= deadline) {
      return -1;
    }
    uint64_t left = deadline - now;
    if (poll(pollers, 2, left > 1000 ? 1000 : (int)left) > 0) {
      for (int i = 0; i < 2; i++) {
        if (pollers[i].revents) {
          read_some(&readings[i]);
        }
      }
    }
  }
  return 0;
}

static void collect(pid_t pid, ssh_child_result *result) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ssh_child_run(const char *const *argv, uint64_t deadline_ms, ssh_child_result *result, penstock_error *error) {
  uint64_t deadline = now_ms() + deadline_ms;
  int output[2] = {-1, -1};
  int error_output[2] = {-1, -1};
  pid_t pid = -1;
  memset(result, 0, sizeof(*result));
  int code =
      make_pipe(output) || make_pipe(error_output) ? errno : child_start(argv, -1, output[1], error_output[1], &pid);
  close_fd(&output[1]);
  close_fd(&error_output[1]);
  if (code) {
    close_fd(&output[0]);
    close_fd(&error_output[0]);
    result->is_missing = code == ENOENT;
    return result->is_missing ? 0
                              : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "cannot start %s: %s",
                                              argv[0], strerror(code));
  }
  reading readings[2] = {{.fd = output[0]}, {.fd = error_output[0]}};
  if (read_all(readings, deadline)) {
    result->timed_out = 1;
    (void)kill(-pid, SIGKILL);
    close_fd(&readings[0].fd);
    close_fd(&readings[1].fd);
  }
  collect(pid, result);
  result->output = readings[0].text ? readings[0].text : strdup("");
  result->error_output = readings[1].text ? readings[1].text : strdup("");
  if (!result->output || !result->error_output) {
    ssh_child_clear(result);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  return 0;
}

void ssh_child_clear(ssh_child_result *result) {
  free(result->output);
  free(result->error_output);
  memset(result, 0, sizeof(*result));
}
