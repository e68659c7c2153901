/* SPDX-License-Identifier: MIT */
#include "relay/spare.h"

#include <stdlib.h>

#include "relay/stream.h"

void ps_spare_listen(ps_relay *relay, const ps_spare_events *events) {
  relay->spares = *events;
}

/* --- keeping ------------------------------------------------------------------------------------ */

static void keep(ps_relay *relay, ps_stream *stream) {
  stream->relay = relay;
  stream->spare = PS_SPARE_WAITS;
  stream->client.socket = PENSTOCK_SOCKET_NONE;
  ps_list_init(&stream->pending);
  ps_list_append(&relay->streams, &stream->node);
  relay->count++;
  relay->spare_count++;
}

ps_spare *ps_spare_of_socket(ps_relay *relay, penstock_socket far) {
  ps_socket_stream *pair = calloc(1, sizeof(*pair));
  if (!pair) {
    ps_net_close(far);
    return NULL;
  }
  ps_stream *stream = &pair->stream;
  stream->far = &pair->far;
  stream->up = (ps_flow){.from = &stream->client, .to = &pair->far};
  stream->down = (ps_flow){.from = &pair->far, .to = &stream->client};
  keep(relay, stream);
  ps_side_open(&pair->far, stream, far);
  ps_net_nodelay(far);
  ps_stream_update(stream);
  return stream;
}

ps_spare *ps_spare_of_credit(ps_relay *relay, const penstock_credit_stream *far, penstock_sink **sink) {
  *sink = ps_sink_create(far);
  if (!*sink) {
    return NULL;
  }
  ps_stream *stream = &(*sink)->stream;
  keep(relay, stream);
  ps_stream_defer(stream); /* its first credit */
  return stream;
}

/* --- what becomes of it ------------------------------------------------------------------------- */

void ps_spare_give(ps_spare *stream, const ps_spare_client *client, uint64_t stale_ns) {
  ps_relay *relay = stream->relay;
  ps_side_open(&stream->client, stream, client->socket);
  stream->spare = PS_SPARE_TRIED;
  relay->spare_count--;
  stream->id = client->id;
  stream->started_ns = uv_hrtime();
  stream->deadline_ns = client->deadline_ns;
  stream->stale_ns = stale_ns;
  if (!stream->far) {
    ps_stream_sink(stream)->granted = 0; /* all the credit now */
  }
  ps_stream_defer(stream); /* ps_spare_begin */
}

void ps_spare_begin(ps_stream *stream) {
  if (stream->spare == PS_SPARE_TRIED && !stream->ending) {
    stream->turn_is_over = 1;
    ps_flow_read(stream, &stream->up); /* mostly its request has come along with it */
    stream->turn_is_over = 0;
    ps_stream_update(stream);
  }
}

void ps_spare_discard(ps_spare *stream) {
  if (stream->spare == PS_SPARE_WAITS) {
    stream->spare = PS_SPARE_DROPPED;
    ps_stream_finish(stream, "it was not needed", NULL);
  }
}

int ps_spare_end_is_doubtful(const ps_stream *stream) {
  return stream->spare == PS_SPARE_GIVEN && (stream->up.bytes > 0 || ps_flow_waiting(&stream->up) > 0);
}

int ps_spare_is_unused(const ps_stream *stream) {
  return stream->spare == PS_SPARE_WAITS || stream->spare == PS_SPARE_DROPPED || stream->spare == PS_SPARE_RETURNS;
}

int ps_spare_spoilt(ps_stream *stream, int spoke) {
  if (stream->ending || (stream->spare != PS_SPARE_WAITS && stream->spare != PS_SPARE_TRIED)) {
    return 0;
  }
  if (stream->spare == PS_SPARE_TRIED) {
    stream->spare = PS_SPARE_RETURNS;
    stream->relay->spare_count++;
  }
  stream->spoke = spoke;
  ps_stream_finish(stream, "its far side ended before it was used", NULL);
  return 1;
}

/* What lies in the far socket now: all that this machine knows of the far side. Of a channel the transport has told. */
static int far_is_quiet(ps_stream *stream) {
  long count = stream->far ? ps_net_peek(stream->far->socket) : PS_NET_AGAIN;
  if (count != PS_NET_AGAIN) {
    (void)ps_spare_spoilt(stream, count > 0);
  }
  return count == PS_NET_AGAIN;
}

int ps_spare_is_good(ps_spare *stream) {
  return !stream->ending && far_is_quiet(stream);
}

int ps_spare_may_read(ps_stream *stream, const ps_flow *flow) {
  if (stream->spare == PS_SPARE_WAITS) {
    (void)far_is_quiet(stream);
    return 0;
  }
  if (stream->spare != PS_SPARE_TRIED) {
    return stream->spare != PS_SPARE_RETURNS;
  }
  if (flow == &stream->down) {
    (void)far_is_quiet(stream);
    return 0;
  }
  if (!stream->turn_is_over) { /* what has arrived for the far side of a channel may not have been looked at yet */
    ps_stream_defer(stream);
    return 0;
  }
  return !(uv_hrtime() >= stream->stale_ns && ps_spare_spoilt(stream, 0)) && far_is_quiet(stream);
}

void ps_spare_released(ps_stream *stream, penstock_socket client) {
  ps_relay *relay = stream->relay;
  if (stream->spare == PS_SPARE_WAITS) {
    relay->spares.lost(relay->spares.context, stream, stream->spoke);
  } else if (stream->spare == PS_SPARE_RETURNS) {
    const ps_spare_client back = {.id = stream->id, .socket = client, .deadline_ns = stream->deadline_ns};
    relay->spares.returned(relay->spares.context, &back);
  }
}
