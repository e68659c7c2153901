/* SPDX-License-Identifier: MIT */
#include "relay/relay.h"

#include <stdlib.h>

#include "relay/stream.h"

/* --- the end of a relay ----------------------------------------------------------------------- */

static void on_relay_handle_closed(uv_handle_t *handle) {
  ps_relay *relay = handle->data;
  if (--relay->handles > 0) {
    return;
  }
  void (*closed)(void *) = relay->closed;
  void *context = relay->closed_context;
  ps_block_stock_clear(&relay->stock);
  ps_pipes_clear(&relay->pipes);
  free(relay->buffer);
  free(relay);
  if (closed) {
    closed(context);
  }
}

static void close_handles(ps_relay *relay) {
  if (uv_is_closing((uv_handle_t *)&relay->check)) {
    return; /* the owner asked for it while it was told of the last stream */
  }
  uv_close((uv_handle_t *)&relay->check, on_relay_handle_closed);
  uv_close((uv_handle_t *)&relay->wake, on_relay_handle_closed);
}

void ps_relay_destroy(ps_relay *relay, void (*closed)(void *context), void *context) {
  relay->closed = closed;
  relay->closed_context = context;
  relay->destroying = 1;
  if (relay->count == 0) {
    close_handles(relay);
  } else {
    ps_relay_abort_all(relay, NULL);
  }
}

/* --- the end of a stream ---------------------------------------------------------------------- */

static ps_stream_error *error_create(const penstock_error *error) {
  ps_stream_error *copy = error ? calloc(1, sizeof(*copy)) : NULL;
  if (copy) {
    memcpy(&copy->error, error, error->struct_size < sizeof(copy->error) ? error->struct_size : sizeof(copy->error));
    copy->error.struct_size = (uint32_t)sizeof(copy->error);
    copy->references = 1;
  }
  return copy;
}

static void error_release(ps_stream_error *error) {
  if (error && --error->references == 0) {
    free(error);
  }
}

/* libuv holds nothing of the stream any more: tells its owner, and frees it. */
static void stream_free(ps_stream *stream) {
  ps_relay *relay = stream->relay;
  ps_list_remove(&stream->node);
  relay->count--;
  relay->spare_count -= (size_t)ps_spare_is_unused(stream);
  if (relay->ended && !ps_spare_is_unused(stream)) {
    ps_stream_end end = {.id = stream->id,
                         .up_bytes = stream->up.bytes,
                         .down_bytes = stream->down.bytes,
                         .duration_ns = uv_hrtime() - stream->started_ns,
                         .first_byte_ns = stream->first_byte_ns,
                         .aborted = stream->reason != NULL,
                         .far_ended = stream->down.eof || stream->far_broke,
                         .reason = stream->reason,
                         .error = stream->error ? &stream->error->error : NULL};
    relay->ended(relay->ended_context, &end);
  }
  error_release(stream->error);
  free(stream);
  if (relay->destroying && relay->count == 0) {
    close_handles(relay);
  }
}

static void on_side_closed(uv_handle_t *handle) {
  ps_stream *stream = ((ps_side *)handle->data)->stream;
  if (--stream->handles == 0) {
    stream_free(stream);
  }
}

/* A reset may have come after the last byte was read, or instead of the last acknowledgement. */
static void check_for_late_reset(ps_stream *stream) {
  if (ps_net_broken(stream->client.socket)) {
    stream->reason = "the client reset the connection";
  } else if (stream->far && ps_net_broken(stream->far->socket)) {
    stream->reason = "the far side reset the connection";
  }
}

/* Gives sockets and channel back, each in the way that tells its peer how the stream ended. */
static void stream_release(ps_stream *stream) {
  if (stream->released) {
    return;
  }
  stream->released = 1;
  ps_list_remove(&stream->pending);
  if (!stream->reason) {
    check_for_late_reset(stream);
  }
  int abort = stream->reason != NULL;
  penstock_socket returned = PENSTOCK_SOCKET_NONE;
  if (stream->spare == PS_SPARE_RETURNS) {
    returned = ps_side_detach(&stream->client, on_side_closed);
  }
  ps_flow_clear(stream->relay, &stream->up);
  ps_flow_clear(stream->relay, &stream->down);
  ps_side_close(&stream->client, abort, on_side_closed);
  if (stream->far) {
    ps_side_close(stream->far, abort && !ps_spare_is_unused(stream), on_side_closed);
  } else {
    penstock_sink *sink = ps_stream_sink(stream);
    sink->far.close(sink->far.stream, abort ? PENSTOCK_CLOSE_ABORT : PENSTOCK_CLOSE_CLEAN);
  }
  ps_spare_released(stream, returned);
  if (stream->handles == 0 && ps_spare_is_unused(stream)) {
    stream_free(stream); /* of a channel without a client libuv holds nothing */
  }
}

static void end_with(ps_stream *stream, const char *reason, ps_stream_error *error) {
  if (stream->ending) {
    return;
  }
  stream->ending = 1;
  stream->reason = reason;
  stream->error = error;
  if (error) {
    error->references++;
  }
  ps_stream_defer(stream);
}

void ps_stream_finish(ps_stream *stream, const char *reason, const penstock_error *error) {
  if (stream->ending) {
    return;
  }
  ps_stream_error *copy = error_create(error);
  end_with(stream, reason, copy);
  error_release(copy);
}

void ps_stream_reset_by(ps_stream *stream, int is_far, const penstock_error *error) {
  if (!stream->ending && !(is_far && ps_spare_spoilt(stream, 0))) {
    stream->far_broke = is_far;
    ps_stream_finish(stream, is_far ? "the far side reset the connection" : "the client reset the connection", error);
  }
}

static void on_wake(uv_idle_t *wake) {
  (void)wake;
}

