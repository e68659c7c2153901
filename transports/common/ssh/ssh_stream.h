/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_stream.h
 * One stream over a channel of the link. How the channel is opened, and what its end means, is its kind's: a connection
 * (ssh_forward.c) or a command (ssh_command.c); all else is common to them (ssh_stream.c). Not for others.
 */
#ifndef TRANSPORTS_SSH_STREAM_H
#define TRANSPORTS_SSH_STREAM_H

#include "common/ssh/ssh_internal.h"

typedef struct ssh_command ssh_command;

/** What kinds do in their own way. All are called in the link's turn, with the link alive. */
typedef struct ssh_stream_kind {
  /** Goes on with the opening: ends in ssh_stream_complete or ssh_stream_refuse, now or in a later turn. */
  void (*advance)(ssh_stream *stream);
  /**
   * The far side sends no more (has_eof or has_close) and all that it sent was handed on. 1: a clean end. 0: that is
   * not known yet. -1: none, `error` says why.
   */
  int (*judge)(ssh_stream *stream, penstock_error *error);
  /** The stream is given up: lets go of what the kind has besides the channel, which is still there. */
  void (*let_go)(ssh_stream *stream, uint32_t how);
} ssh_stream_kind;

struct ssh_stream {
  ssh_stream *next;
  ssh_link *link;
  const ssh_stream_kind *kind;
  ssh_channel channel; /* NULL before it is opened, and once given up */
  struct ssh_channel_callbacks_struct callbacks;
  penstock_open *open; /* until it is completed */
  penstock_sink *sink; /* from then on */
  char host[256];
  uint16_t port;
  ssh_command *command; /* of that kind */
  char name[300];       /* for messages: "127.0.0.1:9090 on gpu01" */

  uint64_t credit;
  size_t buffered; /* bytes of ours in libssh's buffer */
  uint8_t *spill;  /* what was taken out of there and had no credit */
  size_t spill_at;
  size_t spill_size;
  uint64_t asked_ns; /* when it was to be opened */
  uint64_t received;
  size_t since_grown; /* bytes since the receive window was last opened */
  uint32_t window;    /* as far as that went */

  size_t up_pace; /* bytes that move at once, in the mean */
  size_t down_pace;
  uint64_t wrote_in; /* turn of the link, the last one */
  ssh_stream *next_writer;
  int is_waiting; /* in the queue of writers */
  int is_opened;
  int is_cancelled;
  int is_closed; /* given back by the host: to be freed */
  int is_shut;   /* we have sent EOF */
  int has_eof;   /* the far side has sent EOF */
  int has_close; /* the far side has sent CLOSE */
  int is_broken; /* a write failed */
  int eof_told;
  int reset_told;
};

/** A new one for `open`, which it completes; not in the link's list yet. NULL if out of memory. */
ssh_stream *ssh_stream_create(ssh_link *link, const ssh_stream_kind *kind, penstock_open *open);
/** Puts it there. */
void ssh_stream_add(ssh_stream *stream);
void ssh_stream_free(ssh_stream *stream);
/** Hears of `channel` what concerns data and ends; `callbacks` may hold more functions already. */
void ssh_stream_listen(ssh_stream *stream, ssh_channel channel);
/** Takes `size` bytes as the first of the stream. */
void ssh_stream_take(ssh_stream *stream, const void *data, size_t size);
/** The channel is open: hands the stream over. */
void ssh_stream_complete(ssh_stream *stream);
/** It cannot be opened. */
void ssh_stream_refuse(ssh_stream *stream, const penstock_error *error);

/* --- ssh_command.c --------------------------------------------------------------------------------- */

void ssh_command_free(ssh_command *command);
/** Standard error of the command. */
void ssh_command_hear(ssh_command *command, const void *data, size_t size);
/** At the end of the sweep of all streams: sees to it that those that wait get another turn. */
void ssh_command_keep_time(ssh_link *link);

#endif
