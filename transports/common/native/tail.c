/* SPDX-License-Identifier: MIT */
#include "common/native/tail.h"

#include <stdlib.h>
#include <string.h>

int tail_init(tail *self, size_t most) {
  *self = (tail){.bytes = malloc(2 * most), .most = most};
  return self->bytes ? 0 : -1;
}

void tail_clear(tail *self) {
  free(self->bytes);
  *self = (tail){0};
}

void tail_add(tail *self, const char *data, size_t size) {
  if (size > self->most) {
    data += size - self->most;
    size = self->most;
  }
  size_t first = size < self->most - self->at ? size : self->most - self->at;
  memcpy(self->bytes + self->at, data, first);
  memcpy(self->bytes, data + first, size - first);
  self->at = (self->at + size) % self->most;
  self->size = self->size + size < self->most ? self->size + size : self->most;
}

const char *tail_text(tail *self, size_t *size) {
  char *out = self->bytes + self->most;
  size_t begin = (self->at + self->most - self->size) % self->most;
  size_t first = self->size < self->most - begin ? self->size : self->most - begin;
  memcpy(out, self->bytes + begin, first);
  memcpy(out + first, self->bytes, self->size - first);
  *size = self->size;
  return out;
}
