/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_asker_win.h"

#include <stdlib.h>

#include <sddl.h>

#include "common/openssh/openssh_folder.h"
#include "common/random.h"
#include "common/win/socket_child_win.h"
#include "win/wide.h"

enum { QUESTION_MAX = 4096, STACK = 64 << 10, LAST_MS = 5000 /* for who has asked to take the answer */ };

struct openssh_asker {
  char name[80];
  HANDLE pipe;
  HANDLE stop; /* an event */
  HANDLE step; /* an event for what is under way */
  HANDLE thread;
  SOCKET ours;   /* the lane's end */
  SOCKET theirs; /* the thread's */
};

/* --- the thread ------------------------------------------------------------------------------------- */

/* The bytes of a step that `has_begun`; -1 if it failed, was called off, or took too long. */
static int64_t finish(const openssh_asker *asker, HANDLE file, OVERLAPPED *step, int has_begun, DWORD patience_ms) {
  const HANDLE events[] = {asker->step, asker->stop};
  DWORD count = 0;
  if (!has_begun) {
    return -1;
  }
  int is_done = WaitForMultipleObjects(2, events, FALSE, patience_ms) == WAIT_OBJECT_0;
  if (!is_done) {
    (void)CancelIoEx(file, step);
  }
  int is_good = GetOverlappedResult(file, step, &count, TRUE);
  return is_done && is_good ? (int64_t)count : -1;
}

static OVERLAPPED begin(const openssh_asker *asker) {
  (void)ResetEvent(asker->step);
  return (OVERLAPPED){.hEvent = asker->step};
}

static int64_t read_pipe(const openssh_asker *asker, void *data, DWORD size, DWORD patience_ms) {
  OVERLAPPED step = begin(asker);
  int begun = ReadFile(asker->pipe, data, size, NULL, &step) || GetLastError() == ERROR_IO_PENDING;
  return finish(asker, asker->pipe, &step, begun, patience_ms);
}

static int64_t write_pipe(const openssh_asker *asker, const void *data, DWORD size) {
  OVERLAPPED step = begin(asker);
  int begun = WriteFile(asker->pipe, data, size, NULL, &step) || GetLastError() == ERROR_IO_PENDING;
  return finish(asker, asker->pipe, &step, begun, LAST_MS);
}

static int64_t move_socket(const openssh_asker *asker, char *data, size_t size, int is_read) {
  WSABUF buffer = {.len = (ULONG)size, .buf = data};
  DWORD flags = 0;
  OVERLAPPED step = begin(asker);
  int failed = is_read ? WSARecv(asker->theirs, &buffer, 1, NULL, &flags, &step, NULL)
                       : WSASend(asker->theirs, &buffer, 1, NULL, 0, &step, NULL);
  int begun = failed == 0 || WSAGetLastError() == WSA_IO_PENDING;
  return finish(asker, (HANDLE)asker->theirs, &step, begun, INFINITE);
}

static int wait_for_somebody(const openssh_asker *asker) {
  OVERLAPPED step = begin(asker);
  if (ConnectNamedPipe(asker->pipe, &step) || GetLastError() == ERROR_PIPE_CONNECTED) {
    return 0;
  }
  int begun = GetLastError() == ERROR_IO_PENDING;
  return finish(asker, asker->pipe, &step, begun, INFINITE) < 0 ? -1 : 0;
}

/* Reads to the end mark. Returns the size, or -1. */
static int64_t read_question(const openssh_asker *asker, char *text) {
  size_t size = 0;
  while (size < QUESTION_MAX) {
    int64_t count = read_pipe(asker, text + size, (DWORD)(QUESTION_MAX - size), INFINITE);
    if (count <= 0) {
      return -1;
    }
    size += (size_t)count;
    if (text[size - 1] == OPENSSH_ASK_END) {
      return (int64_t)size;
    }
  }
  return -1;
}

