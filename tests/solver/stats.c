/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RECENT 512
/* Kinds that are told apart while they are served; more than there are headers. */
#define KINDS 32

typedef struct record {
  uint64_t id, in, out;
  char kind[8];
  char sha256[DIGEST_TEXT];
  conn_end end;
} record;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t begun, ended, bytes_in, bytes_out;
static uint64_t by_end[CONN_CUT + 1];
static record recent[RECENT];
static struct {
  char kind[8];
  json_int_t count;
} serving[KINDS];
static struct timespec started;

uint64_t stats_begin(void) {
  (void)pthread_mutex_lock(&lock);
  uint64_t id = ++begun;
  (void)pthread_mutex_unlock(&lock);
  return id;
}

/* Changes the count of a kind. Called with the lock held. */
static void count_kind(const char *kind, int change) {
  for (size_t i = 0; kind[0] && i < KINDS; i++) {
    if (!serving[i].kind[0]) {
      (void)snprintf(serving[i].kind, sizeof(serving[i].kind), "%s", kind);
    }
    if (strcmp(serving[i].kind, kind) == 0) {
      serving[i].count += change;
      return;
    }
  }
}

void stats_serving(const demo_conn *conn) {
  (void)pthread_mutex_lock(&lock);
  count_kind(conn->kind, 1);
  (void)pthread_mutex_unlock(&lock);
}

void stats_end(const demo_conn *conn) {
  (void)pthread_mutex_lock(&lock);
  record *row = &recent[ended++ % RECENT];
  row->id = conn->id;
  row->in = conn->in;
  row->out = conn->out;
  row->end = conn->end;
  memcpy(row->kind, conn->kind, sizeof(row->kind));
  memcpy(row->sha256, conn->sha256, sizeof(row->sha256));
  count_kind(conn->kind, -1);
  by_end[conn->end]++;
  bytes_in += conn->in;
  bytes_out += conn->out;
  (void)pthread_mutex_unlock(&lock);
}

uint64_t stats_requests(void) {
  (void)pthread_mutex_lock(&lock);
  uint64_t count = ended;
  (void)pthread_mutex_unlock(&lock);
  return count;
}

__attribute__((constructor)) static void start_clock(void) {
  (void)clock_gettime(CLOCK_MONOTONIC, &started);
}

uint64_t stats_uptime_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)((now.tv_sec - started.tv_sec) * 1000 + (now.tv_nsec - started.tv_nsec) / 1000000);
}

json_t *stats_json(void) {
  json_t *list = json_array();
  json_t *ends = json_object();
  json_t *kinds = json_object();
  (void)pthread_mutex_lock(&lock);
  uint64_t first = ended > RECENT ? ended - RECENT : 0;
  for (uint64_t i = first; i < ended; i++) {
    const record *row = &recent[i % RECENT];
    (void)json_array_append_new(list, json_pack("{sI ss sI sI ss ss}", "id", (json_int_t)row->id, "kind", row->kind,
                                                "in", (json_int_t)row->in, "out", (json_int_t)row->out, "end",
                                                conn_end_name(row->end), "sha256", row->sha256));
  }
  for (conn_end end = CONN_CLEAN; end <= CONN_CUT; end++) {
    (void)json_object_set_new(ends, conn_end_name(end), json_integer((json_int_t)by_end[end]));
  }
  for (size_t i = 0; i < KINDS && serving[i].kind[0]; i++) {
    (void)json_object_set_new(kinds, serving[i].kind, json_integer(serving[i].count));
  }
  json_t *all = json_pack("{sI sI sI sI so so so}", "connections", (json_int_t)begun, "open",
                          (json_int_t)(begun - ended), "bytes_in", (json_int_t)bytes_in, "bytes_out",
                          (json_int_t)bytes_out, "ends", ends, "serving", kinds, "recent", list);
  (void)pthread_mutex_unlock(&lock);
  return all;
}
