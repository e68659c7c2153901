/* SPDX-License-Identifier: MIT */
/*
 * What an attached descriptor has received, and how libssh gets it. The functions that stand in the way of libssh's own
 * calls of the system are in ssh_reader_calls_unix.c and ssh_reader_calls_win.c, where it is said why.
 */
#include "common/ssh/ssh_reader_internal.h"

#include <libssh/libssh.h>
#include <stdlib.h>
#include <string.h>

enum {
  PIECE = 4096, /* is given at once, or as much as the last packet was: libssh calls itself for each more */
  PIECE_MAX = 64 * 1024
};

size_t ssh_packet_socket_callback(const void *data, size_t size, void *session); /* libssh's */

/* Those of this thread; few: one for each host on the way. */
static _Thread_local ssh_reader *readers;

ssh_reader *ssh_reader_find(int fd) {
  ssh_reader *each = readers;
  while (each && each->fd != fd) {
    each = each->next;
  }
  return each;
}

size_t ssh_reader_size(void) {
  return SSH_READER_SIZE;
}

void ssh_reader_attach(int fd) {
  ssh_reader *made =
      ssh_reader_find(fd) ? NULL : malloc(sizeof(*made)); /* not cleared: pages that are never used are no memory */
  if (made) {
    memset(made, 0, offsetof(ssh_reader, packet));
    made->fd = fd;
    made->piece = PIECE;
    made->next = readers;
    readers = made;
  }
}

void ssh_reader_detach(int fd) {
  for (ssh_reader **at = &readers; *at; at = &(*at)->next) {
    if ((*at)->fd == fd) {
      ssh_reader *gone = *at;
      *at = gone->next;
      if (gone->given > 0) {
        gone->is_gone = 1;
      } else {
        free(gone);
      }
      return;
    }
  }
}

/* --- what has come --------------------------------------------------------------------------------- */

/* Bytes in which there may be a packet that libssh has not seen. */
static size_t unseen(const ssh_reader *self) {
  return self->is_partial ? 0 : self->size - self->at - self->given;
}

/* Is there something that libssh is to read? */
int ssh_reader_has_something(const ssh_reader *self) {
  return (!self->is_led && self->at < self->size) || (self->is_over && unseen(self) == 0);
}

size_t ssh_reader_pending(int fd) {
  const ssh_reader *self = ssh_reader_find(fd);
  size_t count = self ? unseen(self) : 0;
  return count > 0 || !self ? count : (size_t)(self->is_over && !self->is_told);
}

int ssh_reader_is_behind(int fd) {
  const ssh_reader *self = ssh_reader_find(fd);
  return self && self->is_behind;
}

size_t ssh_reader_fill(ssh_reader *self) {
  size_t left = self->size - self->at;
  size_t room = SSH_READER_ROOM - left < SSH_READER_SIZE ? SSH_READER_ROOM - left : (size_t)SSH_READER_SIZE;
  int error = 0;
  if (self->at > 0) {
    memmove(self->bytes, self->bytes + self->at, left);
  }
  int64_t count = ssh_reader_receive(self->fd, self->bytes + left, room, &error);
  self->at = 0;
  self->size = left + (count > 0 ? (size_t)count : 0);
  self->is_behind = count > 0 && (size_t)count == room;
  if (count > 0) {
    self->is_partial = 0;
    return (size_t)count;
  }
  if (count == 0 || error) {
    self->is_over = 1;
    self->error = error;
  }
  return 0;
}

int64_t ssh_reader_take(ssh_reader *self, void *data, size_t size, int *error) {
  if (!self->is_led && !ssh_reader_has_something(self)) {
    (void)ssh_reader_fill(self);
  }
  size_t left = self->is_led ? 0 : self->size - self->at;
  if (left > 0) {
    size_t count = left < size ? left : size;
    memcpy(data, self->bytes + self->at, count);
    self->at += count;
    return (int64_t)count;
  }
  int is_end = ssh_reader_has_something(self);
  self->is_told = is_end;
  *error = is_end ? self->error : 0;
  return is_end && !self->error ? 0 : -1;
}

/* --- a session that is led ------------------------------------------------------------------------- */

/* Not while libssh has the beginning of a packet in its own buffer. */
int ssh_reader_lead(int fd, struct ssh_session_struct *session) {
  ssh_reader *self = ssh_reader_find(fd);
  if (self && !self->is_led && !(ssh_get_status(session) & SSH_READ_PENDING)) {
    self->is_led = 1;
  }
  return self && self->is_led;
}

size_t ssh_reader_read(int fd) {
  ssh_reader *self = ssh_reader_find(fd);
  return self && self->given == 0 && !self->is_over ? ssh_reader_fill(self) : 0;
}

/* Gives libssh the next `size` bytes; returns how many it has taken: whole packets. */
static size_t give(ssh_reader *self, size_t size, struct ssh_session_struct *session) {
  self->given = size;
  size_t count = ssh_packet_socket_callback(self->bytes + self->at, size, session);
  self->given = 0;
  return count <= size ? count : 0; /* a negative number is an error, which the session's state tells */
}

/*
 * A packet at a time, if packets are as large as the last one was. libssh calls itself for each one that follows in
 * what it is given, so that is not much at once; and what it has not taken whole, it wants to see again with more.
 */
size_t ssh_reader_give(int fd, struct ssh_session_struct *session) {
  ssh_reader *self = ssh_reader_find(fd);
  size_t count = 0;
  if (!self || !self->is_led || self->given > 0) {
    return 0;
  }
  while (count == 0 && unseen(self) > 0) {
    size_t left = unseen(self);
    size_t size = self->piece < left ? self->piece : left;
    count = give(self, size, session);
    if (self->is_gone) {
      free(self);
      return 0;
    }
    self->is_partial = count == 0 && size == left;
    self->piece = count == 0 ? 2 * self->piece : count;
  }
  self->at += count;
  self->piece = self->piece < PIECE ? PIECE : self->piece > PIECE_MAX ? (size_t)PIECE_MAX : self->piece;
  return count;
}
