/* SPDX-License-Identifier: MIT */
#include "relay/stream.h"

/*
 * Errors are always reported by the kernel, but only for a socket that is waited on for something. While a
 * side is neither to be read nor written it is therefore watched for urgent data, which nobody sends: data
 * and FIN do not wake us (waiting for UV_DISCONNECT would, without end, after a FIN), a reset does.
 */
#define ERRORS_ONLY UV_PRIORITIZED

static void on_poll(uv_poll_t *poll, int status, int events) {
  ps_side *side = poll->data;
  ps_stream *stream = side->stream;
  int is_client = side == &stream->client;
  if (status < 0) {
    side->armed = 0; /* libuv stops the watch on an error */
    if (!stream->ending) {
      ps_stream_reset_by(stream, !is_client, NULL);
      ps_flow_last_words(stream, is_client ? &stream->up : &stream->down);
    }
    return;
  }
  if (!stream->ending && (events & UV_WRITABLE)) {
    ps_flow *flow = is_client ? &stream->down : &stream->up;
    size_t size = ps_flow_drain(stream, flow);
    if (!flow->from && size > 0 && !stream->ending) {
      ps_credit_return(ps_stream_sink(stream), size);
    }
  }
  if (!stream->ending && (events & UV_READABLE)) {
    ps_flow_read(stream, is_client ? &stream->up : &stream->down);
  }
  if (!stream->ending && !(events & (UV_READABLE | UV_WRITABLE))) {
    /* Stream 0 is a question's (open.c), which closes its end when it has its answer. */
    int is_gone = is_client && stream->id != 0 && !stream->down.end_passed && ps_net_hung_up(side->socket);
    if (is_gone || ps_net_broken(side->socket)) {
      ps_stream_reset_by(stream, !is_client, NULL);
    } else {
      side->quiet = 1; /* both directions of the connection have ended (or there is urgent data) */
    }
  }
  ps_stream_update(stream);
}

void ps_side_open(ps_side *side, ps_stream *stream, penstock_socket socket) {
  side->stream = stream;
  side->socket = socket;
  stream->handles++;
}

/* Also of one that was never watched: `closed` comes on a later turn all the same. */
static void close_handle(ps_side *side, uv_close_cb closed) {
  if (!side->is_watched) {
    (void)uv_idle_init(side->stream->relay->loop, &side->handle.idle);
    side->handle.any.data = side;
  }
  uv_close(&side->handle.any, closed);
}

void ps_side_close(ps_side *side, int abort, uv_close_cb closed) {
  if (side->socket == PENSTOCK_SOCKET_NONE) {
    return;
  }
  close_handle(side, closed);
  if (abort) {
    ps_net_reset(side->socket);
  } else {
    ps_net_close(side->socket);
  }
  side->socket = PENSTOCK_SOCKET_NONE;
}

penstock_socket ps_side_detach(ps_side *side, uv_close_cb closed) {
  penstock_socket socket = side->socket;
  close_handle(side, closed);
  side->socket = PENSTOCK_SOCKET_NONE;
  return socket;
}

/* Changing what libuv waits for costs system calls: only when it must. */
static int side_arm(ps_side *side, int readable, int writable) {
  int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == 0 && !side->quiet) {
    events = ERRORS_ONLY;
  }
  if (events == side->armed) {
    return 0;
  }
  side->armed = events;
  if (!side->is_watched) {
    if (uv_poll_init_socket(side->stream->relay->loop, &side->handle.poll, (uv_os_sock_t)side->socket) != 0) {
      return -1;
    }
    side->handle.poll.data = side;
    side->is_watched = 1;
  }
  return events ? uv_poll_start(&side->handle.poll, events, on_poll) : uv_poll_stop(&side->handle.poll);
}

void ps_stream_update(ps_stream *stream) {
  if (stream->ending || !ps_list_empty(&stream->pending)) {
    return;
  }
  int up = ps_flow_open(&stream->up);
  int down = ps_flow_open(&stream->down);
  int failed = 0;
  if (stream->client.socket != PENSTOCK_SOCKET_NONE) {
    failed = side_arm(&stream->client, up, ps_flow_waiting(&stream->down) > 0);
  }
  if (stream->far) {
    failed |= side_arm(stream->far, down, ps_flow_waiting(&stream->up) > 0);
  }
  if (failed) {
    ps_stream_finish(stream, "the gateway cannot watch a socket", NULL);
  }
}
