/* SPDX-License-Identifier: MIT */
/**
 * @file stream.h
 * Inside of the relay: what its files share. Nothing outside of core/relay includes this.
 *
 * A stream has two flows (up: client to far side, down: back) and one or two sides (the client's socket,
 * the far socket). A credit stream has no far side of its own: its up flow ends in the transport's write(),
 * its down flow begins in stream_data.
 *
 * The end of a stream is always in two steps: ps_stream_finish() only decides how, from wherever it is noticed,
 * also deep inside a transport's call; the work is done later from the loop. So nobody loses the ground
 * under their feet, and no slot of a transport is called from inside its own call.
 */
#ifndef PS_RELAY_STREAM_H
#define PS_RELAY_STREAM_H

#include <uv.h>

#include "base/list.h"
#include "base/rate.h"
#include "net/net.h"
#include "relay/backlog.h"
#include "relay/relay.h"
#include "relay/spare.h"
#include "relay/splice.h"

/** Size in bytes of the buffer that all streams of a relay read into; also the largest turn by it. */
#define PS_RELAY_BUFFER ((size_t)256 * 1024)
/** The largest turn by a pipe, in bytes. */
#define PS_RELAY_PIPE ((size_t)1024 * 1024)
/** All turns of one time round the loop that are larger than PS_RELAY_SHARE, in bytes: a millisecond or two. */
#define PS_RELAY_ROUND ((size_t)4 * 1024 * 1024)
/** Turn of a direction while somebody with little to say must not wait, in bytes. */
#define PS_RELAY_SHARE ((size_t)64 * 1024)
/** Credit of a stream, in bytes: what we are ready to hold for a slow client. */
#define PS_RELAY_WINDOW ((size_t)2 * 1024 * 1024)

/** A direction is bulk from so many bytes a turn on, in the mean, and no more below the second: it goes by a pipe. */
#define PS_RELAY_BULK_FROM  ((size_t)32 * 1024)
#define PS_RELAY_BULK_LEAST ((size_t)16 * 1024)

typedef struct ps_stream ps_stream;

/** What a stream that was opened ahead of need has come to; see spare.h. */
typedef enum ps_spare_phase {
  PS_SPARE_NOT,     /**< it was opened for its client */
  PS_SPARE_WAITS,   /**< has no client yet */
  PS_SPARE_TRIED,   /**< has one, of whom nothing has gone up yet */
  PS_SPARE_GIVEN,   /**< carries what its client sends */
  PS_SPARE_RETURNS, /**< the far side did not wait for its client, who is given back */
  PS_SPARE_DROPPED  /**< its owner has no use for it */
} ps_spare_phase;

/** A socket of a stream and its watch. */
typedef struct ps_side {
  union {
    uv_handle_t any;
    uv_poll_t poll; /**< the watch */
    uv_idle_t idle; /**< of one that was never watched, to be closed like one that was */
  } handle;
  ps_stream *stream;
  penstock_socket socket;
  int is_watched;
  int armed; /**< the libuv events that are being waited for */
  int quiet; /**< waiting for nothing but an error is of no more use: it would wake us without end */
} ps_side;

/** One direction. */
typedef struct ps_flow {
  ps_side *from; /**< NULL: bytes come by stream_data */
  ps_side *to;   /**< NULL: bytes go to the transport's write() */
  ps_backlog backlog;
  ps_pipe *pipe;  /**< lent, with bytes in it; NULL = none */
  uint64_t bytes; /**< that `to` has taken */
  size_t pace;    /**< bytes that it read in a turn, in the mean of the last ones */
  int bulk;       /**< … are many */
  int pipes_do;   /**< 1 = bytes may go by a pipe, -1 = not, 0 = not known yet */
  int eof;        /**< the sender has ended */
  int ended;      /**< … and all its bytes went out: the receiver is to be told */
  int end_passed; /**< … and was */
} ps_flow;

/** What a transport said, shared by the streams that it ended. */
typedef struct ps_stream_error {
  size_t references;
  penstock_error error;
} ps_stream_error;

