/* SPDX-License-Identifier: MIT */
#include "control/pipe_win.h"

/* With the lowest bit set, a completion port that the handle belongs to is told nothing (GetQueuedCompletionStatus). */
static HANDLE unheard(HANDLE event) {
  return (HANDLE)((uintptr_t)event | 1u);
}

/* Waits for what was begun. Whoever calls it off is heard first. Returns the count, or -1. */
static long complete(HANDLE handle, const ps_pipe_wait *wait, OVERLAPPED *request, int has_begun) {
  HANDLE events[PS_PIPE_CALLS + 1];
  DWORD count = 0;
  DWORD moved = 0;
  if (!has_begun && GetLastError() != ERROR_IO_PENDING) {
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : -1;
  }
  for (size_t i = 0; i < PS_PIPE_CALLS; i++) {
    if (wait->calls[i]) {
      events[count++] = wait->calls[i];
    }
  }
  events[count++] = wait->done;
  if (WaitForMultipleObjects(count, events, FALSE, wait->patience_ms) != WAIT_OBJECT_0 + count - 1) {
    (void)CancelIoEx(handle, request);
    (void)WaitForSingleObject(wait->done, INFINITE); /* what it uses is ours again only then */
    (void)GetOverlappedResult(handle, request, &moved, FALSE);
    return -1;
  }
  return GetOverlappedResult(handle, request, &moved, FALSE) ? (long)moved : -1;
}

static DWORD bounded(size_t size) {
  return size > INT_MAX ? INT_MAX : (DWORD)size;
}

long ps_pipe_read(HANDLE pipe, const ps_pipe_wait *wait, void *buffer, size_t size) {
  OVERLAPPED request = {.hEvent = unheard(wait->done)};
  (void)ResetEvent(wait->done);
  int has_begun = ReadFile(pipe, buffer, bounded(size), NULL, &request);
  return complete(pipe, wait, &request, has_begun);
}

int ps_pipe_write(HANDLE pipe, const ps_pipe_wait *wait, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    OVERLAPPED request = {.hEvent = unheard(wait->done)};
    (void)ResetEvent(wait->done);
    int has_begun = WriteFile(pipe, at, bounded(size), NULL, &request);
    long moved = complete(pipe, wait, &request, has_begun);
    if (moved <= 0) {
      return -1;
    }
    at += moved;
    size -= (size_t)moved;
  }
  return 0;
}
