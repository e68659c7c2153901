/* SPDX-License-Identifier: MIT */
/**
 * @file tail.h
 * The end of what was said: a ring of bytes. Nothing here needs Windows. Thread: any, one at a time.
 */
#ifndef TRANSPORTS_NATIVE_TAIL_H
#define TRANSPORTS_NATIVE_TAIL_H

#include <stddef.h>

typedef struct tail {
  char *bytes; /**< twice as many as are kept: the second half has them in order once tail_text has been called */
  size_t most;
  size_t size;
  size_t at; /**< where the next one goes */
} tail;

/** Keeps the last `most` bytes. Returns 0, or -1 if memory is out. */
int tail_init(tail *self, size_t most);
void tail_clear(tail *self);
void tail_add(tail *self, const char *data, size_t size);
/** All that is kept, in order; its own, until the next call. */
const char *tail_text(tail *self, size_t *size);

#endif
