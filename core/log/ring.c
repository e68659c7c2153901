/* SPDX-License-Identifier: MIT */
#include "log/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The longest text that is kept, in bytes; an error's are shorter. */
#define TEXT_MOST 4096

typedef struct kept {
  size_t size; /* of all of it */
  struct timespec when;
  uint32_t level;
  int has_error;
  uint32_t leg;
  uint32_t error_class;
  /* Places of the texts, which follow one another: source, text, next, detail. */
  size_t text_at;
  size_t next_at;
  size_t detail_at;
  char texts[];
} kept;

/* The lock guards all of it. */
static struct {
  pthread_mutex_t lock;
  kept *records[PS_LOG_RING_RECORDS]; /* by their numbers; NULL: there was no memory for it */
  uint64_t first;                     /* number of the oldest that is kept */
  uint64_t last;                      /* … and of the newest; less than `first`: none is */
  size_t bytes;
  void (*news)(void *context);
  void *context;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .first = 1};

static kept **place_of(uint64_t number) {
  return &ring.records[number % PS_LOG_RING_RECORDS];
}

/* Adds a text and its end at a place; returns the place behind. */
static size_t put(kept *record, size_t at, const char *text, size_t size) {
  memcpy(record->texts + at, text, size);
  record->texts[at + size] = '\0';
  penstock_utf8_trim(record->texts + at, size + 1);
  return at + size + 1;
}

static kept *copy(const ps_log_record *record) {
  const penstock_error *error = record->error;
  const char *texts[] = {record->source ? record->source : "gateway", record->text, error ? error->next : "",
                         error ? error->detail : ""};
  size_t sizes[4];
  size_t size = sizeof(kept);
  for (size_t i = 0; i < 4; i++) {
    sizes[i] = strnlen(texts[i], TEXT_MOST);
    size += sizes[i] + 1;
  }
  kept *made = calloc(1, size);
  if (made) {
    made->size = size;
    made->when = record->when;
    made->level = record->level;
    made->has_error = error != NULL;
    made->leg = error ? error->leg : 0;
    made->error_class = error ? error->error_class : 0;
    made->text_at = put(made, 0, texts[0], sizes[0]);
    made->next_at = put(made, made->text_at, texts[1], sizes[1]);
    made->detail_at = put(made, made->next_at, texts[2], sizes[2]);
    (void)put(made, made->detail_at, texts[3], sizes[3]);
  }
  return made;
}

/* Room for a record more: the oldest go. [locked] */
static void make_room(size_t size) {
  while (ring.first <= ring.last &&
         (ring.last - ring.first + 1 == PS_LOG_RING_RECORDS || ring.bytes + size > PS_LOG_RING_BYTES)) {
    kept **place = place_of(ring.first++);
    ring.bytes -= *place ? (*place)->size : 0;
    free(*place);
    *place = NULL;
  }
}

void ps_log_ring_add(const ps_log_record *record) {
  kept *made = copy(record);
  size_t size = made ? made->size : 0;
  (void)pthread_mutex_lock(&ring.lock);
  make_room(size);
  *place_of(++ring.last) = made;
  ring.bytes += size;
  if (ring.news) {
    ring.news(ring.context);
  }
  (void)pthread_mutex_unlock(&ring.lock);
}

uint64_t ps_log_ring_last(void) {
  (void)pthread_mutex_lock(&ring.lock);
  uint64_t last = ring.last;
  (void)pthread_mutex_unlock(&ring.lock);
  return last;
}

static void show(uint64_t number, const kept *record,
                 void (*each)(void *context, uint64_t number, const ps_log_record *record), void *context) {
  penstock_error error = {.struct_size = sizeof(error), .leg = record->leg, .error_class = record->error_class};
  const ps_log_record shown = {.when = record->when,
                               .level = record->level,
                               .source = record->texts,
                               .text = record->texts + record->text_at,
                               .error = record->has_error ? &error : NULL};
  (void)snprintf(error.next, sizeof(error.next), "%s", record->texts + record->next_at);
  (void)snprintf(error.detail, sizeof(error.detail), "%s", record->texts + record->detail_at);
  each(context, number, &shown);
}

void ps_log_ring_each(uint64_t after, size_t most,
                      void (*each)(void *context, uint64_t number, const ps_log_record *record), void *context) {
  (void)pthread_mutex_lock(&ring.lock);
  uint64_t number = after >= ring.first ? after + 1 : ring.first;
  if (number <= ring.last && ring.last - number >= most) {
    number = ring.last - most + 1;
  }
  for (; number <= ring.last; number++) {
    const kept *record = *place_of(number);
    if (record) {
      show(number, record, each, context);
    }
  }
  (void)pthread_mutex_unlock(&ring.lock);
}

void ps_log_ring_follow(void (*news)(void *context), void *context) {
  (void)pthread_mutex_lock(&ring.lock);
  ring.news = news;
  ring.context = context;
  (void)pthread_mutex_unlock(&ring.lock);
}
