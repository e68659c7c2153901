/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

typedef struct bulk {
  pthread_t thread;
  const load_task *task;
  uint64_t size;
  uint64_t seed;
  int result;
} bulk;

static int bulk_up(int fd, const bulk *b, const load_request *request) {
  load_request answer;
  if (load_send_data(fd, b->seed, b->size) != 0 || load_receive_all(fd, &answer, sizeof(answer)) != 0) {
    return -1;
  }
  return memcmp(&answer, request, sizeof(answer)) == 0 ? 0 : -1;
}

static int bulk_down(int fd, const bulk *b) {
  char more;
  if (load_receive_data(fd, b->seed, b->size, b->task->check) != 0) {
    return -1;
  }
  return load_receive_all(fd, &more, 1) == 1 ? 0 : -1; /* and then the clean end */
}

static void *bulk_run(void *argument) {
  bulk *b = argument;
  load_request request = load_make_request(b->task->op, b->task->check, b->size, b->seed);
  int fd = load_connect(b->task->port);
  b->result = -1;
  if (fd < 0) {
    return NULL;
  }
  if (load_send_all(fd, &request, sizeof(request)) == 0) {
    b->result = b->task->op == LOAD_UP ? bulk_up(fd, b, &request) : bulk_down(fd, b);
  }
  close(fd);
  return NULL;
}

int load_run_bulk(const load_task *task) {
  bulk streams[LOAD_STREAMS];
  int failed = 0;
  uint64_t began = load_now_ns();
  for (int i = 0; i < task->streams; i++) {
    streams[i] = (bulk){.task = task, .size = task->size / (uint64_t)task->streams, .seed = began + (uint64_t)i};
    if (pthread_create(&streams[i].thread, NULL, bulk_run, &streams[i]) != 0) {
      return 1;
    }
  }
  for (int i = 0; i < task->streams; i++) {
    (void)pthread_join(streams[i].thread, NULL);
    failed += streams[i].result != 0;
  }
  double seconds = (double)(load_now_ns() - began) / 1e9;
  if (failed > 0) {
    fprintf(stderr, "penstock_load: %d of %d streams failed\n", failed, task->streams);
    return 1;
  }
  uint64_t bytes = task->size / (uint64_t)task->streams * (uint64_t)task->streams;
  printf("{\"seconds\": %.6f, \"bytes\": %llu}\n", seconds, (unsigned long long)bytes);
  return 0;
}
