/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* Runs `one` as often as the task says, with a pause before each, and prints how long it took. */
static int repeat(const load_task *task, int (*one)(const load_task *task, int fd), int fd) {
  load_times times;
  int result = load_times_create(&times, task->count);
  for (int i = 0; i < task->count && result == 0; i++) {
    struct timespec pause = {.tv_sec = task->pause_us / 1000000, .tv_nsec = (long)(task->pause_us % 1000000) * 1000};
    if (task->pause_us > 0) {
      (void)nanosleep(&pause, NULL);
    }
    uint64_t began = load_now_ns();
    result = one(task, fd);
    load_times_add(&times, began);
  }
  if (result == 0) {
    (void)fputs("{", stdout);
    load_times_print(&times);
    (void)puts("}");
  } else {
    fprintf(stderr, "penstock_load: exchange %d of %d failed\n", times.count, task->count);
  }
  load_times_destroy(&times);
  return result == 0 ? 0 : 1;
}

static int exchange(const load_task *task, int fd) {
  load_request request = load_make_request(task->op, 0, 0, load_now_ns());
  return load_exchange(fd, &request);
}

static int connect_and_exchange(const load_task *task, int unused) {
  (void)unused;
  int fd = load_connect(task->port);
  int result = fd < 0 ? -1 : exchange(task, fd);
  if (fd >= 0) {
    close(fd);
  }
  return result;
}

int load_run_connect(const load_task *task) {
  return repeat(task, connect_and_exchange, -1);
}

int load_run_pingpong(const load_task *task) {
  int fd = load_connect(task->port);
  if (fd < 0) {
    perror("penstock_load: connect");
    return 1;
  }
  int result = repeat(task, exchange, fd);
  close(fd);
  return result;
}

/* --- a poll ------------------------------------------------------------------------------------ */

/* The answer to the end, which shows a solver. */
static int receive_answer(int fd) {
  char answer[65536];
  size_t size = 0;
  for (;;) {
    ssize_t count = recv(fd, answer + size, sizeof(answer) - 1 - size, 0);
    if (count == 0) {
      answer[size] = '\0';
      return answer[0] == '{' && strstr(answer, "\"protocol_version\"") ? 0 : -1;
    }
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 || (size += (size_t)count) == sizeof(answer) - 1) {
      return -1;
    }
  }
}

static int ask_solver(const load_task *task, int unused) {
  static const char question[] = "--name bench";
  uint32_t size = htonl(sizeof(question) - 1);
  char request[8 + sizeof(question)] = "TCMD";
  (void)unused;
  memcpy(request + 4, &size, sizeof(size));
  memcpy(request + 8, question, sizeof(question) - 1);
  int fd = load_connect(task->port);
  if (fd < 0) {
    return -1;
  }
  int result = load_send_all(fd, request, 8 + sizeof(question) - 1) == 0 ? receive_answer(fd) : -1;
  close(fd);
  return result;
}

int load_run_poll(const load_task *task) {
  return repeat(task, ask_solver, -1);
}
