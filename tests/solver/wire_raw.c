/* SPDX-License-Identifier: MIT */
/* BDAT, and the headers that only the demo solver knows: the simplest exchanges that test one thing each. */
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define BLOCK ((size_t)65536)

/* Takes everything up to the half-close; `digest` may be NULL. Returns the count, or -1 if broken. */
static int64_t take_all(demo_conn *conn, demo_digest *digest) {
  int64_t total = 0;
  size_t count = 0;
  for (const uint8_t *data; (data = conn_take(conn, BLOCK * 2, &count));) {
    if (digest) {
      digest_add(digest, data, count);
    }
    total += (int64_t)count;
  }
  return conn->end == CONN_OPEN ? total : -1;
}

static void sink(demo_conn *conn, int hashed, int answer) {
  demo_digest *digest = hashed ? digest_create() : NULL;
  int64_t total = hashed && !digest ? -1 : take_all(conn, digest);
  if (digest && total >= 0) {
    digest_text(digest, conn->sha256);
  }
  digest_destroy(digest);
  if (total >= 0 && answer) {
    wire_answer(conn, json_pack("{sI ss}", "count", (json_int_t)total, "sha256", conn->sha256));
  }
}

static void bdat(demo_conn *conn) {
  if (take_all(conn, NULL) >= 0) {
    (void)conn_write(conn, "BINARY_OK", 9);
  }
}

static void echo(demo_conn *conn) {
  size_t count = 0;
  for (const uint8_t *data; (data = conn_take(conn, BLOCK, &count));) {
    if (conn_write(conn, data, count) != 0) {
      return;
    }
  }
}

/* splitmix64, by Sebastiano Vigna (public domain): good enough bytes, easy to write again in any language. */
static uint64_t next_word(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static void put_word(uint8_t *to, uint64_t word) {
  for (size_t i = 0; i < 8; i++) {
    to[i] = (uint8_t)(word >> (56 - 8 * i));
  }
}

/*
 * Sends `size` bytes: one block of random words over and over, whose first word is the block's number, so that
 * a lost, doubled or swapped block shows while nothing is computed per byte.
 */
static int send_stream(demo_conn *conn, uint64_t size, uint64_t seed) {
  uint8_t *block = malloc(BLOCK);
  int result = block ? 0 : -1;
  for (size_t i = 0; block && i < BLOCK; i += 8) {
    put_word(block + i, next_word(&seed));
  }
  for (uint64_t number = 0; result == 0 && size > 0; number++) {
    size_t count = size < BLOCK ? (size_t)size : BLOCK;
    put_word(block, number);
    result = conn_write(conn, block, count);
    size -= count;
  }
  free(block);
  return result;
}

static void source(demo_conn *conn) {
  uint64_t size = 0;
  uint64_t seed = 0;
  if (conn_read_u64(conn, &size) == 0 && conn_read_u64(conn, &seed) == 0) {
    (void)send_stream(conn, size, seed);
  }
}

static void abort_after(demo_conn *conn) {
  uint64_t size = 0;
  if (conn_read_u64(conn, &size) == 0 && send_stream(conn, size, 0) == 0) {
    conn_reset(conn);
  }
}

static void half(demo_conn *conn) {
  if (conn_write(conn, "HALF", 4) == 0) {
    conn_shutdown(conn);
    sink(conn, 1, 0);
  }
}

int wire_raw(demo_conn *conn, const char *header) {
  if (strcmp(header, "BDAT") == 0) {
    bdat(conn);
  } else if (strcmp(header, "ECHO") == 0) {
    echo(conn);
  } else if (strcmp(header, "SINK") == 0) {
    sink(conn, 1, 1);
  } else if (strcmp(header, "DROP") == 0) {
    sink(conn, 0, 1);
  } else if (strcmp(header, "SRCE") == 0) {
    source(conn);
  } else if (strcmp(header, "ABRT") == 0) {
    abort_after(conn);
  } else if (strcmp(header, "HALF") == 0) {
    half(conn);
  } else if (strcmp(header, "HOLD") == 0) {
    conn_hold(conn);
  } else {
    return -1;
  }
  return 0;
}
