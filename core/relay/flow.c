/* SPDX-License-Identifier: MIT */
#include "relay/stream.h"

static int is_up(const ps_stream *stream, const ps_flow *flow) {
  return flow == &stream->up;
}

/* The receiver has taken so many bytes. */
static void count(ps_stream *stream, ps_flow *flow, uint64_t bytes) {
  ps_relay *relay = stream->relay;
  int up = is_up(stream, flow);
  if (bytes == 0) {
    return;
  }
  if (flow->bytes == 0 && up) {
    stream->asked_ns = uv_hrtime();
  } else if (flow->bytes == 0 && stream->asked_ns) {
    stream->first_byte_ns = uv_hrtime() - stream->asked_ns;
  }
  flow->bytes += bytes;
  ps_rate_add(up ? &relay->up_rate : &relay->down_rate, uv_now(relay->loop), bytes);
}

void ps_flow_last_words(ps_stream *stream, ps_flow *flow) {
  unsigned char *buffer = stream->relay->buffer;
  long got = 1;
  long taken = 1;
  while (flow->from && flow->to && !ps_spare_is_unused(stream) && ps_flow_waiting(flow) == 0 && got > 0 &&
         taken == got) {
    got = ps_net_read(flow->from->socket, buffer, PS_RELAY_BUFFER);
    taken = got > 0 ? ps_net_write(flow->to->socket, buffer, (size_t)got) : 0;
    count(stream, flow, taken > 0 ? (uint64_t)taken : 0);
  }
}

/* A receiver that refuses more may have said why before it closed: that still lies in its socket. */
static void receiver_broke(ps_stream *stream, const ps_flow *flow) {
  if (stream->ending) {
    return;
  }
  stream->far_broke = is_up(stream, flow);
  ps_stream_finish(stream,
                   is_up(stream, flow) ? "the far side closed the connection before it had taken everything"
                                       : "the client closed the connection before it had taken everything",
                   NULL);
  ps_flow_last_words(stream, is_up(stream, flow) ? &stream->down : &stream->up);
}

int ps_flow_open(const ps_flow *flow) {
  return !flow->eof && ps_flow_waiting(flow) == 0;
}

size_t ps_flow_waiting(const ps_flow *flow) {
  return flow->backlog.size + ps_pipe_size(flow->pipe);
}

static void return_pipe(ps_relay *relay, ps_flow *flow) {
  if (flow->pipe) {
    ps_pipe_give(&relay->pipes, flow->pipe);
    flow->pipe = NULL;
  }
}

void ps_flow_clear(ps_relay *relay, ps_flow *flow) {
  ps_backlog_clear(&flow->backlog, &relay->stock);
  return_pipe(relay, flow);
}

/* Gives bytes to the receiver; returns how many it took. A broken receiver ends the stream. */
static size_t put(ps_stream *stream, ps_flow *flow, const void *data, size_t size) {
  size_t taken = 0;
  if (!flow->to) {
    taken = ps_credit_write(ps_stream_sink(stream), data, size);
  } else {
    long written = ps_net_write(flow->to->socket, data, size);
    if (written > 0) {
      taken = (size_t)written;
    } else if (written == PS_NET_BROKEN) {
      receiver_broke(stream, flow);
    }
  }
  count(stream, flow, taken);
  return taken;
}

size_t ps_flow_push(ps_stream *stream, ps_flow *flow, const void *data, size_t size) {
  size_t taken = flow->backlog.size == 0 ? put(stream, flow, data, size) : 0;
  if (taken < size && !stream->ending &&
      ps_backlog_add(&flow->backlog, &stream->relay->stock, (const char *)data + taken, size - taken) != 0) {
    ps_stream_finish(stream, "the gateway is out of memory", NULL);
  }
  return taken;
}

/* Gives the receiver what is in the pipe, and the pipe back when it is empty. */
static size_t drain_pipe(ps_stream *stream, ps_flow *flow) {
  size_t moved = 0;
  while (flow->to && ps_pipe_size(flow->pipe) > 0) {
    long emptied = ps_pipe_empty(flow->pipe, flow->to->socket);
    if (emptied == PS_NET_BROKEN) {
      receiver_broke(stream, flow);
    }
    if (emptied <= 0) {
      break;
    }
    moved += (size_t)emptied;
  }
  count(stream, flow, moved);
  stream->relay->spliced += moved;
  if (ps_pipe_size(flow->pipe) == 0) {
    return_pipe(stream->relay, flow);
  }
  return moved;
}