struct ps_stream {
  ps_list node;    /**< in ps_relay::streams */
  ps_list pending; /**< in ps_relay::pending */
  ps_relay *relay;
  uint64_t id;
  uint64_t started_ns;
  uint64_t asked_ns;      /**< when its client's first byte went out; 0 = not yet */
  uint64_t first_byte_ns; /**< how long after that the first byte of the answer did; 0 = not yet */
  uint64_t turn;          /**< the last turn in which it was ready */
  ps_side *far;           /**< NULL: a credit stream */
  const char *reason;     /**< why it was aborted; NULL = it was not */
  ps_stream_error *error; /**< may be NULL */
  int far_broke;          /**< the far side is the one that broke it */
  int begun;              /**< it was looked at what its client had sent before it was joined */
  int ending;             /**< ps_stream_finish was called */
  int released;           /**< sockets and channel are given back; only libuv's handles are left */
  int handles;            /**< of libuv, that are still to be closed */
  ps_spare_phase spare;
  int spoke;            /**< of a spare that is spoilt: the far side said something */
  uint64_t deadline_ns; /**< of a spare's client: its owner's */
  int turn_is_over;     /**< of a spare: it may begin to read from its client */
  uint64_t stale_ns;    /**< of a spare: not for a client whose first byte comes later */
  ps_flow up;
  ps_flow down;
  ps_side client;
};

/** A credit stream. */
struct penstock_sink {
  ps_stream stream; /**< first member */
  penstock_credit_stream far;
  size_t chunk;    /**< size of a write */
  uint64_t credit; /**< bytes the transport may still deliver */
  int granted;     /**< the first credit was given */
  int writing;     /**< write() is being called */
  int retry;       /**< stream_writable came from inside write() */
};

/** A stream with two sockets. */
typedef struct ps_socket_stream {
  ps_stream stream; /**< first member */
  ps_side far;
} ps_socket_stream;

struct ps_relay {
  uv_loop_t *loop;
  uv_check_t check; /**< after each poll: counts turns, does what is pending */
  uv_idle_t wake;   /**< active while something is pending, so that the loop does not sleep on it */
  void (*ended)(void *context, const ps_stream_end *end);
  void *ended_context;
  void (*closed)(void *context);
  void *closed_context;
  ps_list streams;
  ps_list pending;
  size_t count;
  size_t spare_count; /**< of them, those that no client has */
  ps_spare_events spares;
  uint64_t turn;
  size_t ready_now;     /**< streams that were ready in this turn */
  size_t ready_last;    /**< … and in the one before */
  size_t moved_now;     /**< bytes that were read in this turn */
  uint64_t small_id;    /**< the last stream that was ready and had little to say */
  uint64_t small_until; /**< the turn until which turns are small because of it */
  ps_pipes pipes;
  size_t bulk_from; /**< PS_RELAY_BULK_FROM; tests choose other values */
  uint64_t spliced; /**< bytes that went by a pipe */
  ps_rate up_rate;  /**< bytes */
  ps_rate down_rate;
  int destroying;
  int handles;
  ps_block_stock stock;
  unsigned char *buffer; /**< PS_RELAY_BUFFER bytes; only valid from a read to the write that follows */
};

/* relay.c */

/** Fills in the common part. The rest comes at the end of the turn: the first request, then the watches. */
void ps_stream_begin(ps_relay *relay, ps_stream *stream, uint64_t id, penstock_socket client);
/**
 * Decides how a stream ends; the first call counts. `reason` NULL = cleanly, else static text. From now on
 * nothing moves; sockets and channel are given back on a later turn. `error` (optional) is copied.
 */
void ps_stream_finish(ps_stream *stream, const char *reason, const penstock_error *error);
/** The same for a side that reset its connection. `error` (optional) is copied. */
void ps_stream_reset_by(ps_stream *stream, int is_far, const penstock_error *error);
/** Has what is to be done for it done at the end of the turn. */
void ps_stream_defer(ps_stream *stream);

