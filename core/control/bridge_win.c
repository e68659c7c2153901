/* SPDX-License-Identifier: MIT */
#include "control/bridge_win.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "control/frames.h"
#include "control/pipe_win.h"
#include "net/net.h"
#include "net/net_win.h"

#define CHUNK ((size_t)64 * 1024)
/* The threads need little more than a buffer, which is not on it. */
#define STACK 65536
/* How often a thread that cannot write looks whether somebody still wants it to. */
#define LOOK_EVERY_MS 100

typedef struct bridge {
  HANDLE pipe; /* a handle of our own */
  penstock_socket socket;
  HANDLE client;    /* its process; NULL if it cannot be seen */
  HANDLE answered;  /* something has come out of the socket: the pipe is ours now */
  HANDLE over;      /* one of the two has ended: so does the other one */
  HANDLE events[2]; /* of the two threads */
  char *blocks[2];
  atomic_int users;
  atomic_int has_failed; /* the socket is to be reset */
} bridge;

/* Those that there are. */
static atomic_int live;

static void destroy(bridge *self) {
  const HANDLE handles[] = {self->pipe, self->client, self->answered, self->over, self->events[0], self->events[1]};
  for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
    if (handles[i]) {
      (void)CloseHandle(handles[i]);
    }
  }
  if (self->socket != PENSTOCK_SOCKET_NONE && self->has_failed) {
    ps_net_hang_up(self->socket);
  } else if (self->socket != PENSTOCK_SOCKET_NONE) {
    ps_net_close(self->socket);
  }
  free(self->blocks[0]);
  free(self->blocks[1]);
  free(self);
}

/* Not at the first of two ends: the last one lets go of what both use. */
static void leave(bridge *self, int has_failed) {
  if (has_failed) {
    atomic_store(&self->has_failed, 1);
  }
  (void)SetEvent(self->over);
  if (atomic_fetch_sub(&self->users, 1) == 1) {
    destroy(self);
    atomic_fetch_sub(&live, 1);
  }
}

/* --- from the client ------------------------------------------------------------------------------ */

/* Has the other thread ended, or the client's process? */
static int is_called_off(const bridge *self) {
  return WaitForSingleObject(self->over, 0) == WAIT_OBJECT_0 ||
         (self->client && WaitForSingleObject(self->client, 0) == WAIT_OBJECT_0);
}

/* Not by overlapped writes, for those of Wine are now and then never done where the socket is read at the same time.
 * While the command does not take what was sent, nobody reads the pipe, and a client that goes would not be noticed. */
static int send_all(const bridge *self, const char *data, size_t size) {
  while (size > 0) {
    long count = ps_net_write(self->socket, data, size);
    if (count == PS_NET_AGAIN && !ps_net_wait(self->socket, 1, LOOK_EVERY_MS) && is_called_off(self)) {
      return -1;
    }
    if (count != PS_NET_AGAIN && count <= 0) {
      return -1;
    }
    data += count > 0 ? count : 0;
    size -= count > 0 ? (size_t)count : 0;
  }
  return 0;
}

/* Passes on what is in the frames. Returns 0, or -1: the socket or the frames are of no more use. */
static int pass_on(const bridge *self, ps_frames *frames, const char *data, size_t size) {
  while (size > 0) {
    const char *part;
    size_t part_size;
    int had_ended = frames->has_ended;
    size_t used = ps_frames_take(frames, data, size, &part, &part_size);
    if (frames->is_bad || send_all(self, part, part_size) != 0) {
      return -1;
    }
    if (frames->has_ended && !had_ended) {
      ps_net_shutdown_write(self->socket);
    }
    data += used;
    size -= used;
  }
  return 0;
}

/* Reads until the client goes, also behind the end of what it sends: that is how its end is seen. */
static DWORD WINAPI carry_in(void *context) {
  bridge *self = context;
  ps_frames frames = {0};
  const ps_pipe_wait reading = {.done = self->events[0], .calls = {self->over}, .patience_ms = INFINITE};
  const HANDLE first[] = {self->over, self->answered};
  long count = 1;
  if (WaitForMultipleObjects(2, first, FALSE, INFINITE) == WAIT_OBJECT_0) {
    count = 0;
  }
  while (count > 0) {
    count = ps_pipe_read(self->pipe, &reading, self->blocks[0], CHUNK);
    if (count > 0 && pass_on(self, &frames, self->blocks[0], (size_t)count) != 0) {
      count = -1;
    }
  }
  /* Once the other direction is over there is nothing left that a reset could tell. */
  leave(self, WaitForSingleObject(self->over, 0) != WAIT_OBJECT_0);
  return 0;
}

/* --- to the client -------------------------------------------------------------------------------- */

static DWORD WINAPI carry_out(void *context) {
  bridge *self = context;
  const ps_pipe_wait wait = {.done = self->events[1], .calls = {self->over}, .patience_ms = INFINITE};
  int has_failed = 0;
  long count = 1;
  while (count > 0 && !has_failed) {
    count = ps_pipe_read((HANDLE)self->socket, &wait, self->blocks[1], CHUNK);
    if (count > 0) {
      (void)SetEvent(self->answered);
      has_failed = ps_pipe_write(self->pipe, &wait, self->blocks[1], (size_t)count) != 0;
    }
  }
  leave(self, has_failed);
  return 0;
}

/* --- its life ------------------------------------------------------------------------------------- */

static bridge *create(HANDLE pipe, DWORD client) {
  bridge *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->socket = PENSTOCK_SOCKET_NONE;
  self->client = client ? OpenProcess(SYNCHRONIZE, FALSE, client) : NULL;
  self->answered = CreateEventW(NULL, TRUE, FALSE, NULL);
  self->over = CreateEventW(NULL, TRUE, FALSE, NULL);
  int is_whole = self->answered && self->over;
  for (int i = 0; i < 2; i++) {
    self->events[i] = CreateEventW(NULL, TRUE, FALSE, NULL);
    self->blocks[i] = malloc(CHUNK);
    is_whole = is_whole && self->events[i] && self->blocks[i];
  }
  if (!is_whole ||
      !DuplicateHandle(GetCurrentProcess(), pipe, GetCurrentProcess(), &self->pipe, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
    destroy(self);
    return NULL;
  }
  return self;
}

int ps_control_bridge(HANDLE pipe, DWORD client, penstock_socket *socket) {
  penstock_socket pair[2];
  bridge *self = create(pipe, client);
  *socket = PENSTOCK_SOCKET_NONE;
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  if (ps_net_pair(pair) != PENSTOCK_OK) {
    destroy(self);
    return PENSTOCK_E_LIMIT;
  }
  self->socket = pair[1];
  atomic_store(&self->users, 2);
  atomic_fetch_add(&live, 1);
  HANDLE in = CreateThread(NULL, STACK, carry_in, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  HANDLE out = in ? CreateThread(NULL, STACK, carry_out, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL) : NULL;
  if (in) {
    (void)CloseHandle(in);
  }
  if (out) {
    (void)CloseHandle(out);
    *socket = pair[0];
    return PENSTOCK_OK;
  }
  if (in) {
    leave(self, 1); /* for the one that is missing; the other one follows */
  } else {
    destroy(self);
    atomic_fetch_sub(&live, 1);
  }
  ps_net_close(pair[0]);
  return PENSTOCK_E_LIMIT;
}

void ps_control_bridges_settle(DWORD patience_ms) {
  const ULONGLONG end = GetTickCount64() + patience_ms;
  while (atomic_load(&live) > 0 && GetTickCount64() < end) {
    Sleep(5);
  }
}