static void serve_one(const openssh_asker *asker, char *text) {
  int64_t size = read_question(asker, text);
  if (size <= 0 || move_socket(asker, text, (size_t)size, 0) != size || strncmp(text, "none\n", 5) == 0) {
    return;
  }
  size = 0;
  while (size < QUESTION_MAX && (size == 0 || text[size - 1] != '\n')) {
    int64_t count = move_socket(asker, text + size, (size_t)(QUESTION_MAX - size), 1);
    if (count <= 0) {
      return;
    }
    size += count;
  }
  (void)write_pipe(asker, text, (DWORD)size);
  SecureZeroMemory(text, QUESTION_MAX);
  (void)read_pipe(asker, text, 1, LAST_MS); /* it hangs up once it has read it */
}

static DWORD WINAPI run(void *context) {
  openssh_asker *asker = context;
  char *text = malloc(QUESTION_MAX);
  while (text && WaitForSingleObject(asker->stop, 0) == WAIT_TIMEOUT) {
    if (wait_for_somebody(asker) == 0) {
      serve_one(asker, text);
    }
    (void)DisconnectNamedPipe(asker->pipe);
  }
  if (text) {
    SecureZeroMemory(text, QUESTION_MAX);
  }
  free(text);
  return 0;
}

/* --- life ------------------------------------------------------------------------------------------- */

/* For this user and the system: by default everybody might read from it. */
static DWORD make_pipe(openssh_asker *asker) {
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
  uint64_t number[2];
  if (random_bytes(number, sizeof(number)) != PENSTOCK_OK) {
    return ERROR_GEN_FAILURE;
  }
  (void)snprintf(asker->name, sizeof(asker->name), "//./pipe/penstock-ask-%016llx%016llx",
                 (unsigned long long)number[0], (unsigned long long)number[1]);
  wchar_t *wide = ps_wide(asker->name);
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  if (!wide || !ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;GA;;;OW)(A;;GA;;;SY)", SDDL_REVISION_1,
                                                                     &attributes.lpSecurityDescriptor, NULL)) {
    free(wide);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  asker->pipe = CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                 PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1,
                                 QUESTION_MAX, QUESTION_MAX, 0, &attributes);
  DWORD reason = asker->pipe == INVALID_HANDLE_VALUE ? GetLastError() : 0;
  (void)LocalFree(attributes.lpSecurityDescriptor);
  free(wide);
  return reason;
}

openssh_asker *openssh_asker_start(penstock_socket *socket, DWORD *reason) {
  penstock_socket pair[2];
  openssh_asker *asker = calloc(1, sizeof(*asker));
  *reason = ERROR_NOT_ENOUGH_MEMORY;
  if (!asker) {
    return NULL;
  }
  asker->pipe = INVALID_HANDLE_VALUE;
  asker->ours = asker->theirs = INVALID_SOCKET;
  asker->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  asker->step = CreateEventW(NULL, TRUE, FALSE, NULL);
  *reason = asker->stop && asker->step ? make_pipe(asker) : GetLastError();
  if (*reason == 0) {
    *reason = socket_child_pair(pair);
  }
  if (*reason == 0) {
    asker->ours = (SOCKET)pair[0];
    asker->theirs = (SOCKET)pair[1];
    asker->thread = CreateThread(NULL, STACK, run, asker, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    *reason = asker->thread ? 0 : GetLastError();
  }
  if (*reason) {
    openssh_asker_stop(asker);
    return NULL;
  }
  *socket = (penstock_socket)asker->ours;
  return asker;
}

const char *openssh_asker_pipe(const openssh_asker *asker) {
  return asker->name;
}

void openssh_asker_stop(openssh_asker *asker) {
  if (!asker) {
    return;
  }
  if (asker->thread) {
    (void)SetEvent(asker->stop);
    (void)WaitForSingleObject(asker->thread, INFINITE);
    (void)CloseHandle(asker->thread);
  }
  if (asker->pipe != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(asker->pipe);
  }
  if (asker->ours != INVALID_SOCKET) {
    (void)closesocket(asker->ours);
    (void)closesocket(asker->theirs);
  }
  if (asker->stop) {
    (void)CloseHandle(asker->stop);
  }
  if (asker->step) {
    (void)CloseHandle(asker->step);
  }
  free(asker);
}
