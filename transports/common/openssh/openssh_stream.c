/* SPDX-License-Identifier: MIT */
/*
 * A stream is one direct-tcpip channel. What the core grants is the channel's window, so nothing waits here.
 *
 * What SSH cannot say (no reset: see ssh_stream.c) holds here too: CLOSE without EOF is passed on as an abort, EOF as
 * an end, and CLOSE after EOF makes the stream one that takes no more data. The session's end is an abort for all.
 */
#include <stdlib.h>

#include "common/far_denial.h"
#include "common/openssh/openssh_internal.h"

enum {
  WRITE_CHUNK = 64 << 10, /* two packets of the usual size */
  UNANSWERED_MAX = 256,   /* given up, and never answered: such a server gets no more, or they would be memory */
  /*
   * OpenSSH keeps a record of every channel that a server has refused (in proxy mode, up to version 10 at least),
   * looks at all of them all the time, and gives up at 10,000.
   */
  REFUSALS_MANY = 1000,
  REFUSALS_MAX = 8000
};

struct openssh_stream {
  openssh_stream *next;
  openssh_link *link;
  mux_channel *channel; /* NULL once given up */
  penstock_open *open;  /* until it is completed */
  penstock_sink *sink;  /* from then on */
  char host[256];
  uint16_t port;
  int is_cancelled;
  int is_closed; /* given back by the host: to be freed */
  int is_shut;   /* we have sent EOF */
  int has_eof;   /* the far side has sent EOF */
  int has_close; /* the far side has sent CLOSE */
  int is_broken; /* there was data, and nowhere to put it */
  int reset_told;
};

static void give_up_channel(openssh_stream *stream) {
  if (stream->channel) {
    mux_channel_close(stream->channel);
    stream->channel = NULL;
  }
}

static void wants_sweep(openssh_stream *stream) {
  openssh_link_kick(stream->link);
}

/* --- the host's side ------------------------------------------------------------------------------- */

static size_t stream_write(void *context, const void *data, size_t size) {
  openssh_stream *stream = context;
  if (!stream->channel || stream->has_close || stream->reset_told || stream->link->is_dead) {
    stream->is_broken = 1;
    wants_sweep(stream);
    return 0;
  }
  return mux_channel_write(stream->channel, data, size);
}

static void stream_shutdown_write(void *context) {
  openssh_stream *stream = context;
  stream->is_shut = 1;
  if (stream->channel && !stream->has_close) {
    mux_channel_eof(stream->channel);
  }
}

static void stream_grant(void *context, uint64_t bytes) {
  openssh_stream *stream = context;
  if (stream->channel && !stream->has_eof && !stream->has_close) {
    mux_channel_grant(stream->channel, bytes);
  }
}

static void stream_close(void *context, uint32_t how) {
  openssh_stream *stream = context;
  (void)how; /* the protocol has one way to end a channel */
  stream->is_closed = 1;
  give_up_channel(stream);
  wants_sweep(stream); /* which frees it: this call may come from within open_done_credit */
}

static void break_stream(openssh_stream *stream, const penstock_error *error) {
  if (!stream->reset_told) {
    stream->reset_told = 1;
    stream->link->host->stream_reset(stream->link->host, stream->sink, error);
  }
}

/* --- opening --------------------------------------------------------------------------------------- */

static void refuse(openssh_stream *stream, const penstock_error *error) {
  const penstock_host *host = stream->link->host;
  penstock_open *open = stream->open;
  stream->open = NULL;
  stream->is_closed = 1;
  give_up_channel(stream);
  wants_sweep(stream);
  host->open_failed(host, open, error);
}

static void on_refused(void *context, uint32_t code, const char *text) {
  openssh_stream *stream = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  openssh_link *link = stream->link;
  link->refusals++;
  far_denial_error(&error, link->carrier.where, link->story.server, stream->host, stream->port, code, text);
  refuse(stream, &error);
}

static void on_opened(void *context) {
  openssh_stream *stream = context;
  const penstock_host *host = stream->link->host;
  const penstock_credit_stream credit_stream = {
      .struct_size = (uint32_t)sizeof(credit_stream),
      .write_chunk = WRITE_CHUNK,
      .stream = stream,
      .write = stream_write,
      .shutdown_write = stream_shutdown_write,
      .grant = stream_grant,
      .close = stream_close,
  };
  penstock_open *open = stream->open;
  stream->open = NULL;
  stream->sink = host->open_done_credit(host, open, &credit_stream);
  if (!stream->sink && !stream->is_closed) {
    stream_close(stream, PENSTOCK_CLOSE_ABORT); /* it stays ours */
  }
}

/* --- the far side ---------------------------------------------------------------------------------- */

static void on_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  openssh_stream *stream = context;
  const penstock_host *host = stream->link->host;
  if (is_stderr || size == 0 || stream->has_eof || stream->reset_told) {
    return; /* the first means nothing on such a channel */
  }
  uint64_t granted = host->stream_data(host, stream->sink, data, size);
  if (granted > 0 && stream->channel) {
    mux_channel_grant(stream->channel, granted);
  }
}

