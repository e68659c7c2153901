/* SPDX-License-Identifier: MIT */
#include "cli/far_command.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "net/net.h"

/* Bytes at once. */
#define CHUNK ((size_t)64 * 1024)
/* When all was said, the far end has so long to end in order. */
#define FAREWELL_MS 2000

/* What is on its way to the command. */
typedef struct input {
  int is_open; /* there may be more */
  size_t size;
  size_t at;
  char bytes[CHUNK];
} input;

/* Whoever has no more, or cannot be read, has ended; the command goes on. */
static void read_input(input *self, penstock_socket socket) {
  ssize_t count = read(STDIN_FILENO, self->bytes, sizeof(self->bytes));
  if (count > 0) {
    self->size = (size_t)count;
    self->at = 0;
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    self->is_open = 0;
    ps_net_shutdown_write(socket);
  }
}

static void write_input(input *self, penstock_socket socket) {
  long count = ps_net_write(socket, self->bytes + self->at, self->size - self->at);
  if (count > 0) {
    self->at += (size_t)count;
  } else if (count == PS_NET_BROKEN) { /* what comes from there says why */
    self->is_open = 0;
    self->at = self->size;
  }
}

int ps_far_pump(penstock_socket socket, int takes_input, ps_trailer *trailer, ps_trailer_emit *emit, void *context) {
  static char block[CHUNK];
  static input in;
  int result = PENSTOCK_OK;
  in.size = in.at = 0;
  in.is_open = takes_input;
  if (!takes_input) {
    ps_net_shutdown_write(socket);
  }
  while (result == PENSTOCK_OK && !trailer->is_whole) {
    int is_pending = in.at < in.size;
    struct pollfd watched[2] = {
        {.fd = (int)socket, .events = (short)(POLLIN | (is_pending ? POLLOUT : 0))},
        {.fd = in.is_open && !is_pending ? STDIN_FILENO : -1, .events = POLLIN},
    };
    if (poll(watched, 2, -1) < 0) {
      continue; /* a signal that did not end us */
    }
    if (watched[1].revents) {
      read_input(&in, socket);
    }
    if (in.at < in.size && (is_pending ? watched[0].revents & POLLOUT : 1)) {
      write_input(&in, socket);
    }
    long count =
        watched[0].revents & (POLLIN | POLLHUP | POLLERR) ? ps_net_read(socket, block, sizeof(block)) : PS_NET_AGAIN;
    if (count == 0 || count == PS_NET_BROKEN) {
      return PENSTOCK_OK;
    }
    if (count > 0) {
      result = ps_trailer_feed(trailer, block, (size_t)count, emit, context);
    }
  }
  return result;
}

void ps_far_farewell(penstock_socket socket) {
  char rest[4096];
  long count = 1;
  ps_net_shutdown_write(socket);
  while (count > 0 || count == PS_NET_AGAIN) {
    count = ps_net_read(socket, rest, sizeof(rest));
    if (count == PS_NET_AGAIN && !ps_net_wait(socket, 0, FAREWELL_MS)) {
      return;
    }
  }
}
