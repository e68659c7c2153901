/* SPDX-License-Identifier: MIT */
#include "log/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

/* The longest text that is kept, in bytes; an error's are shorter. */
#define TEXT_MOST 4096

typedef struct kept {
  ps_list node;
  uint64_t number;
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
  ps_list records;
  size_t count;
  size_t bytes;
  uint64_t last;
  void (*news)(void *context);
  void *context;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .records = {&ring.records, &ring.records}};

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

/* [locked] */
static void drop_oldest(void) {
  kept *oldest = PS_CONTAINER(ring.records.next, kept, node);
  ps_list_remove(&oldest->node);
  ring.count--;
  ring.bytes -= oldest->size;
  free(oldest);
}

void ps_log_ring_add(const ps_log_record *record) {
  kept *made = copy(record);
  (void)pthread_mutex_lock(&ring.lock);
  ring.last++; /* one for which there is no memory is missed */
  if (made) {
    made->number = ring.last;
    ps_list_append(&ring.records, &made->node);
    ring.count++;
    ring.bytes += made->size;
  }
  while (ring.count > PS_LOG_RING_RECORDS || (ring.bytes > PS_LOG_RING_BYTES && ring.count > 1)) {
    drop_oldest();
  }
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

static void show(const kept *record, void (*each)(void *context, uint64_t number, const ps_log_record *record),
                 void *context) {
  penstock_error error = {.struct_size = sizeof(error), .leg = record->leg, .error_class = record->error_class};
  const ps_log_record shown = {.when = record->when,
                               .level = record->level,
                               .source = record->texts,
                               .text = record->texts + record->text_at,
                               .error = record->has_error ? &error : NULL};
  (void)snprintf(error.next, sizeof(error.next), "%s", record->texts + record->next_at);
  (void)snprintf(error.detail, sizeof(error.detail), "%s", record->texts + record->detail_at);
  each(context, record->number, &shown);
}

void ps_log_ring_each(uint64_t after, size_t most,
                      void (*each)(void *context, uint64_t number, const ps_log_record *record), void *context) {
  (void)pthread_mutex_lock(&ring.lock);
  const ps_list *node = ring.records.next;
  for (size_t left = ring.count; left > most; left--) {
    node = node->next;
  }
  for (; node != &ring.records; node = node->next) {
    const kept *record = PS_CONTAINER(node, kept, node);
    if (record->number > after) {
      show(record, each, context);
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
