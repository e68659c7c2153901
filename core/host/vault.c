/* SPDX-License-Identifier: MIT */
#include "host/vault.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/pages.h"
#include "host/prompt.h"

typedef struct entry {
  struct entry *next;
  char *key;    /* not a secret */
  char *secret; /* pages of its own: locks do not nest, and the heap would be locked with it */
  size_t room;  /* bytes of those */
} entry;

static struct {
  pthread_mutex_t lock;
  entry *first;
  int registered; /* for the end of the process */
} vault = {.lock = PTHREAD_MUTEX_INITIALIZER};

void ps_wipe(void *memory, size_t size) {
  if (size > 0) {
    memset(memory, 0, size);
    /* The compiler must believe that somebody reads it. */
    __asm__ __volatile__("" : : "r"(memory) : "memory");
  }
}

static void release(entry *item) {
  if (item->secret) {
    ps_wipe(item->secret, item->room);
    ps_pages_free(item->secret, item->room);
  }
  free(item->key);
  free(item);
}

static entry *create(const char *key, const char *secret) {
  size_t size = strlen(secret) + 1;
  entry *item = calloc(1, sizeof(*item));
  if (!item) {
    return NULL;
  }
  item->key = strdup(key);
  item->secret = ps_pages_new(size, &item->room);
  if (!item->key || !item->secret) {
    release(item);
    return NULL;
  }
  memcpy(item->secret, secret, size);
  return item;
}

/* Takes out what has this key, or all. With the lock held. */
static void remove_matching(const char *key) {
  for (entry **at = &vault.first; *at;) {
    entry *item = *at;
    if (!key || strcmp(item->key, key) == 0) {
      *at = item->next;
      release(item);
    } else {
      at = &item->next;
    }
  }
}

static void at_exit(void) {
  ps_vault_forget(NULL);
}

int32_t ps_vault_put(const char *key, const char *secret) {
  entry *item = create(key, secret);
  pthread_mutex_lock(&vault.lock);
  remove_matching(key);
  if (item) {
    if (!vault.registered) {
      vault.registered = atexit(at_exit) == 0;
    }
    item->next = vault.first;
    vault.first = item;
  }
  pthread_mutex_unlock(&vault.lock);
  return item ? PENSTOCK_OK : PENSTOCK_E_LIMIT;
}

int32_t ps_vault_get(const char *key, char *secret, size_t size) {
  int32_t result = PENSTOCK_E_NOT_FOUND;
  pthread_mutex_lock(&vault.lock);
  const entry *item = vault.first;
  while (item && strcmp(item->key, key) != 0) {
    item = item->next;
  }
  if (item) {
    size_t length = strlen(item->secret);
    result = length < size ? PENSTOCK_OK : PENSTOCK_E_LIMIT;
    if (result == PENSTOCK_OK) {
      memcpy(secret, item->secret, length + 1);
    }
  }
  pthread_mutex_unlock(&vault.lock);
  return result;
}

void ps_vault_forget(const char *key) {
  pthread_mutex_lock(&vault.lock);
  remove_matching(key);
  pthread_mutex_unlock(&vault.lock);
}
