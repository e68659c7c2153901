/* SPDX-License-Identifier: MIT */
#include "common/native/pipes_win.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "common/random.h"

#define ROOM 65536

DWORD pipes_make(int we_read, HANDLE *ours, HANDLE *theirs) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  uint64_t number[2];
  wchar_t name[80];
  DWORD reason = 0;
  if (random_bytes(number, sizeof(number)) != 0) {
    return ERROR_GEN_FAILURE;
  }
  (void)swprintf(name, sizeof(name) / sizeof(name[0]), L"\\\\.\\pipe\\penstock-exec-%016llx%016llx",
                 (unsigned long long)number[0], (unsigned long long)number[1]);
  *theirs = INVALID_HANDLE_VALUE;
  *ours = CreateNamedPipeW(
      name,
      (we_read ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND) | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, ROOM, ROOM, 0, NULL);
  if (*ours == INVALID_HANDLE_VALUE) {
    return GetLastError();
  }
  *theirs = CreateFileW(name, we_read ? GENERIC_WRITE : GENERIC_READ, 0, &inherited, OPEN_EXISTING, 0, NULL);
  if (*theirs == INVALID_HANDLE_VALUE) {
    reason = GetLastError();
    (void)CloseHandle(*ours);
    *ours = INVALID_HANDLE_VALUE;
  }
  return reason;
}

/* Waits for what was begun. What has moved counts, also if it was called off at the same moment. */
static long complete(HANDLE handle, const pipes_wait *wait, OVERLAPPED *request, int has_begun) {
  HANDLE events[PIPES_CALLS + 1] = {wait->done};
  long codes[PIPES_CALLS + 1] = {0};
  DWORD count = 1;
  DWORD moved = 0;
  long called = 0;
  if (!has_begun && GetLastError() != ERROR_IO_PENDING) {
    DWORD reason = GetLastError();
    return reason == ERROR_BROKEN_PIPE || reason == ERROR_HANDLE_EOF ? 0 : PIPES_BROKEN;
  }
  for (int i = 0; i < PIPES_CALLS; i++) {
    if (wait->calls[i]) {
      codes[count] = PIPES_CALLED - i;
      events[count++] = wait->calls[i];
    }
  }
  DWORD which = WaitForMultipleObjects(count, events, FALSE, wait->patience_ms);
  if (which != WAIT_OBJECT_0) {
    called = which > WAIT_OBJECT_0 && which < WAIT_OBJECT_0 + count ? codes[which - WAIT_OBJECT_0] : PIPES_CALLED;
    (void)CancelIoEx(handle, request);
    (void)WaitForSingleObject(wait->done, INFINITE); /* what it uses is ours again only then */
  }
  if (GetOverlappedResult(handle, request, &moved, FALSE)) {
    return moved > 0 || called == 0 ? (long)moved : called;
  }
  if (called) {
    return called;
  }
  return GetLastError() == ERROR_BROKEN_PIPE ? 0 : PIPES_BROKEN;
}

static DWORD bounded(size_t size) {
  return size > INT_MAX ? INT_MAX : (DWORD)size;
}

long pipes_read(HANDLE from, const pipes_wait *wait, void *buffer, size_t size) {
  OVERLAPPED request = {.hEvent = wait->done};
  (void)ResetEvent(wait->done);
  int has_begun = ReadFile(from, buffer, bounded(size), NULL, &request);
  return complete(from, wait, &request, has_begun);
}

long pipes_write(HANDLE to, const pipes_wait *wait, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    OVERLAPPED request = {.hEvent = wait->done};
    (void)ResetEvent(wait->done);
    int has_begun = WriteFile(to, at, bounded(size), NULL, &request);
    long moved = complete(to, wait, &request, has_begun);
    if (moved <= 0) {
      return moved == 0 ? PIPES_BROKEN : moved;
    }
    at += moved;
    size -= (size_t)moved;
  }
  return 0;
}

size_t pipes_waiting(HANDLE from) {
  DWORD there = 0;
  return PeekNamedPipe(from, NULL, 0, NULL, &there, NULL) ? there : 0;
}
