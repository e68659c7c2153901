/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "relay/stream.h"

penstock_sink *ps_stream_sink(ps_stream *stream) {
  return (penstock_sink *)(void *)stream;
}

penstock_sink *ps_sink_create(const penstock_credit_stream *far) {
  penstock_sink *sink = calloc(1, sizeof(*sink));
  if (sink) {
    memcpy(&sink->far, far, far->struct_size < sizeof(sink->far) ? far->struct_size : sizeof(sink->far));
    sink->chunk = sink->far.write_chunk > 0 ? sink->far.write_chunk : PS_RELAY_SHARE;
    sink->chunk = sink->chunk > PS_RELAY_BUFFER ? PS_RELAY_BUFFER : sink->chunk;
    /* Or what is left over behind the last whole chunk of a block would be a write of its own. */
    sink->stream.up.backlog.piece = PS_RELAY_SHARE - PS_RELAY_SHARE % sink->chunk;
    sink->stream.up.from = &sink->stream.client;
    sink->stream.down.to = &sink->stream.client;
  }
  return sink;
}

penstock_sink *ps_relay_join_credit(ps_relay *relay, uint64_t id, penstock_socket client,
                                    const penstock_credit_stream *far) {
  penstock_sink *sink = ps_sink_create(far);
  if (!sink) {
    ps_net_reset(client);
    return NULL;
  }
  ps_stream_begin(relay, &sink->stream, id,
                  client); /* the transport is calling us: its first credit comes later, too */
  return sink;
}

/* A turn is a multiple of what the transport likes, and goes to it in one piece. */
size_t ps_credit_write(penstock_sink *sink, const void *data, size_t size) {
  if (sink->stream.ending) {
    return 0;
  }
  sink->writing = 1;
  sink->retry = 0;
  size_t count = sink->far.write(sink->far.stream, data, size);
  sink->writing = 0;
  if (count > size) {
    ps_stream_finish(&sink->stream, "the transport took more bytes than it was given (a defect of the plugin)", NULL);
    return 0;
  }
  if (count < size && sink->retry) { /* it was writable again before it had said that it is not */
    ps_stream_defer(&sink->stream);
  }
  return count;
}

void ps_credit_return(penstock_sink *sink, size_t bytes) {
  if (!sink->stream.down.eof) {
    sink->credit += bytes;
    sink->far.grant(sink->far.stream, bytes);
  }
}

/* More of the backlog, as the transport can take it. */
static void drain_up(ps_stream *stream) {
  if (stream->up.backlog.size > 0) {
    (void)ps_flow_drain(stream, &stream->up);
    ps_stream_update(stream);
  }
}

void ps_credit_work(penstock_sink *sink) {
  if (!sink->granted) {
    /* A spare has credit for one byte: that is how a far side that talks before it is asked is noticed. */
    size_t window = sink->stream.spare == PS_SPARE_WAITS ? 1 : PS_RELAY_WINDOW;
    sink->granted = 1;
    ps_credit_return(sink, window - (size_t)sink->credit);
  }
  if (sink->retry && !sink->stream.ending) {
    sink->retry = 0;
    drain_up(&sink->stream);
  }
}

uint64_t ps_relay_stream_data(penstock_sink *sink, const void *data, size_t size) {
  ps_stream *stream = &sink->stream;
  if (stream->ending || size == 0 || ps_spare_spoilt(stream, 1)) {
    return 0;
  }
  if (size > sink->credit || stream->down.eof) {
    ps_stream_finish(stream, "the transport delivered more than it had credit for (a defect of the plugin)", NULL);
    return 0;
  }
  sink->credit -= size;
  size_t taken = ps_flow_push(stream, &stream->down, data, size);
  if (stream->ending) {
    return 0;
  }
  sink->credit += taken;
  ps_stream_update(stream);
  return taken;
}

void ps_relay_stream_eof(penstock_sink *sink) {
  ps_stream *stream = &sink->stream;
  if (!stream->ending && !ps_spare_spoilt(stream, 0)) {
    stream->down.eof = 1;
    ps_flow_settle(stream, &stream->down);
    ps_stream_update(stream);
  }
}

void ps_relay_stream_writable(penstock_sink *sink) {
  if (sink->writing) {
    sink->retry = 1;
  } else if (!sink->stream.ending) {
    drain_up(&sink->stream);
  }
}

void ps_relay_stream_reset(penstock_sink *sink, const penstock_error *error) {
  ps_stream_reset_by(&sink->stream, 1, error);
}
