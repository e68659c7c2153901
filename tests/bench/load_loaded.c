/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

/* So much has moved before the exchanges begin: windows and buffers are what they come to be. */
#define WARM    ((uint64_t)16 * 1024 * 1024)
#define ENDLESS ((uint64_t)1 << 50)

typedef struct stream {
  pthread_t thread;
  load_op op;
  int fd;
  unsigned char *data;
  atomic_uint_fast64_t moved;
  atomic_int ended;
} stream;

static void *run_stream(void *argument) {
  stream *s = argument;
  for (;;) {
    ssize_t count =
        s->op == LOAD_UP ? send(s->fd, s->data, LOAD_CHUNK, MSG_NOSIGNAL) : recv(s->fd, s->data, LOAD_CHUNK, 0);
    if (count <= 0) {
      atomic_store(&s->ended, 1);
      return NULL;
    }
    atomic_fetch_add(&s->moved, (uint64_t)count);
  }
}

static int begin_stream(stream *s, const load_task *task) {
  load_request request = load_make_request(task->op, 0, ENDLESS, load_now_ns());
  s->op = task->op;
  s->data = load_make_data(request.seed);
  s->fd = load_connect(task->port);
  if (!s->data || s->fd < 0 || load_send_all(s->fd, &request, sizeof(request)) != 0) {
    return -1;
  }
  return pthread_create(&s->thread, NULL, run_stream, s) == 0 ? 0 : -1;
}

/* Has it exchanged enough, or for long enough? */
static int is_done(const load_task *task, const load_times *times, uint64_t began) {
  if (times->count == times->room) {
    return 1;
  }
  return task->time_ms > 0 && times->count > 0 && load_now_ns() - began >= (uint64_t)task->time_ms * 1000000u;
}

static int measure(const load_task *task, const stream *s, int fd, load_times *times) {
  while (atomic_load(&s->moved) < WARM) {
    load_request request = load_make_request(LOAD_ECHO, 0, 0, load_now_ns());
    if (atomic_load(&s->ended) || load_exchange(fd, &request) != 0) {
      return -1;
    }
  }
  uint64_t began = load_now_ns();
  uint64_t moved = atomic_load(&s->moved);
  while (!is_done(task, times, began)) {
    uint64_t sent = load_now_ns();
    load_request request = load_make_request(LOAD_ECHO, 0, 0, sent);
    if (load_exchange(fd, &request) != 0) {
      return -1;
    }
    load_times_add(times, sent);
  }
  double seconds = (double)(load_now_ns() - began) / 1e9;
  moved = atomic_load(&s->moved) - moved;
  if (atomic_load(&s->ended)) {
    return -1; /* it was not loaded all the time */
  }
  printf("{\"seconds\": %.6f, \"bytes\": %llu, ", seconds, (unsigned long long)moved);
  load_times_print(times);
  (void)puts("}");
  return 0;
}

int load_run_loaded(const load_task *task) {
  stream bulk = {.fd = -1};
  load_times times;
  int fd = load_connect(task->port);
  int result = load_times_create(&times, task->count);
  if (fd >= 0 && result == 0) {
    result = begin_stream(&bulk, task);
    if (result == 0) {
      result = measure(task, &bulk, fd, &times);
      (void)shutdown(bulk.fd, SHUT_RDWR);
      (void)pthread_join(bulk.thread, NULL);
    }
  }
  if (fd < 0 || result != 0) {
    fprintf(stderr, "penstock_load: an exchange or the data beside it failed\n");
    result = 1;
  }
  if (fd >= 0) {
    close(fd);
  }
  if (bulk.fd >= 0) {
    close(bulk.fd);
  }
  free(bulk.data);
  load_times_destroy(&times);
  return result;
}