static void on_eof(void *context) {
  openssh_stream *stream = context;
  if (!stream->has_eof && !stream->reset_told) {
    stream->has_eof = 1;
    stream->link->host->stream_eof(stream->link->host, stream->sink);
  }
}

static void on_closed(void *context) {
  openssh_stream *stream = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  stream->has_close = 1;
  if (!stream->has_eof) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s closed the connection to %s:%u", stream->link->carrier.where,
                        stream->host, (unsigned)stream->port);
    break_stream(stream, &error);
  } else if (!stream->is_shut) {
    stream->link->host->stream_writable(stream->link->host,
                                        stream->sink); /* who waits to write learns that it cannot */
  }
}

static void on_writable(void *context) {
  openssh_stream *stream = context;
  if (!stream->reset_told) {
    stream->link->host->stream_writable(stream->link->host, stream->sink);
  }
}

static void on_request(void *context, const mux_message *message) {
  (void)context;
  (void)message;
}

static void on_answer(void *context, int is_success) {
  (void)context;
  (void)is_success;
}

static const mux_user user = {
    .opened = on_opened,
    .refused = on_refused,
    .data = on_data,
    .writable = on_writable,
    .eof = on_eof,
    .request = on_request,
    .answered = on_answer,
    .closed = on_closed,
};

/* --- the sweep ------------------------------------------------------------------------------------- */

static void sweep_one(openssh_stream *stream) {
  const openssh_link *link = stream->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (stream->open && link->is_dead) {
    refuse(stream, &link->death);
  } else if (stream->open && stream->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "cancelled");
    refuse(stream, &error);
  } else if (stream->sink && link->is_dead) {
    break_stream(stream, &link->death);
  } else if (stream->sink && stream->is_broken) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT, "%s:%u on %s takes no more data",
                        stream->host, (unsigned)stream->port, link->carrier.where);
    break_stream(stream, &error);
  }
}

void openssh_stream_sweep(openssh_link *link) {
  for (openssh_stream *stream = link->streams; stream; stream = stream->next) {
    if (!stream->is_closed) {
      sweep_one(stream);
    }
  }
  for (openssh_stream **at = &link->streams; *at;) {
    openssh_stream *stream = *at;
    if (!stream->is_closed) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    free(stream);
  }
  link->is_worn |= link->refusals >= REFUSALS_MAX || (link->refusals >= REFUSALS_MANY && !link->streams);
}

void openssh_stream_drop_all(openssh_link *link) {
  while (link->streams) {
    openssh_stream *stream = link->streams;
    link->streams = stream->next;
    free(stream);
  }
}

static mux_channel *open_channel(openssh_stream *stream) {
  static const char origin[] = "127.0.0.1"; /* for the server's log; there is none that means anything */
  mux_buffer extra = {0};
  mux_put_string(&extra, stream->host, strlen(stream->host));
  mux_put_number(&extra, stream->port);
  mux_put_string(&extra, origin, sizeof(origin) - 1);
  mux_put_number(&extra, 0);
  mux_channel *channel =
      extra.failed ? NULL : mux_channel_open(stream->link->mux, "direct-tcpip", &extra, &user, stream);
  mux_buffer_clear(&extra);
  return channel;
}

static int start(openssh_link *link, openssh_stream *stream, penstock_error *error) {
  if (!link->is_up || link->is_dead) {
    *error = link->death;
    return link->is_dead ? PENSTOCK_E_FAILED
                         : penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
  }
  if (mux_unanswered(link->mux) >= UNANSWERED_MAX) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "%s has left the last %u connections unanswered", link->carrier.where,
                        (unsigned)mux_unanswered(link->mux));
    penstock_next(error, "It is overloaded or hangs; a smaller `keepalive` gives it up sooner");
    return PENSTOCK_E_FAILED;
  }
  stream->channel = open_channel(stream);
  return stream->channel ? 0
                         : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a stream");
}

void openssh_stream_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms) {
  openssh_link *link = (openssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  openssh_stream *stream = calloc(1, sizeof(*stream));
  (void)deadline_ms; /* the host cancels */
  int failed = !stream || strlen(host) >= sizeof(stream->host);
  if (failed) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a stream");
  } else {
    stream->link = link;
    stream->open = open;
    stream->port = port;
    (void)snprintf(stream->host, sizeof(stream->host), "%s", host);
    failed = start(link, stream, &error);
  }
  if (failed) {
    free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  stream->next = link->streams;
  link->streams = stream;
}

void openssh_stream_open_cancel(carrier *self, penstock_open *open) {
  openssh_link *link = (openssh_link *)self;
  for (openssh_stream *stream = link->streams; stream; stream = stream->next) {
    if (stream->open == open) {
      stream->is_cancelled = 1;
      openssh_link_kick(link);
      return;
    }
  }
  openssh_exec_cancel(link, open);
}
