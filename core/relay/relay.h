/* SPDX-License-Identifier: MIT */
/**
 * @file relay.h
 * The data path: joins an accepted client socket to a far side (fd stream or credit stream) and moves
 * bytes both ways until both directions have ended or one side aborts.
 *
 * Promises: the two directions end separately (half-close passes each way, after all bytes); an abort on
 * one side is an abort (RST) on the other, never a clean end; memory per stream is bounded and a paused
 * stream is still told of an abort; one busy stream takes a bounded turn (64 KiB a direction beside a
 * stream that has little to say, at most 1 MiB else); idle streams hold no buffer.
 *
 * Thread: the lane's, all of it. No callback runs inside the call that started it.
 */
#ifndef PS_RELAY_H
#define PS_RELAY_H

#include <penstock/sdk.h>
#include <uv.h>

/** All streams of one lane. Opaque. */
typedef struct ps_relay ps_relay;

/** How a stream ended, with its counts. Borrowed until the callback returns. */
typedef struct ps_stream_end {
  uint64_t id;
  uint64_t up_bytes;   /**< client to far side */
  uint64_t down_bytes; /**< far side to client */
  uint64_t duration_ns;
  uint64_t first_byte_ns;      /**< from the client's first byte to the far side's; 0 = there was no such answer */
  int aborted;                 /**< 0 = both directions ended cleanly */
  int far_ended;               /**< the far side had sent its end, or is the one that broke the stream */
  const char *reason;          /**< aborted: who and why ("client reset the connection"), else NULL */
  const penstock_error *error; /**< what the transport said, else NULL */
} ps_stream_end;

/** Makes the relay of a lane. `ended` (optional) is told of each stream. NULL if out of memory. */
ps_relay *ps_relay_create(uv_loop_t *loop, void (*ended)(void *context, const ps_stream_end *end), void *context);

/** Joins two non-blocking stream sockets; both become the relay's, also on failure. Returns 0 or a negative code. */
int ps_relay_join_socket(ps_relay *relay, uint64_t id, penstock_socket client, penstock_socket far);
/**
 * Joins a client with a credit stream (copied, up to its struct_size). `client` becomes the relay's, also
 * on failure. NULL if out of memory: the stream stays its owner's and nothing of it is called. Otherwise
 * close() is called exactly once, on a later turn. The sink is valid until then.
 */
penstock_sink *ps_relay_join_credit(ps_relay *relay, uint64_t id, penstock_socket client,
                                    const penstock_credit_stream *stream);

/** The penstock_host slots of the same names. */
uint64_t ps_relay_stream_data(penstock_sink *sink, const void *data, size_t size);
void ps_relay_stream_eof(penstock_sink *sink);
void ps_relay_stream_writable(penstock_sink *sink);
void ps_relay_stream_reset(penstock_sink *sink, const penstock_error *error);

/** Streams that live, or whose end was not reported yet; not those of spare.h that no client has. [lane thread] */
size_t ps_relay_count(const ps_relay *relay);
/** Bytes in a second, in each direction. [lane thread] */
void ps_relay_rates(const ps_relay *relay, uint64_t *up, uint64_t *down);
/** How a stream is now. */
typedef struct ps_stream_now {
  uint64_t id;
  uint64_t up_bytes;
  uint64_t down_bytes;
  uint64_t age_ns;
} ps_stream_now;
/** Shows each stream that has a client. `each` must not call back into the relay. [lane thread] */
void ps_relay_each(const ps_relay *relay, void (*each)(void *context, const ps_stream_now *now), void *context);
/**
 * The link is gone: aborts every stream that is joined to a credit stream, and calls close(ABORT) on each
 * before it returns. fd streams live on.
 */
void ps_relay_abort_credit(ps_relay *relay, const penstock_error *error);
/** Aborts every stream, as above. */
void ps_relay_abort_all(ps_relay *relay, const penstock_error *error);
/**
 * Frees the relay; streams that are left are aborted and reported first. `closed` comes on a later turn,
 * when the loop holds nothing of it any more.
 */
void ps_relay_destroy(ps_relay *relay, void (*closed)(void *context), void *context);

#endif
