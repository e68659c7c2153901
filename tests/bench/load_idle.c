/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"

static int open_one(uint16_t port) {
  load_request request = load_make_request(LOAD_HOLD, 0, 0, load_now_ns());
  int fd = load_connect(port);
  if (fd >= 0 && load_exchange(fd, &request) != 0) {
    close(fd);
    fd = -1;
  }
  return fd;
}

int load_run_idle(const load_task *task) {
  int *fds = calloc((size_t)task->count, sizeof(*fds));
  int count = 0;
  char end;
  uint64_t began = load_now_ns();
  while (fds && count < task->count && (fds[count] = open_one(task->port)) >= 0) {
    count++;
  }
  int result = count == task->count ? 0 : 1;
  if (result == 0) {
    printf("{\"streams\": %d, \"seconds\": %.6f}\n", count, (double)(load_now_ns() - began) / 1e9);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &end, 1) > 0) {
    }
  } else {
    fprintf(stderr, "penstock_load: stream %d of %d failed\n", count + 1, task->count);
  }
  while (count > 0) {
    close(fds[--count]);
  }
  free(fds);
  return result;
}