/* Is this bulk, between sockets that pipes can join? */
static int wants_pipe(const ps_stream *stream, ps_flow *flow) {
  if (!flow->to || !ps_flow_is_bulk(stream, flow)) {
    return 0;
  }
  if (flow->pipes_do == 0) {
    flow->pipes_do = ps_pipe_fits(flow->from->socket, flow->to->socket) ? 1 : -1;
  }
  return flow->pipes_do > 0;
}

/* What a read had for a result, whichever way it went. */
static void end_of_read(ps_stream *stream, ps_flow *flow, long got) {
  if (got == PS_NET_BROKEN) {
    ps_stream_reset_by(stream, !is_up(stream, flow), NULL);
  } else if (got == 0) {
    flow->eof = 1;
    ps_flow_settle(stream, flow);
  }
}

static void read_by_pipe(ps_stream *stream, ps_flow *flow) {
  long got = ps_pipe_fill(flow->pipe, flow->from->socket, ps_flow_turn(stream, 1));
  if (got > 0) {
    ps_flow_note(stream, flow, (size_t)got);
  }
  (void)drain_pipe(stream, flow); /* gives it back, too, if nothing came */
  if (!stream->ending) {
    end_of_read(stream, flow, got);
  }
}

void ps_flow_read(ps_stream *stream, ps_flow *flow) {
  if (!ps_flow_open(flow) || !ps_spare_may_read(stream, flow)) {
    return;
  }
  if (wants_pipe(stream, flow) && (flow->pipe = ps_pipe_take(&stream->relay->pipes)) != NULL) {
    read_by_pipe(stream, flow);
    return;
  }
  size_t limit = ps_flow_turn(stream, 0);
  if (!flow->to) { /* whole writes as the transport likes them, at least one */
    size_t chunk = ps_stream_sink(stream)->chunk;
    limit = limit < chunk ? chunk : limit - limit % chunk;
  }
  unsigned char *buffer = stream->relay->buffer;
  long got = ps_net_read(flow->from->socket, buffer, limit);
  if (stream->spare == PS_SPARE_TRIED && got >= 0) {
    stream->spare = PS_SPARE_GIVEN; /* from here on, what has become of the bytes is not known */
  }
  if (got > 0) {
    ps_flow_note(stream, flow, (size_t)got);
    (void)ps_flow_push(stream, flow, buffer, (size_t)got);
  } else {
    end_of_read(stream, flow, got);
  }
}

size_t ps_flow_drain(ps_stream *stream, ps_flow *flow) {
  /* A transport that took all does not call again, so it is offered all. */
  size_t limit = flow->to ? ps_flow_turn(stream, 0) : flow->backlog.size;
  size_t moved = drain_pipe(stream, flow);
  while (moved < limit && flow->backlog.size > 0 && !stream->ending) {
    size_t size;
    const void *data = ps_backlog_front(&flow->backlog, &size);
    size_t taken = put(stream, flow, data, size);
    if (stream->ending) {
      return moved;
    }
    ps_backlog_drop(&flow->backlog, &stream->relay->stock, taken);
    moved += taken;
    if (taken < size) {
      break;
    }
  }
  ps_flow_settle(stream, flow);
  return moved;
}

void ps_flow_settle(ps_stream *stream, ps_flow *flow) {
  if (!flow->eof || flow->ended || ps_flow_waiting(flow) > 0) {
    return;
  }
  if (!is_up(stream, flow) && flow->bytes == 0 && ps_spare_end_is_doubtful(stream)) {
    stream->far_broke = 1; /* it may have ended before it was asked: that is no answer, and must not look like one */
    ps_stream_finish(stream, "the far side ended without an answer", NULL);
    return;
  }
  flow->ended = 1;
  ps_stream_defer(stream);
}

static void pass_end(ps_stream *stream, ps_flow *flow, int is_last) {
  if (!flow->ended || flow->end_passed) {
    return;
  }
  flow->end_passed = 1;
  if (!flow->to) {
    penstock_sink *sink = ps_stream_sink(stream);
    sink->far.shutdown_write(sink->far.stream);
  } else if (!is_last) { /* else closing the socket says it */
    ps_net_shutdown_write(flow->to->socket);
  }
}

void ps_flow_pass_ends(ps_stream *stream) {
  int is_last = stream->up.ended && stream->down.ended;
  pass_end(stream, &stream->up, is_last);
  pass_end(stream, &stream->down, is_last);
  if (is_last) {
    ps_stream_finish(stream, NULL, NULL);
  }
}
