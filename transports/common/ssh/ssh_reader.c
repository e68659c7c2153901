/* SPDX-License-Identifier: MIT */
/*
 * The one place that replaces something inside of libssh.
 *
 * libssh reads its socket 4 KiB at a time, with a poll() and a recv() each: half of the CPU time of a download goes
 * into these calls, and no option changes that. So libssh's static library is linked into the plugins, and the linker
 * (--wrap) leads its calls of recv, send, poll and close, by name, to the functions below. They know the descriptors
 * that were attached; any other goes on to the system. What an attached one receives is read 256 KiB at a time, and
 * libssh is served from there: it sees the same bytes in the same order, and the same end.
 *
 * A second thing costs as much: libssh copies each packet three times, and memcpy of glibc chooses `rep movsb` for such
 * sizes wherever a processor offers it, which some AMD ones do at a third of the speed of plain moves (glibc's bugs
 * 30994 and 30995). So long copies are led here as well.
 *
 * What this must not break:
 *  - Bytes in the buffer have no event. poll() says at once that they are there, so that libssh's own waiting is right;
 *    whoever waits elsewhere (the lane's loop, ssh_loop_wait) asks ssh_reader_pending first.
 *  - An end or an error of the socket comes after the bytes in front of it.
 *  - libssh closes its descriptor when it likes, and the number may then be anybody's. So close() detaches.
 *  - Several sessions, in several threads: a descriptor belongs to the thread that attached it, which is its lane's.
 */
#include "common/ssh/ssh_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
  SIZE = 256 * 1024,
  LONG_COPY = 1024 /* shorter ones are left to the C library: `rep movsb` begins at 2 KiB */
};

typedef struct reader {
  struct reader *next;
  int fd;
  int is_full; /* the socket takes no more for now */
  int is_over; /* the socket has ended or broken: what `error` says, after the bytes */
  int is_told; /* and libssh knows */
  int error;   /* errno; 0 = it has ended */
  size_t at;   /* of the next byte for libssh */
  size_t size; /* behind the last one */
  uint8_t bytes[SIZE];
} reader;

/* Those of this thread; few: one for each host on the way. */
static _Thread_local reader *readers;

/* The linker's names for what replaces a function, and for the function that was replaced. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_close(int fd);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_close(int fd);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);

static reader *find(int fd) {
  reader *each = readers;
  while (each && each->fd != fd) {
    each = each->next;
  }
  return each;
}

size_t ssh_reader_size(void) {
  return SIZE;
}

void ssh_reader_attach(int fd) {
  reader *made = find(fd) ? NULL : malloc(sizeof(*made)); /* not cleared: pages that are never used are no memory */
  if (made) {
    memset(made, 0, offsetof(reader, bytes));
    made->fd = fd;
    made->next = readers;
    readers = made;
  }
}

void ssh_reader_detach(int fd) {
  for (reader **at = &readers; *at; at = &(*at)->next) {
    if ((*at)->fd == fd) {
      reader *gone = *at;
      *at = gone->next;
      free(gone);
      return;
    }
  }
}

static int has_something(const reader *self) {
  return self->at < self->size || self->is_over;
}

size_t ssh_reader_pending(int fd) {
  const reader *self = find(fd);
  return !self ? 0 : self->at < self->size ? self->size - self->at : (size_t)(self->is_over && !self->is_told);
}

/* Reads what has come into the empty buffer, without waiting. */
static void fill(reader *self) {
  ssize_t count = __real_recv(self->fd, self->bytes, SIZE, MSG_DONTWAIT);
  self->at = 0;
  self->size = count > 0 ? (size_t)count : 0;
  if (count == 0) {
    self->is_over = 1;
  } else if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    self->is_over = 1;
    self->error = errno;
  }
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) {
  reader *self = find(fd);
  if (!self || flags) {
    return __real_recv(fd, data, size, flags);
  }
  if (!has_something(self)) {
    fill(self);
  }
  size_t left = self->size - self->at;
  if (left > 0) {
    size_t count = left < size ? left : size;
    memcpy(data, self->bytes + self->at, count);
    self->at += count;
    return (ssize_t)count;
  }
  self->is_told = self->is_over;
  errno = self->is_over ? self->error : EAGAIN;
  return self->is_over && !self->error ? 0 : -1;
}