/* pace.c */

/** Notes that a stream is ready; returns how many bytes a flow of it may move now, by a pipe or by the buffer. */
size_t ps_flow_turn(ps_stream *stream, int by_pipe);
/** Notes what a flow has read in a turn. */
void ps_flow_note(ps_stream *stream, ps_flow *flow, size_t moved);
/** Does it read much in a turn? */
int ps_flow_is_bulk(const ps_stream *stream, ps_flow *flow);

/* spare.c */

/** At the end of a turn: reads what its client has sent, if nothing has gone up yet. */
void ps_spare_begin(ps_stream *stream);
/** The far side has ended or said something (`spoke`): was the stream opened ahead, and nothing sent yet? Then it ends,
 * and 1 is returned. */
int ps_spare_spoilt(ps_stream *stream, int spoke);
/** May bytes be read for `flow`? Looks at the far side of one that was opened ahead, and ends it if need be. */
int ps_spare_may_read(ps_stream *stream, const ps_flow *flow);
/** Its far side has ended without a byte: was it opened ahead, and may that end have crossed with the client's bytes?
 */
int ps_spare_end_is_doubtful(const ps_stream *stream);
/** Has it no client, or none any more? */
int ps_spare_is_unused(const ps_stream *stream);
/** It was released: tells its owner. `client`: the socket that was taken from it. */
void ps_spare_released(ps_stream *stream, penstock_socket client);

/* side.c */

/** Takes a socket, of which ps_stream_update makes it wait for something. */
void ps_side_open(ps_side *side, ps_stream *stream, penstock_socket socket);
/** Ends the watch and closes the socket; `closed` comes on a later turn. */
void ps_side_close(ps_side *side, int abort, uv_close_cb closed);
/** Ends the watch and gives the socket back; `closed` comes on a later turn. */
penstock_socket ps_side_detach(ps_side *side, uv_close_cb closed);
/** Waits for what the flows of a stream need now; of one that is deferred, at the end of the turn. */
void ps_stream_update(ps_stream *stream);

/* flow.c */

/** The sender's socket is readable: moves one turn's worth. */
void ps_flow_read(ps_stream *stream, ps_flow *flow);
/** The receiver can take more: gives it from the backlog. Returns how much went. */
size_t ps_flow_drain(ps_stream *stream, ps_flow *flow);
/** Hands bytes on; what is not taken at once goes to the backlog. Returns what was taken. */
size_t ps_flow_push(ps_stream *stream, ps_flow *flow, const void *data, size_t size);
/** Notes that the sender's end is to be passed on, when all bytes went out. */
void ps_flow_settle(ps_stream *stream, ps_flow *flow);
/** Passes ends on, and finishes a stream that has ended in both directions. */
void ps_flow_pass_ends(ps_stream *stream);
/**
 * Of a stream that is ending because the sender broke: passes on what it had sent before, as much as the receiver
 * takes at once. Overwrites the relay's buffer. Without this a reset would overtake the bytes in front of it.
 */
void ps_flow_last_words(ps_stream *stream, ps_flow *flow);
/** Bytes that wait for the receiver. */
size_t ps_flow_waiting(const ps_flow *flow);
/** Forgets what waits. */
void ps_flow_clear(ps_relay *relay, ps_flow *flow);
/** Can the flow take bytes from its sender? */
int ps_flow_open(const ps_flow *flow);

/* far_credit.c */

/** A stream of the transport's (copied) without a client. NULL if out of memory. */
penstock_sink *ps_sink_create(const penstock_credit_stream *far);
/** The sink of a credit stream. */
penstock_sink *ps_stream_sink(ps_stream *stream);
/** Writes to the transport; returns the count taken. */
size_t ps_credit_write(penstock_sink *sink, const void *data, size_t size);
/** Gives credit back for bytes that the client took. Never from inside a transport's call. */
void ps_credit_return(penstock_sink *sink, size_t bytes);
/** What was put off to a later turn. */
void ps_credit_work(penstock_sink *sink);

#endif
