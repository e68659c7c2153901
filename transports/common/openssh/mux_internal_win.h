/* SPDX-License-Identifier: MIT */
/**
 * @file mux_internal_win.h
 * What the two halves of a mux of programs share: mux_win.c has the channels' order, mux_channel_win.c one of them. Not
 * for others.
 */
#ifndef TRANSPORTS_MUX_INTERNAL_WIN_H
#define TRANSPORTS_MUX_INTERNAL_WIN_H

#include "common/openssh/mux_win.h"
#include "common/openssh/openssh_story.h"
#include "common/openssh/openssh_words.h"
#include "common/win/socket_child_win.h"

/** How far a channel has come. */
typedef enum mux_channel_stage {
  MUX_CHANNEL_IDLE,     /**< a session that waits for its command */
  MUX_CHANNEL_QUEUED,   /**< others log in just now */
  MUX_CHANNEL_STARTING, /**< its program logs in */
  MUX_CHANNEL_UP,
  MUX_CHANNEL_OVER
} mux_channel_stage;

struct mux_channel {
  mux_channel *next;
  mux *owner;
  const mux_user *user; /* NULL once given up: freed at the end of the turn */
  void *context;
  mux_channel_stage stage;
  int is_session;
  char *target; /* host:port, or the command; NULL: not known yet */

  socket_child *child;
  penstock_socket data;
  penstock_socket messages;
  penstock_watch *data_watch;
  penstock_watch *messages_watch;
  penstock_timer *end_timer; /* its outputs have ended, and it has not yet */
  unsigned end_ticks;
  uint64_t granted;
  int holds_data;     /* there is something to read, and nothing granted */
  int wants_to_write; /* it took less than all */
  int is_told_open;
  int is_input_ended;
  int has_output_ended;
  int has_messages_ended;
  int has_far_eof;
  int was_signalled;
  int status; /* that ssh has told of; -1 = none */
  openssh_words refusal;
  int is_refused;
  int has_no_exec;
  DWORD start_error;
  char line[1024];
  size_t line_size;
  char last_words[256]; /* of ssh, for an error */
};

struct mux {
  const penstock_host *host;
  mux_programs how;
  mux_owner owner;
  mux_channel *channels; /* oldest first */
  penstock_timer *kick;
  int is_told_ready;
  int in_turn;
};

/* --- mux_win.c ------------------------------------------------------------------------------------- */

/** Begins and ends what a callback of a channel's does; in between, users are told. */
void mux_begin_turn(mux *self);
void mux_end_turn(mux *self);

/* --- mux_channel_win.c ----------------------------------------------------------------------------- */

/** Tells its user what was found out outside of a turn. */
void mux_channel_tell(mux_channel *channel);
/** Is there such a thing? */
int mux_channel_has_news(const mux_channel *channel);
/** Starts its program. */
void mux_channel_launch(mux_channel *channel);
/** Ends it and what runs of it. */
void mux_channel_free(mux_channel *channel);

#endif