/*
 * libssh is told that it may send before the system has been asked. A socket that takes nothing then takes 0 bytes: all
 * of it stays in libssh's buffer, where an error would end the session.
 */
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) {
  reader *self = find(fd);
  ssize_t count = __real_send(fd, data, size, flags);
  if (!self) {
    return count;
  }
  int is_refused = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  self->is_full = is_refused || (count >= 0 && (size_t)count < size);
  return is_refused ? 0 : count;
}

/*
 * What poll() would say of an attached descriptor, without asking the system: whether something has come, reading tells
 * too, and whether it takes more, sending. -1: that must be asked.
 */
static int answer(reader *self, short events, int timeout) {
  if ((events & POLLOUT) && self->is_full) {
    return -1;
  }
  if ((events & POLLIN) && !has_something(self) && (timeout == 0 || (events & POLLOUT))) {
    fill(self);
  }
  int ready = (events & POLLOUT) | ((events & POLLIN) && has_something(self) ? POLLIN : 0);
  return ready || timeout == 0 ? ready : -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
  reader *only = count == 1 ? find(fds[0].fd) : NULL;
  int known = only ? answer(only, fds[0].events, timeout) : -1;
  if (known >= 0) {
    fds[0].revents = (short)known;
    return known != 0;
  }
  int found = 0;
  for (nfds_t i = 0; i < count; i++) {
    const reader *self = find(fds[i].fd);
    found |= self && has_something(self) && (fds[i].events & POLLIN);
  }
  int ready = __real_poll(fds, count, found ? 0 : timeout);
  for (nfds_t i = 0; ready >= 0 && i < count; i++) {
    reader *self = find(fds[i].fd);
    if (self && has_something(self) && (fds[i].events & POLLIN)) {
      ready += fds[i].revents == 0;
      fds[i].revents |= POLLIN;
    }
    if (self && (fds[i].revents & POLLOUT)) {
      self->is_full = 0;
    }
  }
  return ready;
}

int __wrap_close(int fd) {
  ssh_reader_detach(fd);
  return __real_close(fd);
}

/* --- copies ---------------------------------------------------------------------------------------- */

/* What one instruction moves, at any address. */
typedef uint8_t sixteen __attribute__((vector_size(16), aligned(1), may_alias));

/* Forward, in whole blocks of 64 bytes; returns the count. A block is read before it is written, so `to` may overlap
 * what lies behind it. */
static size_t copy_blocks(uint8_t *to, const uint8_t *from, size_t size) {
  size_t at = 0;
  for (; size - at >= 64; at += 64) {
    const sixteen *source = (const sixteen *)(const void *)(from + at);
    sixteen *target = (sixteen *)(void *)(to + at);
    sixteen first = source[0];
    sixteen second = source[1];
    sixteen third = source[2];
    sixteen fourth = source[3];
    target[0] = first;
    target[1] = second;
    target[2] = third;
    target[3] = fourth;
    __asm__ volatile("" ::: "memory"); /* or a compiler that knows a copy when it sees one makes memcpy call itself */
  }
  return at;
}

void *__wrap_memcpy(void *to, const void *from, size_t size) {
  size_t done = size < LONG_COPY ? 0 : copy_blocks(to, from, size);
  (void)__real_memcpy((uint8_t *)to + done, (const uint8_t *)from + done, size - done);
  return to;
}

void *__wrap_memmove(void *to, const void *from, size_t size) {
  int is_forward = (uintptr_t)to < (uintptr_t)from;
  size_t done = size < LONG_COPY || !is_forward ? 0 : copy_blocks(to, from, size);
  (void)__real_memmove((uint8_t *)to + done, (const uint8_t *)from + done, size - done);
  return to;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
