/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stats.h"

#define BACKLOG 4096
/* Enough for the largest frame (a path and a 64 KiB buffer) with sanitizers on. */
#define STACK_SIZE ((size_t)512 * 1024)
/* How long connections may take to end once we were told to stop. */
#define STOP_SECONDS 1

/* A connection's thread: in the list of those that serve, then of those that wait to be joined. */
typedef struct worker {
  struct worker *next, *previous;
  pthread_t thread;
  demo_solver *solver;
  demo_conn conn;
} worker;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t none_left = PTHREAD_COND_INITIALIZER;
static worker *serving;
static worker *finished;

int server_bind(const demo_options *options) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  int one = 1;
  int rc = getaddrinfo(options->host, options->port, &hints, &list);
  if (rc != 0) {
    (void)fprintf(stderr, "Error: cannot resolve %s: %s\n", options->host, gai_strerror(rc));
    return -1;
  }
  int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (options->faults.port_taken) {
    errno = EADDRINUSE;
  }
  if (options->faults.port_taken || fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
    (void)fprintf(stderr, "Error: %s (os error %d)\n", strerror(errno), errno);
    if (fd >= 0) {
      close(fd);
    }
    fd = -1;
  }
  freeaddrinfo(list);
  return fd;
}

static void enlist(worker *self) {
  (void)pthread_mutex_lock(&lock);
  self->next = serving;
  if (serving) {
    serving->previous = self;
  }
  serving = self;
  (void)pthread_mutex_unlock(&lock);
}

/* The end of a worker's service; with `joinable` it still has a thread to be joined. */
static void delist(worker *self, int joinable) {
  (void)pthread_mutex_lock(&lock);
  if (self->next) {
    self->next->previous = self->previous;
  }
  if (self->previous) {
    self->previous->next = self->next;
  } else {
    serving = self->next;
  }
  if (joinable) {
    self->next = finished;
    finished = self;
  }
  if (!serving) {
    (void)pthread_cond_signal(&none_left);
  }
  (void)pthread_mutex_unlock(&lock);
}

/* Joins and frees those that have finished. */
static void reap(void) {
  (void)pthread_mutex_lock(&lock);
  worker *list = finished;
  finished = NULL;
  (void)pthread_mutex_unlock(&lock);
  while (list) {
    worker *next = list->next;
    (void)pthread_join(list->thread, NULL);
    free(list);
    list = next;
  }
}

static void *work(void *argument) {
  worker *self = argument;
  const demo_options *options = self->solver->options;
  demo_conn *conn = &self->conn;
  wire_serve(self->solver, conn);
  conn_close(conn);
  stats_end(conn);
  if (options->debug) {
    (void)printf("connection %llu %s: %llu in, %llu out, %s\n", (unsigned long long)conn->id, conn->kind,
                 (unsigned long long)conn->in, (unsigned long long)conn->out, conn_end_name(conn->end));
  }
  if (options->faults.exit_after && stats_requests() >= options->faults.exit_after) {
    (void)printf("demo fault: exit after %llu requests\n", (unsigned long long)options->faults.exit_after);
    (void)fflush(NULL);
    _exit(3);
  }
  delist(self, 1);
  return NULL;
}

/* Takes a connection over; one that cannot be served is closed and said. */
static void start_worker(demo_solver *solver, int fd, const pthread_attr_t *attributes) {
  worker *self = calloc(1, sizeof(*self));
  if (!self) {
    close(fd);
    return;
  }
  self->solver = solver;
  if (conn_open(&self->conn, fd, stats_begin(), &solver->options->faults) != 0) {
    free(self);
    return;
  }
  enlist(self);
  int rc = pthread_create(&self->thread, attributes, work, self);
  if (rc != 0) {
    (void)fprintf(stderr, "Error: no thread for a connection: %s\n", strerror(rc));
    delist(self, 0);
    self->conn.end = CONN_RESET;
    conn_close(&self->conn);
    stats_end(&self->conn);
    free(self);
  }
}

/* Ends what is still served. Returns whether all of it has ended in time. */
static int stop_workers(void) {
  struct timespec deadline;
  int rc = 0;
  (void)clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += STOP_SECONDS;
  (void)pthread_mutex_lock(&lock);
  for (worker *each = serving; each; each = each->next) {
    (void)shutdown(each->conn.fd, SHUT_RDWR);
  }
  while (serving && rc == 0) {
    rc = pthread_cond_timedwait(&none_left, &lock, &deadline);
  }
  int all = !serving;
  (void)pthread_mutex_unlock(&lock);
  return all;
}

int server_run(demo_solver *solver, int listener, int signals) {
  struct pollfd entries[2] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  pthread_attr_t attributes;
  (void)pthread_attr_init(&attributes);
  (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
  for (;;) {
    if (poll(entries, 2, -1) < 0 && errno != EINTR) {
      (void)fprintf(stderr, "Error: poll: %s\n", strerror(errno));
      break;
    }
    if (entries[1].revents) {
      break;
    }
    reap();
    int fd = entries[0].revents ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (fd >= 0) {
      start_worker(solver, fd, &attributes);
    } else if (entries[0].revents && (errno == EMFILE || errno == ENFILE)) {
      /* The connection waits in the backlog until a descriptor is free. */
      (void)poll(&entries[1], 1, 10);
    }
  }
  (void)pthread_attr_destroy(&attributes);
  close(listener);
  if (!stop_workers()) {
    (void)fflush(NULL);
    _exit(0); /* their threads still use what an ordinary exit would tear down */
  }
  reap();
  return 0;
}