void ps_stream_defer(ps_stream *stream) {
  ps_relay *relay = stream->relay;
  if (ps_list_empty(&stream->pending)) {
    ps_list_append(&relay->pending, &stream->pending);
    (void)uv_idle_start(&relay->wake, on_wake);
  }
}

static void abort_streams(ps_relay *relay, int credit_only, const char *reason, const penstock_error *error) {
  ps_stream_error *copy = error_create(error);
  ps_list *next;
  for (ps_list *node = relay->streams.next; node != &relay->streams; node = next) {
    ps_stream *stream = PS_CONTAINER(node, ps_stream, node);
    next = node->next;
    if (!credit_only || !stream->far) {
      end_with(stream, reason, copy);
      stream_release(stream);
    }
  }
  error_release(copy);
}

void ps_relay_abort_credit(ps_relay *relay, const penstock_error *error) {
  abort_streams(relay, 1, "the link to the far side is gone", error);
}

void ps_relay_abort_all(ps_relay *relay, const penstock_error *error) {
  abort_streams(relay, 0, "the gateway ended the stream", error);
}

/* --- life ------------------------------------------------------------------------------------- */

void ps_stream_begin(ps_relay *relay, ps_stream *stream, uint64_t id, penstock_socket client) {
  stream->relay = relay;
  stream->id = id;
  stream->started_ns = uv_hrtime();
  ps_list_init(&stream->pending);
  ps_list_append(&relay->streams, &stream->node);
  relay->count++;
  ps_side_open(&stream->client, stream, client);
  ps_stream_defer(stream);
}

/* Mostly the request has come along with its client: it goes out before anything is watched, which costs several system
 * calls. */
static void begin(ps_stream *stream) {
  if (stream->spare != PS_SPARE_NOT) {
    ps_spare_begin(stream);
  } else if (!stream->begun && !stream->ending) {
    stream->begun = 1;
    ps_flow_read(stream, &stream->up);
    ps_stream_update(stream);
  }
}

static void work(ps_stream *stream) {
  if (!stream->far) {
    ps_credit_work(ps_stream_sink(stream));
  }
  begin(stream);
}

/*
 * After the sockets of this turn were served: what could not be done from inside a call. First what somebody waits for,
 * then what has ended: passing an end on costs the kernel more than all else in a short exchange, and whoever has ended
 * one is mostly about to begin the next.
 */
static void on_check(uv_check_t *check) {
  ps_relay *relay = check->data;
  ps_list todo;
  ps_list worked;
  relay->turn++;
  relay->ready_last = relay->ready_now;
  relay->ready_now = 0;
  relay->moved_now = 0;
  ps_list_init(&todo);
  ps_list_init(&worked);
  ps_list_splice(&todo, &relay->pending);
  for (ps_list *node = ps_list_take(&todo); node; node = ps_list_take(&todo)) {
    ps_stream *stream = PS_CONTAINER(node, ps_stream, pending);
    if (!stream->ending) {
      work(stream);
    }
    if (ps_list_empty(node)) { /* else it has been deferred once more */
      ps_list_append(&worked, node);
    }
  }
  for (ps_list *node = ps_list_take(&worked); node; node = ps_list_take(&worked)) {
    ps_stream *stream = PS_CONTAINER(node, ps_stream, pending);
    if (!stream->ending) {
      ps_flow_pass_ends(stream);
      ps_stream_update(stream);
    }
    if (stream->ending) {
      stream_release(stream);
    } else if (!stream->far && ps_stream_sink(stream)->retry) {
      ps_stream_defer(stream); /* its transport has become writable while others were worked for */
    }
  }
  if (ps_list_empty(&relay->pending)) {
    (void)uv_idle_stop(&relay->wake);
  }
}

size_t ps_relay_count(const ps_relay *relay) {
  return relay->count - relay->spare_count;
}

void ps_relay_rates(const ps_relay *relay, uint64_t *up, uint64_t *down) {
  uint64_t now_ms = uv_now(relay->loop);
  *up = ps_rate_now(&relay->up_rate, now_ms);
  *down = ps_rate_now(&relay->down_rate, now_ms);
}

void ps_relay_each(const ps_relay *relay, void (*each)(void *context, const ps_stream_now *now), void *context) {
  uint64_t now_ns = uv_hrtime();
  for (const ps_list *node = relay->streams.next; node != &relay->streams; node = node->next) {
    ps_stream *stream = PS_CONTAINER(node, ps_stream, node);
    if (ps_spare_is_unused(stream)) {
      continue;
    }
    const ps_stream_now now = {.id = stream->id,
                               .up_bytes = stream->up.bytes,
                               .down_bytes = stream->down.bytes,
                               .age_ns = now_ns - stream->started_ns};
    each(context, &now);
  }
}

ps_relay *ps_relay_create(uv_loop_t *loop, void (*ended)(void *context, const ps_stream_end *end), void *context) {
  ps_relay *relay = calloc(1, sizeof(*relay));
  unsigned char *buffer = malloc(PS_RELAY_BUFFER);
  if (!relay || !buffer) {
    free(relay);
    free(buffer);
    return NULL;
  }
  relay->loop = loop;
  relay->buffer = buffer;
  relay->ended = ended;
  relay->ended_context = context;
  relay->handles = 2;
  relay->bulk_from = PS_RELAY_BULK_FROM;
  relay->turn = 1; /* a new stream has seen none */
  ps_list_init(&relay->streams);
  ps_list_init(&relay->pending);
  (void)uv_idle_init(loop, &relay->wake);
  (void)uv_check_init(loop, &relay->check);
  relay->wake.data = relay;
  relay->check.data = relay;
  (void)uv_check_start(&relay->check, on_check);
  uv_unref((uv_handle_t *)&relay->check);
  return relay;
}
