/* SPDX-License-Identifier: MIT */
/**
 * @file load.h
 * Both ends of a measurement: a server that sinks, sends, echoes or holds, and a client that times it.
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
  LOAD_ECHO = 3, /**< the request and whatever follows, LOAD_REQUEST bytes at a time, come back */
  LOAD_HOLD = 4  /**< the request comes back, and then nothing happens until the client closes */
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

/** Most connections of one bulk task. */
#define LOAD_STREAMS 64

/** What the client is to do. */
typedef struct load_task {
  uint16_t port;
  load_op op; /**< of bulk: LOAD_UP or LOAD_DOWN */
  int check;
  int streams;       /**< connections at once */
  uint64_t size;     /**< bytes, of all streams together */
  int count;         /**< how many exchanges, or idle streams */
  unsigned pause_us; /**< between polls */
  unsigned time_ms;  /**< load_run_loaded: it ends after this time, or else after `count` exchanges */
} load_task;

/* load_wire.c: blocking sockets on the loopback interface, and the data. Failures return -1. */

int load_listen(uint16_t *port);
int load_connect(uint16_t port);
int load_send_all(int fd, const void *data, size_t size);
/** Reads exactly `size` bytes. Returns 0, 1 at an end before the first byte, or -1. */
int load_receive_all(int fd, void *data, size_t size);
/** One period of the data that follow from `seed`, and LOAD_CHUNK bytes more; to be freed. */
unsigned char *load_make_data(uint64_t seed);
/** Sends `size` bytes that follow from `seed`. */
int load_send_data(int fd, uint64_t seed, uint64_t size);
/** Receives `size` bytes, compared with what `seed` gives if `check`. */
int load_receive_data(int fd, uint64_t seed, uint64_t size, int check);
load_request load_make_request(load_op op, int check, uint64_t size, uint64_t seed);
/** Sends a request and receives it again. */
int load_exchange(int fd, const load_request *request);

/* load_times.c: the clock, and many times of one kind. */

uint64_t load_now_ns(void);

typedef struct load_times {
  double *us; /**< microseconds each */
  int count;
  int room;
} load_times;

int load_times_create(load_times *self, int room);
void load_times_destroy(load_times *self);
/** Keeps what has passed since `began`. */
void load_times_add(load_times *self, uint64_t began);
/** Sorts, and prints members of a JSON object: median_us, p99_us, count. */
void load_times_print(load_times *self);

/* Each prints one JSON object, or says on standard error what failed. They return an exit code. */

/** Prints the port, and serves until it is ended by a signal. */
int load_serve(uint16_t port);
/** Moves `size` bytes over `streams` connections. */
int load_run_bulk(const load_task *task);
/** `count` connections in turn, one exchange each. */
int load_run_connect(const load_task *task);
/** `count` exchanges on one connection. */
int load_run_pingpong(const load_task *task);
/** The same while another connection moves data as fast as it can. */
int load_run_loaded(const load_task *task);
/** `count` connections in turn, on each of which a solver is asked for its state, as Blender does. */
int load_run_poll(const load_task *task);
/** Opens `count` connections, says so, and holds them until the end of standard input. */
int load_run_idle(const load_task *task);

#endif
