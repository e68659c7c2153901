/* SPDX-License-Identifier: MIT */
/**
 * @file spare.h
 * Streams that were opened ahead of need: a far side that waits in the relay for a client.
 *
 * Promises: no byte of a client goes to a spare that has ended, as far as this machine can know at that moment; what
 * the far side does before the first byte of the client has gone up costs the client nothing, for nothing was sent: it
 * is given back, to be served by a fresh stream; what it does after that is passed on, and an end without one byte from
 * it as an abort, for nobody can know whether the bytes met somebody. Bytes of a client are never sent twice.
 *
 * Thread: the lane's. No callback runs inside the call that started it.
 */
#ifndef PS_SPARE_H
#define PS_SPARE_H

#include "relay/relay.h"

/** A stream without a client. Opaque. Its owner's until it is given, discarded, or lost. */
typedef struct ps_stream ps_spare;

/** A client that gets a spare, or comes back from one. */
typedef struct ps_spare_client {
  uint64_t id;
  penstock_socket socket;
  uint64_t deadline_ns; /**< the owner's: it comes back with the client */
} ps_spare_client;

typedef struct ps_spare_events {
  void *context; /**< first argument of both */
  /** The far side has ended it, or has said something (`spoke`). The spare is gone. */
  void (*lost)(void *context, const ps_spare *spare, int spoke);
  /** No byte of this client has gone anywhere, and its stream is no more. It is the callee's again. */
  void (*returned)(void *context, const ps_spare_client *client);
} ps_spare_events;

/** Who is told of the relay's spares. Both events must be there; copied. */
void ps_spare_listen(ps_relay *relay, const ps_spare_events *events);

/** Keeps a connected, non-blocking socket, which becomes the relay's, also on failure. NULL: out of memory. */
ps_spare *ps_spare_of_socket(ps_relay *relay, penstock_socket far);
/** Keeps a credit stream; `sink` is for its owner. As ps_relay_join_credit. */
ps_spare *ps_spare_of_credit(ps_relay *relay, const penstock_credit_stream *far, penstock_sink **sink);
/** Is it fit to be given, as far as this machine can know now? If not, `lost` follows. */
int ps_spare_is_good(ps_spare *spare);
/**
 * Joins it with a client, whose socket becomes the relay's. If the client's first byte comes after `stale_ns`
 * (uv_hrtime), it is given back too. The spare is gone from its owner.
 */
void ps_spare_give(ps_spare *spare, const ps_spare_client *client, uint64_t stale_ns);
/** Ends it, in the ordinary way if there is one. Nothing is told. */
void ps_spare_discard(ps_spare *spare);

#endif
