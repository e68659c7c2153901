/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_pump.h"

#include <stdlib.h>

#include "common/ssh/ssh_dial.h"

enum {
  CREDIT = 1 << 20,  /* what may come from the stream and wait for the socket */
  UP_SIZE = 1 << 18, /* what may come from the socket and wait for the stream */
  READS_A_TURN = 2   /* of UP_SIZE each, then others have their turn */
};

struct ssh_pump {
  const penstock_host *host;
  penstock_credit_stream stream;
  penstock_socket socket; /* PENSTOCK_SOCKET_NONE once it is closed */
  penstock_watch *watch;
  uint32_t events;

  uint8_t *down; /* from the stream to the socket: CREDIT bytes, once any had to wait */
  size_t down_at;
  size_t down_size;
  int down_eof; /* the stream has ended */

  uint8_t up[UP_SIZE]; /* from the socket to the stream */
  size_t up_at;
  size_t up_size;
  int up_eof;  /* the socket has ended */
  int is_shut; /* and the stream has been told */
};

ssh_pump *ssh_pump_create(const penstock_host *host, const penstock_credit_stream *stream, penstock_socket socket) {
  ssh_pump *pump = calloc(1, sizeof(*pump));
  if (pump) {
    pump->host = host;
    pump->stream = *stream;
    pump->socket = socket;
  }
  return pump;
}

static void close_socket(ssh_pump *pump) {
  if (pump->watch) {
    pump->host->watch_stop(pump->host, pump->watch);
    pump->watch = NULL;
  }
  dial_close(pump->socket);
  pump->socket = PENSTOCK_SOCKET_NONE;
}

void ssh_pump_destroy(ssh_pump *pump) {
  if (pump) {
    close_socket(pump);
    pump->stream.close(pump->stream.stream, PENSTOCK_CLOSE_ABORT);
    free(pump->down);
    free(pump);
  }
}

/* Watches for what can be done. */
static void update(ssh_pump *pump) {
  uint32_t events = (pump->up_at == pump->up_size && !pump->up_eof ? (uint32_t)PENSTOCK_EVENT_READ : 0u) |
                    (pump->down_at < pump->down_size ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  if (pump->watch && events != pump->events) {
    pump->events = events;
    pump->host->watch_set(pump->host, pump->watch, events);
  }
}

/* --- from the stream to the socket ----------------------------------------------------------------- */

/* Sends what waits; returns the count. */
static size_t drain_down(ssh_pump *pump) {
  size_t before = pump->down_at;
  while (pump->down_at < pump->down_size) {
    int64_t count = dial_send(pump->socket, pump->down + pump->down_at, pump->down_size - pump->down_at);
    if (count == DIAL_AGAIN) {
      break;
    }
    if (count < 0) { /* the session above has let go of its end, and takes this pump along */
      pump->down_at = pump->down_size;
      break;
    }
    pump->down_at += (size_t)count;
  }
  size_t sent = pump->down_at - before;
  if (pump->down_at == pump->down_size) {
    pump->down_at = pump->down_size = 0;
    if (pump->down_eof && pump->socket != PENSTOCK_SOCKET_NONE) {
      dial_shut(pump->socket);
    }
  }
  return sent;
}

/* Keeps what the socket did not take: never more than was granted, so that there is always room. */
static int keep_down(ssh_pump *pump, const uint8_t *data, size_t size) {
  if (!pump->down) {
    pump->down = malloc(CREDIT);
  }
  if (!pump->down || size > CREDIT - (pump->down_size - pump->down_at)) {
    return PENSTOCK_E_NOMEM;
  }
  if (pump->down_size + size > CREDIT) {
    memmove(pump->down, pump->down + pump->down_at, pump->down_size - pump->down_at);
    pump->down_size -= pump->down_at;
    pump->down_at = 0;
  }
  memcpy(pump->down + pump->down_size, data, size);
  pump->down_size += size;
  return 0;
}

uint64_t ssh_pump_data(ssh_pump *pump, const void *data, size_t size) {
  size_t sent = 0;
  if (pump->socket == PENSTOCK_SOCKET_NONE) {
    return size; /* nobody reads any more */
  }
  if (pump->down_at == pump->down_size) {
    int64_t count = dial_send(pump->socket, data, size);
    sent = count > 0 ? (size_t)count : count == DIAL_AGAIN ? 0 : size;
  }
  if (sent < size && keep_down(pump, (const uint8_t *)data + sent, size - sent)) {
    close_socket(pump); /* bytes are missing: the session above must not go on */
    return size;
  }
  update(pump);
  return sent;
}

void ssh_pump_eof(ssh_pump *pump) {
  pump->down_eof = 1;
  if (pump->down_at == pump->down_size && pump->socket != PENSTOCK_SOCKET_NONE) {
    dial_shut(pump->socket);
  }
}

void ssh_pump_reset(ssh_pump *pump) {
  close_socket(pump);
}

/* --- from the socket to the stream ----------------------------------------------------------------- */

/* Writes what waits. Is the stream ready for more? */
static int drain_up(ssh_pump *pump) {
  while (pump->up_at < pump->up_size) {
    size_t left = pump->up_size - pump->up_at;
    size_t count = pump->stream.write(pump->stream.stream, pump->up + pump->up_at, left);
    pump->up_at += count;
    if (count < left) {
      return 0; /* it says when */
    }
  }
  pump->up_at = pump->up_size = 0;
  if (pump->up_eof && !pump->is_shut) {
    pump->is_shut = 1;
    pump->stream.shutdown_write(pump->stream.stream);
  }
  return !pump->up_eof;
}

/* What is read at once: full packets of the stream's, without a small one at the end. */
static size_t read_size(const ssh_pump *pump) {
  size_t chunk = pump->stream.write_chunk;
  return chunk > 0 && chunk < UP_SIZE ? UP_SIZE - UP_SIZE % chunk : (size_t)UP_SIZE;
}

static void read_up(ssh_pump *pump) {
  for (int i = 0; i < READS_A_TURN && drain_up(pump) && pump->socket != PENSTOCK_SOCKET_NONE; i++) {
    int64_t count = dial_receive(pump->socket, pump->up, read_size(pump));
    if (count == DIAL_AGAIN) {
      break;
    }
    pump->up_eof = count <= 0;
    pump->up_size = count > 0 ? (size_t)count : 0;
  }
  (void)drain_up(pump);
}

void ssh_pump_writable(ssh_pump *pump) {
  (void)drain_up(pump);
  update(pump);
}

/* --- the socket ------------------------------------------------------------------------------------ */

static void on_socket(void *context, uint32_t events) {
  ssh_pump *pump = context;
  if (events & (PENSTOCK_EVENT_WRITE | PENSTOCK_EVENT_ERROR)) {
    size_t sent = drain_down(pump);
    if (sent > 0) {
      pump->stream.grant(pump->stream.stream, sent);
    }
  }
  if (events & (PENSTOCK_EVENT_READ | PENSTOCK_EVENT_ERROR)) {
    read_up(pump);
  }
  update(pump);
}

int ssh_pump_start(ssh_pump *pump) {
  pump->events = PENSTOCK_EVENT_READ;
  pump->watch = pump->host->watch_start(pump->host, pump->socket, pump->events, on_socket, pump);
  if (!pump->watch) {
    return PENSTOCK_E_NOMEM;
  }
  pump->stream.grant(pump->stream.stream, CREDIT);
  return 0;
}
