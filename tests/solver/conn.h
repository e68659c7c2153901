/* SPDX-License-Identifier: MIT */
/**
 * @file conn.h
 * One client's connection: buffered reading, whole writes, counters, and the faults that cut it short.
 * Thread: the connection's own.
 */
#ifndef DEMO_CONN_H
#define DEMO_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "faults.h"

/** How a connection ended. */
typedef enum conn_end {
  CONN_OPEN,
  CONN_CLEAN, /**< the exchange was complete */
  CONN_SHORT, /**< the client ended its direction before all that was announced had come */
  CONN_RESET, /**< the client, or something between, reset it */
  CONN_CUT    /**< we ended it: a fault, or ABRT */
} conn_end;

/** "clean", "reset" … */
const char *conn_end_name(conn_end end);

/** A connection. `kind` and `sha256` are for the statistics. */
typedef struct demo_conn {
  int fd;
  uint64_t id;
  const demo_faults *faults;
  char kind[8];
  char sha256[DIGEST_TEXT];
  uint64_t in;  /**< bytes received */
  uint64_t out; /**< bytes sent */
  conn_end end;
  int abrupt; /**< closing will send a reset */
  uint8_t *buffer;
  size_t begin;
  size_t have;
} demo_conn;

/** Takes over a connected socket. Returns 0, or -1 if out of memory (the socket is then closed). */
int conn_open(demo_conn *self, int fd, uint64_t id, const demo_faults *faults);
/**
 * Ends it. Unless it was reset, half-closes and waits a moment for the client's end, so that the answer is not
 * lost in a reset.
 */
void conn_close(demo_conn *self);

/**
 * The next 1..max bytes, without a copy; valid until the next call. NULL at the client's half-close
 * (`*size` 0, end still CONN_OPEN) and when the connection is broken (end set).
 */
const uint8_t *conn_take(demo_conn *self, size_t max, size_t *size);
/** Reads exactly `size` bytes. Returns 0 or -1 (end set). */
int conn_read(demo_conn *self, void *to, size_t size);
/** Reads a big-endian u64. Returns 0 or -1 (end set). */
int conn_read_u64(demo_conn *self, uint64_t *value);
/** Writes all of it. Returns 0 or -1 (end set). */
int conn_write(demo_conn *self, const void *data, size_t size);
/** Half-closes. */
void conn_shutdown(demo_conn *self);
/** Resets the connection (RST). */
void conn_reset(demo_conn *self);
/** Waits until the client goes away; sets the end. */
void conn_hold(demo_conn *self);

#endif
