/* SPDX-License-Identifier: MIT */
#include "cli/trailer.h"

#include <stdlib.h>
#include <string.h>

int ps_trailer_begin(ps_trailer *self, const char *mark) {
  memset(self, 0, sizeof(*self));
  self->mark_size = mark ? strlen(mark) : 0;
  if (self->mark_size == 0 || self->mark_size > PS_TRAILER_MARK_MAX) {
    return PENSTOCK_E_INVALID;
  }
  memcpy(self->mark, mark, self->mark_size);
  return PENSTOCK_OK;
}

/* The longest beginning of the mark, shorter than `matched`, that is also the end of its first `matched` bytes. */
static size_t next_best(const ps_trailer *self, size_t matched) {
  size_t size = matched - 1;
  while (size > 0 && memcmp(self->mark, self->mark + matched - size, size) != 0) {
    size--;
  }
  return size;
}

/* Output, up to the mark. `*used` of the bytes belong to it. */
static int feed_output(ps_trailer *self, const char *data, size_t size, size_t *used, ps_trailer_emit *emit,
                       void *context) {
  size_t at = 0;
  int result = 0;
  while (at < size && self->matched < self->mark_size && result == 0) {
    if (self->matched == 0 && data[at] != self->mark[0]) {
      const char *next = memchr(data + at, self->mark[0], size - at);
      size_t plain = next ? (size_t)(next - data) - at : size - at;
      result = emit(context, data + at, plain);
      at += plain;
    } else if (data[at] == self->mark[self->matched]) {
      self->matched++;
      at++;
    } else {
      size_t keep = next_best(self, self->matched);
      result = emit(context, self->mark, self->matched - keep);
      self->matched = keep;
    }
  }
  *used = at;
  return result;
}

/* " STATUS SIZE" */
static int read_head(ps_trailer *self) {
  char *end = NULL;
  self->head[self->head_size] = '\0';
  if (self->head[strspn(self->head, " 0123456789")] != '\0') {
    return PENSTOCK_E_FAILED;
  }
  long status = self->head[0] == ' ' ? strtol(self->head, &end, 10) : -1;
  if (status < 0 || status > 255 || *end != ' ') {
    return PENSTOCK_E_FAILED;
  }
  const char *size = end + 1;
  unsigned long errors = strtoul(size, &end, 10);
  if (end == size || *end != '\0' || errors > PS_TRAILER_ERRORS_MAX) {
    return PENSTOCK_E_FAILED;
  }
  self->status = (int)status;
  self->errors_left = errors;
  self->has_head = 1;
  self->is_whole = errors == 0;
  return PENSTOCK_OK;
}

static int feed_head(ps_trailer *self, const char *data, size_t size, size_t *used) {
  for (*used = 0; *used < size && !self->has_head;) {
    char next = data[(*used)++];
    if (next == '\n') {
      return read_head(self);
    }
    if (self->head_size == sizeof(self->head) - 1) {
      return PENSTOCK_E_FAILED;
    }
    self->head[self->head_size++] = next;
  }
  return PENSTOCK_OK;
}

static void feed_errors(ps_trailer *self, const char *data, size_t size) {
  size_t count = size < self->errors_left ? size : self->errors_left;
  ps_text_add(&self->errors, data, count);
  self->errors_left -= count;
  self->is_whole = self->errors_left == 0;
}

int ps_trailer_feed(ps_trailer *self, const void *data, size_t size, ps_trailer_emit *emit, void *context) {
  const char *at = data;
  size_t used = 0;
  int result = PENSTOCK_OK;
  if (self->matched < self->mark_size) {
    result = feed_output(self, at, size, &used, emit, context);
    at += used;
    size -= used;
  }
  if (result == PENSTOCK_OK && self->matched == self->mark_size && !self->has_head) {
    result = feed_head(self, at, size, &used);
    at += used;
    size -= used;
  }
  if (result == PENSTOCK_OK && self->has_head && !self->is_whole) {
    feed_errors(self, at, size);
  }
  return result;
}

int ps_trailer_flush(ps_trailer *self, ps_trailer_emit *emit, void *context) {
  size_t held = self->matched < self->mark_size ? self->matched : 0;
  self->matched -= held;
  return held ? emit(context, self->mark, held) : PENSTOCK_OK;
}
