/* SPDX-License-Identifier: MIT */
/**
 * @file stream.h
 * The far side of a stream: a socket (fd stream), or a channel inside something else (credit stream).
 *
 * **fd stream.** The transport hands over a connected, non-blocking stream socket
 * (penstock_host::open_done_socket). From then on it is the host's, which relays and closes it.
 *
 * **credit stream.** The transport keeps the channel and gives the host a penstock_credit_stream
 * (penstock_host::open_done_credit). Both ways are bounded:
 *  - far side to client: the host grants bytes of credit; the transport delivers at most that many with
 *    penstock_host::stream_data, and the host takes all of what is delivered. Credit starts at 0.
 *  - client to far side: write() returns how much was taken; after less than all, the host waits for
 *    penstock_host::stream_writable.
 * The two directions end separately: shutdown_write() and penstock_host::stream_eof are half-closes.
 * An abort (close with PENSTOCK_CLOSE_ABORT, penstock_host::stream_reset) is never shown as a clean end.
 */
#ifndef PENSTOCK_STREAM_H
#define PENSTOCK_STREAM_H

#include "base.h"
#include "error.h"

/** The host's side of one open request. Opaque; see penstock_transport::open_stream. */
typedef struct penstock_open penstock_open;
/** The host's side of one credit stream. Opaque. */
typedef struct penstock_sink penstock_sink;

/** How the host gives a credit stream back. */
enum penstock_close {
  PENSTOCK_CLOSE_CLEAN = 0, /**< both directions have ended */
  PENSTOCK_CLOSE_ABORT = 1  /**< at least one has not: tell the far side by the most abrupt means there is */
};

/**
 * The transport's side of a credit stream. Filled in by the transport, copied by the host.
 * Thread: every slot is called on the lane's thread, never from inside a host function that the
 * transport is calling, with one exception: write() and shutdown_write() of the same stream may be
 * called from inside penstock_host::stream_writable.
 */
typedef struct penstock_credit_stream {
  uint32_t struct_size; /**< sizeof(penstock_credit_stream) */
  uint32_t write_chunk; /**< size in bytes of the writes that suit the transport best; 0 = no preference. A stream
                             that is alone is written in multiples of it */
  void *stream;         /**< the transport's own; first argument of each slot */

  /**
   * Takes up to `size` (> 0) bytes for the far side. `data` is borrowed until the call returns.
   * Returns the count taken, 0..size; after less than `size` the transport calls stream_writable once
   * when it can take more. Never negative: a broken stream is told with stream_reset.
   */
  size_t (*write)(void *stream, const void *data, size_t size);
  /** The client has ended its direction: pass it on after all written bytes. Called at most once. */
  void (*shutdown_write)(void *stream);
  /** Adds `bytes` of credit. */
  void (*grant)(void *stream, uint64_t bytes);
  /**
   * Gives the stream back; the last call on it. `how` is enum penstock_close. From now on the transport
   * makes no call with its sink. Called exactly once for each stream that open_done_credit accepted,
   * after stream_reset too.
   */
  void (*close)(void *stream, uint32_t how);
} penstock_credit_stream;

#endif
