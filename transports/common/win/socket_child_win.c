/* SPDX-License-Identifier: MIT */
/*
 * Everything that a thread waits for can be called off by one event, so that none is ever left.
 *
 * The pipe for the program's input has no room of its own: what is written has been read once the write is over. So it
 * is known of each byte whether the program took it.
 */
#include <winsock2.h>

#include "common/win/socket_child_win.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"

enum {
  CHUNK = 64 << 10,
  PIPE_ROOM = 64 << 10, /* of outputs */
  STACK = 64 << 10,
  PUMPS = 3,
  LOOK_EVERY_MS = 100,
  TRIES = 8
};

/* Both ends of a pipe: ours is for overlapped use, the program's can be inherited. */
typedef struct pipe_ends {
  HANDLE ours;
  HANDLE theirs;
} pipe_ends;

struct socket_child {
  child_process process;
  HANDLE stop; /* an event: all threads are to end */
  SOCKET data; /* the threads' ends */
  SOCKET messages;
  HANDLE input; /* ends of pipes, each of which its own thread alone closes while it runs; NULL once closed */
  HANDLE output;
  HANDLE error_output;
  HANDLE threads[PUMPS];
  volatile LONG64 carried; /* bytes that the program has read */
  volatile LONG has_lost;  /* there are some that it never will */
};

static void close_if(HANDLE *handle) {
  if (*handle) {
    (void)CloseHandle(*handle);
    *handle = NULL;
  }
}

/* --- one step of a thread -------------------------------------------------------------------------- */

/* Waits for what has been started, or calls it off. Returns the event that counts: 0 it is over, 1 stop. */
static int wait_for(const socket_child *child, HANDLE file, OVERLAPPED *step) {
  HANDLE events[] = {step->hEvent, child->stop};
  if (WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0) {
    return 0;
  }
  (void)CancelIoEx(file, step);
  return 1;
}

/* The bytes of a step that `has_begun`, or -1: it failed, or was called off. */
static int64_t finish(const socket_child *child, HANDLE file, OVERLAPPED *step, int has_begun) {
  DWORD count = 0;
  if (!has_begun) {
    return -1;
  }
  int is_stopped = wait_for(child, file, step);
  return GetOverlappedResult(file, step, &count, TRUE) && !is_stopped ? (int64_t)count : -1;
}

static int64_t read_pipe(const socket_child *child, HANDLE pipe, OVERLAPPED *step, void *data, DWORD size) {
  int has_begun = ReadFile(pipe, data, size, NULL, step) || GetLastError() == ERROR_IO_PENDING;
  return finish(child, pipe, step, has_begun);
}

static int64_t write_pipe(const socket_child *child, HANDLE pipe, OVERLAPPED *step, const void *data, DWORD size) {
  int has_begun = WriteFile(pipe, data, size, NULL, step) || GetLastError() == ERROR_IO_PENDING;
  return finish(child, pipe, step, has_begun);
}

