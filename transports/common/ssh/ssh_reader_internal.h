/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_reader_internal.h
 * What ssh_reader.c and the functions that replace libssh's calls of the system share. Not for others.
 */
#ifndef TRANSPORTS_SSH_READER_INTERNAL_H
#define TRANSPORTS_SSH_READER_INTERNAL_H

#include <stdint.h>

#include "common/ssh/ssh_reader.h"

enum {
  SSH_READER_SIZE = 256 * 1024, /**< is read at once */
  SSH_READER_ROOM =
      256 * 1024 +
      128 * 1024, /**< for what is left of that, and for any packet that libssh takes: 256 KiB and its MAC */
  SSH_READER_PACKET = 40 * 1024 /**< the largest that is sent is 32 KiB and what is around them */
};

/** An attached descriptor, and what it has received. Bytes of a led session that libssh has seen and that are no whole
 * packet are as good as none: nothing can be done with them until more has come. */
typedef struct ssh_reader {
  struct ssh_reader *next;
  int fd;
  int is_full;                       /* the socket takes no more for now */
  int is_behind;                     /* the last read got all that it had asked for */
  int is_over;                       /* the socket has ended or broken: what `error` says, after the bytes */
  int is_told;                       /* and libssh knows */
  int is_led;                        /* libssh reads no more: it is given what has come */
  int is_partial;                    /* and has seen the rest of it, which is not a whole packet */
  int is_gone;                       /* detached while something was given */
  int error;                         /* the system's number; 0 = it has ended */
  size_t piece;                      /* to give next */
  size_t given;                      /* what is being given; 0 = nothing is */
  size_t at;                         /* of the next byte for libssh */
  size_t size;                       /* behind the last one */
  uint8_t packet[SSH_READER_PACKET]; /* is encrypted into */
  uint8_t bytes[SSH_READER_ROOM];
} ssh_reader;

/** The one with that descriptor; NULL if it is not attached. */
ssh_reader *ssh_reader_find(int fd);
/** Is there something that libssh is to read: bytes of a session that is not led, or the end? */
int ssh_reader_has_something(const ssh_reader *self);
/** Reads what has come, without waiting, behind what is left; returns the count. */
size_t ssh_reader_fill(ssh_reader *self);
/**
 * What libssh's recv() gets: bytes of a session that is not led, 0 at the end, or -1 with `*error`, the system's number
 * or 0 if there is nothing now.
 */
int64_t ssh_reader_take(ssh_reader *self, void *data, size_t size, int *error);

/* --- of the system --------------------------------------------------------------------------------- */

/** Receives without waiting. Returns the count, 0 at the end, or -1 with `*error`, 0 if nothing has come. */
int64_t ssh_reader_receive(int fd, void *data, size_t size, int *error);

#endif
