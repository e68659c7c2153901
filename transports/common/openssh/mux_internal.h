/* SPDX-License-Identifier: MIT */
/**
 * @file mux_internal.h
 * What the two halves of a mux share: mux_unix.c has the socket and what comes from it, mux_channel_unix.c what goes
 * out. Not for others.
 */
#ifndef TRANSPORTS_MUX_INTERNAL_H
#define TRANSPORTS_MUX_INTERNAL_H

#include "common/openssh/mux.h"

/** Bytes that may be on their way through the master: 100 MB/s at 40 ms. */
enum { MUX_UNMARKED_MAX = 4 << 20 };

struct mux_channel {
  mux *owner;
  const mux_user *user; /* NULL once given up */
  void *context;
  uint32_t id;
  uint32_t far_id;
  uint64_t window;     /* that the server gives us, in bytes */
  uint32_t far_packet; /* largest data that it takes at once */
  uint64_t granted;    /* to the server, and not used up */
  uint64_t unsaid;     /* granted, and the server does not know yet */
  mux_channel *next_waiting;
  uint64_t received;
  int is_bulk;    /* it has received much */
  int is_waiting; /* to write */
  int is_open;
  int asks;      /* there is a question of its user's without an answer yet */
  int is_marked; /* it carries the mark */
  int is_ended;  /* we have sent EOF */
  int is_closed; /* we have sent CLOSE */
  int far_closed;
};

struct mux {
  const penstock_host *host;
  mux_owner owner;
  penstock_socket socket;
  penstock_watch *watch;
  uint32_t events;
  penstock_timer *kick;
  mux_buffer output;
  uint8_t *input;
  size_t input_size;
  mux_channel **channels; /* by number; NULL = free */
  uint32_t channel_room;
  uint32_t free_from; /* no lower number is free */
  uint64_t bulk_count;
  size_t unanswered;    /* opening, and given up */
  mux_channel *waiting; /* first one first */
  mux_channel **waiting_end;
  size_t unmarked;    /* bytes sent since the last mark came back */
  size_t mark_covers; /* of these, those before the mark that is out */
  int is_mark_out;
  int has_hello;
  int is_proxy;
  int in_turn;
  const char *death; /* why, once it is over */
  int is_told;
};

/* --- mux_unix.c ----------------------------------------------------------------------------------------- */

/** Notes that it is over; the owner is told at the end of the next turn. `why` is constant text. */
void mux_die(mux *self, const char *why);
/** Sends what waits, as far as there is room. */
void mux_flush(mux *self);
/** To be said after messages were put into the output by a call; in a turn it is done once, at the end. */
void mux_settle(mux *self);
/** May data be sent now? */
int mux_can_send_data(const mux *self);

/* --- mux_channel_unix.c --------------------------------------------------------------------------------- */

/** It does not wait to write any more. */
void mux_leave_queue(mux_channel *channel);
/** The mark that it carries, if it does, has come back, or never will. */
void mux_mark_done(mux_channel *channel);
void mux_free_channel(mux_channel *channel);
/** Says CLOSE when it may be said; frees the channel when both sides have. */
void mux_wind_up(mux_channel *channel);
/** Tells the server of grants, if it is time. */
void mux_tell_grant(mux_channel *channel);
/** So many bytes of its grant are used up. */
void mux_count_received(mux_channel *channel, size_t size);
/** It moves nothing any more: its share is free for others. */
void mux_ends_receiving(mux_channel *channel);

#endif
