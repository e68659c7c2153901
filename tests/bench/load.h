/* SPDX-License-Identifier: MIT */
/**
 * @file load.h
 * Both ends of a measurement: a server that sinks, sends or echoes, and a client that times it.
 *
 * A connection begins with a request of LOAD_REQUEST bytes that says what the server is to do. Data are
 * random bytes that follow from the request's seed, so that each end can check what it gets.
 */
#ifndef PENSTOCK_LOAD_H
#define PENSTOCK_LOAD_H

#include <stddef.h>
#include <stdint.h>

/** Size of a request, and of the messages that are echoed, in bytes. */
#define LOAD_REQUEST 64
/** Size of reads and writes, in bytes. */
#define LOAD_CHUNK ((size_t)256 * 1024)

typedef enum load_op {
  LOAD_UP = 1,   /**< the client sends `size` bytes; the server answers with one request when it has them all */
  LOAD_DOWN = 2, /**< the server sends `size` bytes and closes */
  LOAD_ECHO = 3  /**< the request and whatever follows, LOAD_REQUEST bytes at a time, come back */
} load_op;

/** The request, as it is sent (both ends are this program on this machine). */
typedef struct load_request {
  char magic[8]; /**< LOAD_MAGIC */
  uint32_t op;
  uint32_t check; /**< 1 = the receiver compares every byte */
  uint64_t size;
  uint64_t seed;
  char padding[LOAD_REQUEST - 32];
} load_request;

#define LOAD_MAGIC "penload1"
_Static_assert(sizeof(load_request) == LOAD_REQUEST, "a request has a fixed size");

/** Most connections of one task. */
#define LOAD_STREAMS 64

/** What the client is to do. */
typedef struct load_task {
  uint16_t port;
  load_op op;
  int check;
  int streams;   /**< connections at once (LOAD_UP, LOAD_DOWN) */
  uint64_t size; /**< bytes, of all streams together */
  int count;     /**< LOAD_ECHO: how many; each has a connection of its own unless `keep` */
  int keep;      /**< one connection for all */
} load_task;

/* load_wire.c: blocking sockets on the loopback interface, and the data. Failures return -1. */

int load_listen(uint16_t *port);
int load_connect(uint16_t port);
int load_send_all(int fd, const void *data, size_t size);
/** Reads exactly `size` bytes. Returns 0, 1 at an end before the first byte, or -1. */
int load_receive_all(int fd, void *data, size_t size);
/** Sends `size` bytes that follow from `seed`. */
int load_send_data(int fd, uint64_t seed, uint64_t size);
/** Receives `size` bytes, compared with what `seed` gives if `check`. */
int load_receive_data(int fd, uint64_t seed, uint64_t size, int check);

/** Prints the port, and serves until it is ended by a signal. Returns an exit code. */
int load_serve(uint16_t port);
/** Runs a task and prints the result as a JSON object. Returns an exit code. */
int load_run(const load_task *task);

#endif
