/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static uint64_t now_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static load_request make_request(const load_task *task, uint64_t size, uint64_t seed) {
  load_request request = {.op = (uint32_t)task->op, .check = (uint32_t)task->check, .size = size, .seed = seed};
  memcpy(request.magic, LOAD_MAGIC, sizeof(request.magic));
  return request;
}

/* --- bulk -------------------------------------------------------------------------------------- */

typedef struct bulk {
  pthread_t thread;
  const load_task *task;
  uint64_t size;
  uint64_t seed;
  int result;
} bulk;

static int bulk_up(int fd, const bulk *b, load_request *request) {
  load_request answer;
  if (load_send_data(fd, b->seed, b->size) != 0 || load_receive_all(fd, &answer, sizeof(answer)) != 0) {
    return -1;
  }
  return memcmp(&answer, request, sizeof(answer)) == 0 ? 0 : -1;
}

static void *bulk_run(void *argument) {
  bulk *b = argument;
  load_request request = make_request(b->task, b->size, b->seed);
  char more;
  int fd = load_connect(b->task->port);
  b->result = -1;
  if (fd < 0) {
    return NULL;
  }
  if (load_send_all(fd, &request, sizeof(request)) == 0) {
    if (b->task->op == LOAD_UP) {
      b->result = bulk_up(fd, b, &request);
    } else {
      b->result = load_receive_data(fd, b->seed, b->size, b->task->check);
      if (b->result == 0 && load_receive_all(fd, &more, 1) != 1) { /* and then the clean end */
        b->result = -1;
      }
    }
  }
  close(fd);
  return NULL;
}

static int run_bulk(const load_task *task) {
  bulk streams[LOAD_STREAMS];
  int failed = 0;
  uint64_t began = now_ns();
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
  double seconds = (double)(now_ns() - began) / 1e9;
  if (failed > 0) {
    fprintf(stderr, "penstock_load: %d of %d streams failed\n", failed, task->streams);
    return 1;
  }
  uint64_t bytes = task->size / (uint64_t)task->streams * (uint64_t)task->streams;
  printf("{\"seconds\": %.6f, \"bytes\": %llu}\n", seconds, (unsigned long long)bytes);
  return 0;
}

/* --- latency ----------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right) {
  double a = *(const double *)left;
  double b = *(const double *)right;
  return (a > b) - (a < b);
}

static int exchange(int fd, const load_request *request) {
  load_request answer;
  if (load_send_all(fd, request, sizeof(*request)) != 0 || load_receive_all(fd, &answer, sizeof(answer)) != 0) {
    return -1;
  }
  return memcmp(&answer, request, sizeof(answer)) == 0 ? 0 : -1;
}

/* One round: on the connection `kept`, or on one of its own. Returns microseconds, or -1. */
static double round_trip(const load_task *task, int kept, uint64_t seed) {
  load_request request = make_request(task, 0, seed);
  uint64_t began = now_ns();
  int fd = kept >= 0 ? kept : load_connect(task->port);
  int result = fd < 0 ? -1 : exchange(fd, &request);
  double elapsed = (double)(now_ns() - began) / 1e3;
  if (kept < 0 && fd >= 0) {
    close(fd);
  }
  return result == 0 ? elapsed : -1;
}

static int run_echo(const load_task *task) {
  double *times = calloc((size_t)task->count, sizeof(*times));
  int kept = task->keep ? load_connect(task->port) : -1;
  int result = times && (kept >= 0 || !task->keep) ? 0 : 1;
  for (int i = 0; i < task->count && result == 0; i++) {
    times[i] = round_trip(task, kept, now_ns());
    result = times[i] < 0;
  }
  if (result == 0) {
    qsort(times, (size_t)task->count, sizeof(*times), compare);
    printf("{\"median_us\": %.2f, \"p99_us\": %.2f, \"count\": %d}\n", times[task->count / 2],
           times[(long)task->count * 99 / 100], task->count);
  } else {
    fprintf(stderr, "penstock_load: an exchange failed\n");
  }
  if (kept >= 0) {
    close(kept);
  }
  free(times);
  return result;
}

int load_run(const load_task *task) {
  return task->op == LOAD_ECHO ? run_echo(task) : run_bulk(task);
}
