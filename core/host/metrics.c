/* SPDX-License-Identifier: MIT */
#include "host/metrics.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

typedef struct counter {
  char name[PS_METRICS_NAME_MAX + 1];
  int64_t value;
} counter;

/* Few names, added to a few times a stream: a walk under a lock costs less than anything cleverer would save. */
static struct {
  pthread_mutex_t lock;
  size_t count;
  int64_t dropped;
  counter items[PS_METRICS_MAX];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char dropped_name[] = "metrics_dropped";

static int valid(const char *name) {
  size_t length = name ? strlen(name) : 0;
  return length > 0 && length <= PS_METRICS_NAME_MAX &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length && strcmp(name, dropped_name) != 0;
}

static counter *find(const char *name) {
  for (size_t i = 0; i < table.count; i++) {
    if (strcmp(table.items[i].name, name) == 0) {
      return &table.items[i];
    }
  }
  return NULL;
}

void ps_metrics_add(const char *name, int64_t delta) {
  int usable = valid(name);
  pthread_mutex_lock(&table.lock);
  counter *item = usable ? find(name) : NULL;
  if (usable && !item && table.count < PS_METRICS_MAX) {
    item = &table.items[table.count++];
    memcpy(item->name, name, strlen(name) + 1);
  }
  int64_t *value = item ? &item->value : &table.dropped;
  *value = (int64_t)((uint64_t)*value + (uint64_t)(item ? delta : 1));
  pthread_mutex_unlock(&table.lock);
}

int64_t ps_metrics_get(const char *name) {
  pthread_mutex_lock(&table.lock);
  const counter *item = find(name);
  int64_t value = item ? item->value : strcmp(name, dropped_name) == 0 ? table.dropped : 0;
  pthread_mutex_unlock(&table.lock);
  return value;
}

void ps_metrics_each(void (*each)(void *context, const char *name, int64_t value), void *context) {
  pthread_mutex_lock(&table.lock);
  for (size_t i = 0; i < table.count; i++) {
    each(context, table.items[i].name, table.items[i].value);
  }
  each(context, dropped_name, table.dropped);
  pthread_mutex_unlock(&table.lock);
}
