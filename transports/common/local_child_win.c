/* SPDX-License-Identifier: MIT */
/*
 * The script goes to the shell's standard input, in front of the stream's own bytes, as it does over SSH
 * (script_stream.h): on a command line it would be taken apart by rules of the shell's own, and there is little room.
 */
#include "common/local_child.h"

#include <stdlib.h>

#include <winsock2.h>

#include "common/script.h"
#include "common/script_stream.h"
#include "common/win/socket_child_win.h"
#include "win/reason.h"

enum {
  NOISE_MAX = 16 * 1024, /* that may come before the script's mark */
  STEP_MS = 2
};

struct local_child {
  socket_child *child;
  penstock_socket data;
  penstock_socket messages;
  uint64_t sent;
  int has_lost_input;

  char nonce[SCRIPT_NONCE_SIZE];
  int has_begun; /* the script's mark has come: what follows is its output */
  char *noise;
  size_t noise_size;
};

static void close_socket(penstock_socket *socket) {
  if (*socket != PENSTOCK_SOCKET_NONE) {
    (void)closesocket((SOCKET)*socket);
    *socket = PENSTOCK_SOCKET_NONE;
  }
}

/* --- starting -------------------------------------------------------------------------------------- */

/* All at once: a new connection of this machine has room for far more than a script is long. */
static int send_script(local_child *self, const char *body) {
  size_t size = 0;
  char *wrapped = script_nonce(self->nonce) ? NULL : script_stream_wrap(body, strlen(body), self->nonce, &size);
  int sent = wrapped && size <= INT_MAX ? send((SOCKET)self->data, wrapped, (int)size, 0) : -1;
  free(wrapped);
  self->sent = sent > 0 ? (uint64_t)sent : 0;
  return sent >= 0 && (size_t)sent == size;
}

static void start(local_child *self, const local_shell *shell, DWORD *reason) {
  const char *argv[LOCAL_SHELL_WORDS_MAX + 2] = {NULL};
  size_t count = 0;
  for (; shell->words[count]; count++) {
    argv[count] = shell->words[count];
  }
  argv[count] = "-s";
  const child_command command = {.argv = argv, .env = (const char *const *)shell->env};
  self->child = socket_child_start(&command, &self->data, &self->messages, reason);
}

local_child *local_child_start(const local_shell *shell, const char *body, penstock_error *error) {
  DWORD reason = ERROR_NOT_ENOUGH_MEMORY;
  char text[160];
  local_child *self = calloc(1, sizeof(*self));
  if (self) {
    self->noise = malloc(NOISE_MAX);
    self->data = self->messages = PENSTOCK_SOCKET_NONE;
    if (self->noise) {
      start(self, shell, &reason);
    }
    if (self->child && send_script(self, body)) {
      return self;
    }
    local_child_hang_up(self);
    socket_child_free(self->child);
    free(self->noise);
    free(self);
  }
  ps_reason(reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "%.300s cannot be started: %s", shell->name,
                      text);
  penstock_next(error, "A limit of this machine may be reached: end other programs; or set `shell` to another one");
  return NULL;
}

penstock_socket local_child_data(const local_child *child) {
  return child->data;
}

penstock_socket local_child_messages(const local_child *child) {
  return child->messages;
}

/* --- input and outputs ----------------------------------------------------------------------------- */

static int64_t take(penstock_socket socket, void *data, size_t size) {
  int count = recv((SOCKET)socket, data, size > INT_MAX ? INT_MAX : (int)size, 0);
  return count >= 0 ? count : WSAGetLastError() == WSAEWOULDBLOCK ? LOCAL_CHILD_AGAIN : LOCAL_CHILD_BROKEN;
}

/* What comes before the mark is no part of the output. Never leaves behind more than `size` bytes after it, since no
 * more are read at once. */
static int64_t read_to_mark(local_child *self, void *data, size_t size) {
  size_t room = NOISE_MAX - self->noise_size;
  int64_t count = take(self->data, self->noise + self->noise_size, size < room ? size : room);
  if (count <= 0) {
    return count;
  }
  self->noise_size += (size_t)count;
  const char *begin = script_stream_begin(self->noise, self->noise_size, self->nonce);
  if (!begin) {
    return self->noise_size < NOISE_MAX ? LOCAL_CHILD_AGAIN : LOCAL_CHILD_BROKEN;
  }
  size_t rest = self->noise_size - (size_t)(begin - self->noise);
  self->has_begun = 1;
  memcpy(data, begin, rest);
  return rest > 0 ? (int64_t)rest : LOCAL_CHILD_AGAIN;
}

int64_t local_child_read(local_child *child, void *data, size_t size) {
  return child->has_begun ? take(child->data, data, size) : read_to_mark(child, data, size);
}

int64_t local_child_write(local_child *child, const void *data, size_t size) {
  if (socket_child_has_lost_input(child->child, child->sent) == 1) {
    return LOCAL_CHILD_BROKEN;
  }
  int count = send((SOCKET)child->data, data, size > INT_MAX ? INT_MAX : (int)size, 0);
  if (count >= 0) {
    child->sent += (uint64_t)count;
    return count;
  }
  return WSAGetLastError() == WSAEWOULDBLOCK ? LOCAL_CHILD_AGAIN : LOCAL_CHILD_BROKEN;
}

int64_t local_child_read_messages(local_child *child, void *data, size_t size) {
  int64_t count = take(child->messages, data, size);
  return count == LOCAL_CHILD_BROKEN ? 0 : count;
}

void local_child_end_input(local_child *child) {
  (void)shutdown((SOCKET)child->data, SD_SEND);
}

void local_child_hang_up(local_child *child) {
  close_socket(&child->data);
  close_socket(&child->messages);
}

/* --- the end --------------------------------------------------------------------------------------- */

/* It counts as running until it is known of each byte whether it was read, while somebody cares. */
int local_child_has_ended(local_child *child, int *code, int *signal_number) {
  *signal_number = 0;
  if (!child_has_ended(socket_child_process(child->child), code)) {
    return 0;
  }
  int lost = socket_child_has_lost_input(child->child, child->sent);
  child->has_lost_input = lost == 1;
  return lost != SOCKET_CHILD_UNKNOWN || child->data == PENSTOCK_SOCKET_NONE;
}

int local_child_has_lost_input(const local_child *child) {
  return child->has_lost_input;
}

void local_child_kill(local_child *child, int force) {
  if (force) {
    child_kill(socket_child_process(child->child));
  }
}

void local_child_end(local_child *child, uint64_t patience_ms) {
  int code;
  int signal_number;
  for (uint64_t waited = 0; !local_child_has_ended(child, &code, &signal_number) && waited < patience_ms;
       waited += STEP_MS) {
    Sleep(STEP_MS);
  }
  socket_child_free(child->child);
  free(child->noise);
  free(child);
}
