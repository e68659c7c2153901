/* SPDX-License-Identifier: MIT */
#include <winsock2.h>

#include "common/native/far_end_win.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/win/socket_child_win.h"

/* One that is stopped may still say how it has ended, to somebody who reads. */
#define LAST_WORD_MS 2000
/* How often a thread that cannot send looks whether somebody still wants it to. */
#define LOOK_EVERY_MS 100

static SRWLOCK lock = SRWLOCK_INIT;
static far_end *all;

DWORD far_end_open(far_end *self, const char *token, const char *mark, penstock_socket *theirs) {
  penstock_socket pair[2];
  u_long on = 1;
  memset(self, 0, sizeof(*self));
  self->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  self->read = CreateEventW(NULL, TRUE, FALSE, NULL);
  DWORD reason = self->stop && self->read ? socket_child_pair(pair) : ERROR_NOT_ENOUGH_MEMORY;
  if (reason != 0) {
    if (self->stop) {
      (void)CloseHandle(self->stop);
    }
    if (self->read) {
      (void)CloseHandle(self->read);
    }
    return reason;
  }
  *theirs = pair[0];
  self->socket = (HANDLE)pair[1];
  (void)ioctlsocket((SOCKET)pair[1], (long)FIONBIO, &on);
  (void)snprintf(self->token, sizeof(self->token), "%s", token);
  (void)snprintf(self->mark, sizeof(self->mark), "%s", mark);
  AcquireSRWLockExclusive(&lock);
  self->next = all;
  all = self;
  ReleaseSRWLockExclusive(&lock);
  return 0;
}

/* Not by overlapped writes, for those of Wine are now and then never done where the socket is read at the same time.
 * Returns 0, or -1: it is broken, the patience is over, or it was stopped. */
static int send_all(const far_end *self, const char *data, size_t size, DWORD patience_ms, int until_stopped) {
  const ULONGLONG end = GetTickCount64() + patience_ms;
  WSAPOLLFD entry = {.fd = (SOCKET)self->socket, .events = POLLOUT};
  while (size > 0) {
    int count = send(entry.fd, data, size > INT_MAX ? INT_MAX : (int)size, 0);
    if (count == SOCKET_ERROR && WSAGetLastError() != WSAEWOULDBLOCK) {
      return -1;
    }
    if (count == SOCKET_ERROR) {
      (void)WSAPoll(&entry, 1, LOOK_EVERY_MS);
    } else {
      data += count;
      size -= (size_t)count;
    }
    if (until_stopped ? WaitForSingleObject(self->stop, 0) == WAIT_OBJECT_0
                      : patience_ms != INFINITE && GetTickCount64() > end) {
      return -1;
    }
  }
  return 0;
}

int far_end_send(far_end *self, const void *data, size_t size) {
  return send_all(self, data, size, INFINITE, 1);
}

int far_end_say(far_end *self, unsigned status, const char *errors, size_t size) {
  char head[112];
  int is_stopped = WaitForSingleObject(self->stop, 0) == WAIT_OBJECT_0;
  DWORD patience_ms = is_stopped ? LAST_WORD_MS : INFINITE;
  int length = snprintf(head, sizeof(head), "%s %u %lu\n", self->mark, status, (unsigned long)size);
  int result = send_all(self, head, (size_t)length, patience_ms, !is_stopped);
  return result == 0 ? send_all(self, errors, size, patience_ms, !is_stopped) : result;
}

void far_end_close(far_end *self, int broken) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  AcquireSRWLockExclusive(&lock);
  for (far_end **at = &all; *at; at = &(*at)->next) {
    if (*at == self) {
      *at = self->next;
      break;
    }
  }
  ReleaseSRWLockExclusive(&lock);
  if (broken) {
    (void)setsockopt((SOCKET)self->socket, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now));
  }
  (void)closesocket((SOCKET)self->socket);
  (void)CloseHandle(self->stop);
  (void)CloseHandle(self->read);
}

void far_end_stop(const char *token) {
  AcquireSRWLockShared(&lock);
  for (const far_end *at = all; at; at = at->next) {
    if (strcmp(at->token, token) == 0) {
      (void)SetEvent(at->stop);
    }
  }
  ReleaseSRWLockShared(&lock);
}
