/* SPDX-License-Identifier: MIT */
/*
 * How much a direction moves in a turn, and by which means. What a turn costs beside its bytes (the poll, waking the
 * receiver) is the same for few bytes as for many, so bulk wants large turns; whoever has little to say wants its turn
 * soon. So turns are large until somebody with little to say shows up, and small for a while after that.
 */
#include "relay/stream.h"

/* How fast a pace follows: by an eighth of what is new. */
#define FOLLOWS 8
/* Somebody with little to say mostly has more to say soon: turns stay small for so many after it. */
#define SMALL_TURNS 64

int ps_flow_is_bulk(const ps_stream *stream, ps_flow *flow) {
  size_t from = stream->relay->bulk_from;
  size_t least = flow->bulk && from > PS_RELAY_BULK_LEAST ? PS_RELAY_BULK_LEAST : from;
  flow->bulk = flow->pace >= least;
  return flow->bulk;
}

void ps_flow_note(ps_stream *stream, ps_flow *flow, size_t moved) {
  ps_relay *relay = stream->relay;
  relay->moved_now += moved;
  flow->pace = flow->pace - flow->pace / FOLLOWS + moved / FOLLOWS;
  /* Answers to bulk are small too, and no reason to hold it up. */
  if (!ps_flow_is_bulk(stream, &stream->up) && !ps_flow_is_bulk(stream, &stream->down)) {
    relay->small_id = stream->id;
    relay->small_until = relay->turn + SMALL_TURNS;
  }
}

/* Streams that are ready: in this turn as far as it has come, or in the one before. */
static size_t count_ready(ps_stream *stream) {
  ps_relay *relay = stream->relay;
  if (stream->turn != relay->turn) {
    stream->turn = relay->turn;
    relay->ready_now++;
  }
  return relay->ready_now > relay->ready_last ? relay->ready_now : relay->ready_last;
}

static size_t at_most(size_t limit, size_t value) {
  return value < limit ? value : limit;
}

static size_t at_least(size_t limit, size_t value) {
  return value > limit ? value : limit;
}

size_t ps_flow_turn(ps_stream *stream, int by_pipe) {
  const ps_relay *relay = stream->relay;
  size_t ready = count_ready(stream);
  if (relay->small_id != stream->id && relay->turn < relay->small_until) {
    return PS_RELAY_SHARE;
  }
  if (!stream->far) { /* all of them share one link, which has turns of its own */
    return PS_RELAY_BUFFER;
  }
  size_t most = by_pipe ? PS_RELAY_PIPE : PS_RELAY_BUFFER;
  size_t left = relay->moved_now < PS_RELAY_ROUND ? PS_RELAY_ROUND - relay->moved_now : 0;
  return at_least(PS_RELAY_SHARE, at_most(at_most(most, PS_RELAY_ROUND / ready), left));
}
