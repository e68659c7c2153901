/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_child.h"

#include <stdlib.h>

#include <winsock2.h>

#include "common/win/socket_child_win.h"
#include "win/reason.h"

enum { OUTPUT_MAX = 1 << 20, CHUNK = 4096, STEP_MS = 1000 };

/* One output that is read. */
typedef struct reading {
  penstock_socket socket; /* PENSTOCK_SOCKET_NONE once it has ended */
  char *text;
  size_t size;
} reading;

static void close_socket(penstock_socket *socket) {
  if (*socket != PENSTOCK_SOCKET_NONE) {
    (void)closesocket((SOCKET)*socket);
    *socket = PENSTOCK_SOCKET_NONE;
  }
}

static void read_some(reading *from) {
  char chunk[CHUNK];
  int count = recv((SOCKET)from->socket, chunk, sizeof(chunk), 0);
  if (count < 0 && WSAGetLastError() == WSAEWOULDBLOCK) {
    return;
  }
  if (count <= 0) {
    close_socket(&from->socket);
    return;
  }
  size_t room = OUTPUT_MAX - from->size;
  size_t taken = (size_t)count < room ? (size_t)count : room;
  char *grown = realloc(from->text, from->size + taken + 1);
  if (grown) {
    memcpy(grown + from->size, chunk, taken);
    from->text = grown;
    from->size += taken;
    grown[from->size] = '\0';
  }
}

/* Reads both outputs to their ends. Returns 0, or -1 at the deadline. */
static int read_all(reading *readings, uint64_t deadline) {
  while (readings[0].socket != PENSTOCK_SOCKET_NONE || readings[1].socket != PENSTOCK_SOCKET_NONE) {
    WSAPOLLFD pollers[2];
    uint64_t now = GetTickCount64();
    ULONG count = 0;
    if (now >= deadline) {
      return -1;
    }
    uint64_t left = deadline - now;
    for (int i = 0; i < 2; i++) {
      if (readings[i].socket != PENSTOCK_SOCKET_NONE) {
        pollers[count++] = (WSAPOLLFD){.fd = (SOCKET)readings[i].socket, .events = POLLRDNORM};
      }
    }
    if (WSAPoll(pollers, count, left > STEP_MS ? STEP_MS : (int)left) > 0) {
      for (int i = 0; i < 2; i++) { /* neither blocks */
        if (readings[i].socket != PENSTOCK_SOCKET_NONE) {
          read_some(&readings[i]);
        }
      }
    }
  }
  return 0;
}

/* Its outputs may end before it does. */
static void collect(const socket_child *child, uint64_t deadline, ssh_child_result *result) {
  uint64_t now = GetTickCount64();
  DWORD left = now < deadline ? (DWORD)(deadline - now) : 0;
  if (!result->timed_out && WaitForSingleObject(socket_child_process(child)->process, left) != WAIT_OBJECT_0) {
    result->timed_out = 1;
  }
  if (!child_has_ended(socket_child_process(child), &result->code)) {
    child_kill(socket_child_process(child));
  }
}

int ssh_child_run(const char *const *argv, uint64_t deadline_ms, ssh_child_result *result, penstock_error *error) {
  const child_command command = {.argv = argv};
  uint64_t deadline = GetTickCount64() + deadline_ms;
  reading readings[2] = {{.socket = PENSTOCK_SOCKET_NONE}, {.socket = PENSTOCK_SOCKET_NONE}};
  DWORD reason = 0;
  char text[160];
  memset(result, 0, sizeof(*result));
  socket_child *child = socket_child_start(&command, &readings[0].socket, &readings[1].socket, &reason);
  if (!child) {
    result->is_missing = reason == ERROR_FILE_NOT_FOUND || reason == ERROR_PATH_NOT_FOUND;
    ps_reason(reason, text, sizeof(text));
    return result->is_missing ? 0
                              : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "cannot start %s: %s",
                                              argv[0], text);
  }
  (void)shutdown((SOCKET)readings[0].socket, SD_SEND); /* an empty input */
  result->timed_out = read_all(readings, deadline) != 0;
  collect(child, deadline, result);
  close_socket(&readings[0].socket);
  close_socket(&readings[1].socket);
  socket_child_free(child);
  result->output = readings[0].text ? readings[0].text : strdup("");
  result->error_output = readings[1].text ? readings[1].text : strdup("");
  if (!result->output || !result->error_output) {
    ssh_child_clear(result);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  return 0;
}

void ssh_child_clear(ssh_child_result *result) {
  free(result->output);
  free(result->error_output);
  memset(result, 0, sizeof(*result));
}