static int64_t receive(const socket_child *child, SOCKET socket, OVERLAPPED *step, void *data, DWORD size) {
  WSABUF buffer = {.len = size, .buf = data};
  DWORD flags = 0;
  int has_begun = WSARecv(socket, &buffer, 1, NULL, &flags, step, NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING;
  return finish(child, (HANDLE)socket, step, has_begun);
}

/*
 * Sends all. Returns 0, or -1. Not by overlapped sends: those of Wine are now and then never done where another thread
 * receives from the same socket meanwhile. So a look from time to time tells whether it has been called off.
 */
static int send_all(const socket_child *child, SOCKET socket, const char *data, size_t size) {
  WSAPOLLFD poller = {.fd = socket, .events = POLLWRNORM};
  while (size > 0) {
    int count = send(socket, data, (int)size, 0);
    if (count > 0) {
      data += count;
      size -= (size_t)count;
    } else if (WSAGetLastError() != WSAEWOULDBLOCK ||
               (WSAPoll(&poller, 1, LOOK_EVERY_MS) == 0 && WaitForSingleObject(child->stop, 0) == WAIT_OBJECT_0)) {
      return -1;
    }
  }
  return 0;
}

/* --- the threads ----------------------------------------------------------------------------------- */

/* From the socket to the program. What it does not take is dropped, so that the other end can see that it is over. */
static void carry_input(socket_child *child, OVERLAPPED *step, char *chunk) {
  int64_t count;
  while ((count = receive(child, child->data, step, chunk, CHUNK)) > 0) {
    if (!child->input) {
      continue;
    }
    if (write_pipe(child, child->input, step, chunk, (DWORD)count) == count) {
      (void)InterlockedExchangeAdd64(&child->carried, count);
    } else {
      (void)InterlockedExchange(&child->has_lost, 1);
      close_if(&child->input);
    }
  }
  close_if(&child->input);
}

/* From the program to a socket, whose end says that the output's has come. */
static void carry_output(const socket_child *child, HANDLE *pipe, SOCKET socket, OVERLAPPED *step, char *chunk) {
  int64_t count;
  /* A program may write nothing, which is read as nothing. */
  while ((count = read_pipe(child, *pipe, step, chunk, CHUNK)) >= 0) {
    if (send_all(child, socket, chunk, (size_t)count) != 0) {
      break;
    }
  }
  close_if(pipe);
  (void)shutdown(socket, SD_SEND);
}

static DWORD run_thread(socket_child *child, int which) {
  OVERLAPPED step = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
  char *chunk = malloc(CHUNK);
  if (!step.hEvent || !chunk) {
    /* Nobody could carry anything: the program ends, and its status says that it did not go well. */
    child_kill(&child->process);
  } else if (which == 0) {
    carry_input(child, &step, chunk);
  } else if (which == 1) {
    carry_output(child, &child->output, child->data, &step, chunk);
  } else {
    carry_output(child, &child->error_output, child->messages, &step, chunk);
  }
  free(chunk);
  close_if(&step.hEvent);
  return 0;
}

static DWORD WINAPI run_input(void *context) {
  return run_thread(context, 0);
}

static DWORD WINAPI run_output(void *context) {
  return run_thread(context, 1);
}

static DWORD WINAPI run_messages(void *context) {
  return run_thread(context, 2);
}

static DWORD start_threads(socket_child *child) {
  static LPTHREAD_START_ROUTINE const routines[PUMPS] = {run_input, run_output, run_messages};
  for (int i = 0; i < PUMPS; i++) {
    child->threads[i] = CreateThread(NULL, STACK, routines[i], child, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (!child->threads[i]) {
      return GetLastError();
    }
  }
  return 0;
}

/* --- sockets and pipes ----------------------------------------------------------------------------- */

static SOCKET make_socket(void) {
  return WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static void close_socket(SOCKET *socket) {
  if (*socket != INVALID_SOCKET) {
    (void)closesocket(*socket);
    *socket = INVALID_SOCKET;
  }
}

static int is_same_address(const struct sockaddr_in *one, const struct sockaddr_in *other) {
  return one->sin_port == other->sin_port && one->sin_addr.s_addr == other->sin_addr.s_addr;
}

/* Anybody on this machine can connect to the listener in the meantime: only who comes from our own end is let in. */
static SOCKET accept_ours(SOCKET listener, SOCKET ours) {
  struct sockaddr_in own;
  struct sockaddr_in peer;
  int size = sizeof(own);
  if (getsockname(ours, (struct sockaddr *)&own, &size) != 0) {
    return INVALID_SOCKET;
  }
  for (int i = 0; i < TRIES; i++) {
    size = sizeof(peer);
    SOCKET other = WSAAccept(listener, (struct sockaddr *)&peer, &size, NULL, 0);
    if (other == INVALID_SOCKET || is_same_address(&own, &peer)) {
      return other;
    }
    (void)closesocket(other);
  }
  return INVALID_SOCKET;
}

static int listen_here(SOCKET listener, struct sockaddr_in *address) {
  BOOL on = TRUE;
  int size = sizeof(*address);
  memset(address, 0, sizeof(*address));
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on));
  return bind(listener, (const struct sockaddr *)address, sizeof(*address)) == 0 && listen(listener, 1) == 0 &&
         getsockname(listener, (struct sockaddr *)address, &size) == 0;
}

DWORD socket_child_pair(penstock_socket pair[2]) {
  struct sockaddr_in address;
  BOOL on = TRUE;
  u_long is_nonblocking = 1;
  SOCKET listener = make_socket();
  SOCKET ours = make_socket();
  SOCKET theirs = INVALID_SOCKET;
  DWORD reason = 0;
  if (listener == INVALID_SOCKET || ours == INVALID_SOCKET || !listen_here(listener, &address) ||
      connect(ours, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
      (theirs = accept_ours(listener, ours)) == INVALID_SOCKET) {
    reason = (DWORD)WSAGetLastError();
    reason = reason ? reason : WSAECONNREFUSED;
    close_socket(&ours);
  } else {
    (void)SetHandleInformation((HANDLE)theirs, HANDLE_FLAG_INHERIT, 0);
    (void)setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    (void)setsockopt(theirs, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    (void)ioctlsocket(ours, (long)FIONBIO, &is_nonblocking);
    (void)ioctlsocket(theirs, (long)FIONBIO, &is_nonblocking);
  }
  close_socket(&listener);
  pair[0] = (penstock_socket)ours;
  pair[1] = (penstock_socket)theirs;
  return reason;
}

/* A pipe with a name that nobody can guess, for anonymous ones cannot be called off. `is_input`: the program reads. */
static DWORD make_pipe(pipe_ends *ends, int is_input) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  const DWORD room = is_input ? 0 : PIPE_ROOM;
  const DWORD open_mode =
      (is_input ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND) | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
  uint64_t number[2];
  wchar_t name[80];
  ends->ours = ends->theirs = NULL;
  if (random_bytes(number, sizeof(number)) != PENSTOCK_OK) {
    return ERROR_GEN_FAILURE;
  }
  (void)swprintf(name, sizeof(name) / sizeof(name[0]), L"\\\\.\\pipe\\penstock-child-%016llx%016llx",
                 (unsigned long long)number[0], (unsigned long long)number[1]);
  HANDLE ours =
      CreateNamedPipeW(name, open_mode, PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1,
                       room, room, 0, NULL);
  if (ours == INVALID_HANDLE_VALUE) {
    return GetLastError();
  }
  HANDLE theirs =
      CreateFileW(name, is_input ? GENERIC_READ | FILE_WRITE_ATTRIBUTES : GENERIC_WRITE | FILE_READ_ATTRIBUTES, 0,
                  &inherited, OPEN_EXISTING, 0, NULL);
  if (theirs == INVALID_HANDLE_VALUE) {
    DWORD reason = GetLastError();
    (void)CloseHandle(ours);
    return reason;
  }
  ends->ours = ours;
  ends->theirs = theirs;
  return 0;
}

/* --- starting and ending --------------------------------------------------------------------------- */

static DWORD start(socket_child *child, const child_command *command) {
  pipe_ends pipes[PUMPS] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
  DWORD reason = 0;
  for (int i = 0; reason == 0 && i < PUMPS; i++) {
    reason = make_pipe(&pipes[i], i == 0);
  }
  child->input = pipes[0].ours;
  child->output = pipes[1].ours;
  child->error_output = pipes[2].ours;
  if (reason == 0) {
    reason = child_start(command, pipes[0].theirs, pipes[1].theirs, pipes[2].theirs, &child->process);
  }
  for (int i = 0; i < PUMPS; i++) {
    close_if(&pipes[i].theirs);
  }
  return reason ? reason : start_threads(child);
}

socket_child *socket_child_start(const child_command *command, penstock_socket *data, penstock_socket *messages,
                                 DWORD *reason) {
  penstock_socket pairs[2][2] = {{PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE},
                                 {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE}};
  socket_child *child = calloc(1, sizeof(*child));
  *data = *messages = PENSTOCK_SOCKET_NONE;
  *reason = ERROR_NOT_ENOUGH_MEMORY;
  if (!child) {
    return NULL;
  }
  *reason = socket_child_pair(pairs[0]);
  *reason = *reason ? *reason : socket_child_pair(pairs[1]);
  child->data = (SOCKET)pairs[0][1];
  child->messages = (SOCKET)pairs[1][1];
  child->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  if (*reason == 0) {
    *reason = child->stop ? start(child, command) : GetLastError();
  }
  if (*reason != 0) {
    for (int i = 0; i < 2; i++) {
      SOCKET ours = (SOCKET)pairs[i][0];
      close_socket(&ours);
    }
    socket_child_free(child);
    return NULL;
  }
  *data = pairs[0][0];
  *messages = pairs[1][0];
  return child;
}

const child_process *socket_child_process(const socket_child *child) {
  return &child->process;
}

int socket_child_has_lost_input(socket_child *child, uint64_t sent) {
  if (InterlockedCompareExchange(&child->has_lost, 0, 0)) {
    return 1;
  }
  return (uint64_t)InterlockedCompareExchange64(&child->carried, 0, 0) == sent ? 0 : SOCKET_CHILD_UNKNOWN;
}

void socket_child_free(socket_child *child) {
  if (!child) {
    return;
  }
  if (child->stop) {
    (void)SetEvent(child->stop);
  }
  for (int i = 0; i < PUMPS; i++) {
    if (child->threads[i]) {
      (void)WaitForSingleObject(child->threads[i], INFINITE);
      close_if(&child->threads[i]);
    }
  }
  child_close(&child->process);
  close_if(&child->input);
  close_if(&child->output);
  close_if(&child->error_output);
  close_if(&child->stop);
  close_socket(&child->data);
  close_socket(&child->messages);
  free(child);
}
