/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)128 * 1024)
/* How long a client may take to end its direction after the answer. */
#define LINGER_MS 2000

const char *conn_end_name(conn_end end) {
  static const char *const names[] = {"open", "clean", "short", "reset", "cut"};
  return names[end];
}

int conn_open(demo_conn *self, int fd, uint64_t id, const demo_faults *faults) {
  int one = 1;
  memset(self, 0, sizeof(*self));
  self->fd = fd;
  self->id = id;
  self->faults = faults;
  self->buffer = malloc(BUFFER_SIZE);
  if (!self->buffer) {
    close(fd);
    return -1;
  }
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return 0;
}

/* What is left to read after the answer is thrown away: closing on it would send a reset, and lose the answer. */
static void linger(demo_conn *self) {
  struct pollfd entry = {.fd = self->fd, .events = POLLIN};
  (void)shutdown(self->fd, SHUT_WR);
  while (poll(&entry, 1, LINGER_MS) > 0) {
    ssize_t count = recv(self->fd, self->buffer, BUFFER_SIZE, 0);
    if (count < 0 && errno == ECONNRESET) {
      self->end = CONN_RESET;
    }
    if (count <= 0) {
      return;
    }
    self->in += (uint64_t)count;
  }
}

void conn_close(demo_conn *self) {
  if (self->end == CONN_OPEN) {
    self->end = CONN_CLEAN;
  }
  if (self->end != CONN_RESET && !self->abrupt) {
    linger(self);
  }
  close(self->fd);
  free(self->buffer);
}

void conn_reset(demo_conn *self) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  self->abrupt = 1;
  self->end = CONN_CUT;
}

void conn_hold(demo_conn *self) {
  struct pollfd entry = {.fd = self->fd, .events = POLLRDHUP};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
  self->end = entry.revents & (POLLERR | POLLHUP) ? CONN_RESET : CONN_CUT;
}

/* How much of `want` may still move; 0 = the fault has struck and the end is set. */
static size_t allowed(demo_conn *self, size_t want) {
  const demo_faults *faults = self->faults;
  uint64_t moved = self->in + self->out;
  if (faults->cut == FAULT_CUT_NONE) {
    return want;
  }
  if (moved < faults->cut_bytes) {
    uint64_t room = faults->cut_bytes - moved;
    return room < want ? (size_t)room : want;
  }
  switch (faults->cut) {
  case FAULT_CUT_RESET:
    conn_reset(self);
    break;
  case FAULT_CUT_STALL:
    conn_hold(self);
    break;
  default:
    self->end = CONN_CUT;
    break;
  }
  return 0;
}

/* Does the first byte come soon enough? */
static int comes_in_time(demo_conn *self) {
  struct pollfd entry = {.fd = self->fd, .events = POLLIN};
  double limit_s = self->faults->close_idle_s;
  if (limit_s == 0 || self->in > 0 || poll(&entry, 1, (int)(limit_s * 1000)) != 0) {
    return 1;
  }
  self->abrupt = 1; /* it does not linger: what comes from now on meets nobody */
  self->end = CONN_CUT;
  return 0;
}

const uint8_t *conn_take(demo_conn *self, size_t max, size_t *size) {
  *size = 0;
  if (self->end != CONN_OPEN) {
    return NULL;
  }
  if (self->have == 0) {
    size_t room = allowed(self, BUFFER_SIZE);
    ssize_t count;
    if (room == 0 || !comes_in_time(self)) {
      return NULL;
    }
    do {
      count = recv(self->fd, self->buffer, room, 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
      self->end = CONN_RESET;
    }
    if (count <= 0) {
      return NULL;
    }
    self->in += (uint64_t)count;
    self->begin = 0;
    self->have = (size_t)count;
  }
  const uint8_t *data = self->buffer + self->begin;
  *size = self->have < max ? self->have : max;
  self->begin += *size;
  self->have -= *size;
  return data;
}

int conn_read(demo_conn *self, void *to, size_t size) {
  uint8_t *next = to;
  while (size > 0) {
    size_t count = 0;
    const uint8_t *data = conn_take(self, size, &count);
    if (!data) {
      self->end = self->end == CONN_OPEN ? CONN_SHORT : self->end;
      return -1;
    }
    memcpy(next, data, count);
    next += count;
    size -= count;
  }
  return 0;
}

int conn_read_u64(demo_conn *self, uint64_t *value) {
  uint8_t bytes[8];
  if (conn_read(self, bytes, sizeof(bytes)) != 0) {
    return -1;
  }
  *value = 0;
  for (size_t i = 0; i < sizeof(bytes); i++) {
    *value = *value << 8 | bytes[i];
  }
  return 0;
}

int conn_write(demo_conn *self, const void *data, size_t size) {
  const uint8_t *next = data;
  while (size > 0) {
    size_t room = self->end == CONN_OPEN ? allowed(self, size) : 0;
    if (room == 0) {
      return -1;
    }
    ssize_t count = send(self->fd, next, room, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      self->end = CONN_RESET;
      return -1;
    }
    self->out += (uint64_t)count;
    next += count;
    size -= (size_t)count;
  }
  return 0;
}

void conn_shutdown(demo_conn *self) {
  (void)shutdown(self->fd, SHUT_WR);
}
