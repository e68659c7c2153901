/* SPDX-License-Identifier: MIT */
/*
 * A stream is one direct-tcpip channel.
 *
 * What SSH cannot say: a channel knows EOF and CLOSE, and no reset.
 *  - Far side to client: sshd shows a connection that was reset there as EOF, just as one that was ended cleanly
 *    (seen with OpenSSH 9.2). It closes the channel before our EOF only if it also has data of ours that it cannot
 *    write. So: CLOSE without EOF is passed on as an abort, EOF as an end, and CLOSE after EOF makes the stream one
 *    that takes no more data, which is an abort once the client sends some.
 *  - Client to far side: libssh sends EOF before CLOSE, and sshd answers either with a FIN to the endpoint. An
 *    aborted upload therefore ends there without its last bytes, but not with a reset. Requests that carry their size
 *    (all of the solver's but BDAT) are seen to be short.
 *  - The session's end is an abort for every stream.
 */
#include <stdlib.h>

#include "common/far_denial.h"
#include "common/ssh/ssh_internal.h"

enum { BULK_AFTER = 4 << 20, BULK_STREAMS = 8 };

struct ssh_stream {
  ssh_stream *next;
  ssh_link *link;
  ssh_channel channel; /* NULL once given up */
  struct ssh_channel_callbacks_struct callbacks;
  penstock_open *open; /* until it is completed */
  penstock_sink *sink; /* from then on */
  char host[256];
  uint16_t port;

  uint64_t credit;
  size_t buffered; /* bytes of ours in libssh's buffer */
  uint8_t *spill;  /* what was taken out of there and had no credit */
  size_t spill_at;
  size_t spill_size;
  uint64_t received;
  size_t since_grown; /* bytes since the receive window was last opened */

  ssh_stream *next_writer;
  int is_waiting; /* in the queue of writers */
  int is_opened;
  int is_cancelled;
  int is_closed; /* given back by the host: to be freed */
  int is_shut;   /* we have sent EOF */
  int has_eof;   /* the far side has sent EOF */
  int has_close; /* the far side has sent CLOSE */
  int is_broken; /* a write failed */
  int eof_told;
  int reset_told;
};

/* --- far side to client ---------------------------------------------------------------------------- */

/* Hands on what credit allows; returns the count. */
static size_t deliver(ssh_stream *stream, const uint8_t *data, size_t size) {
  const penstock_host *host = stream->link->host;
  size_t done = 0;
  while (done < size && stream->credit > 0) {
    size_t count = size - done < stream->credit ? size - done : (size_t)stream->credit;
    stream->credit -= count;
    stream->credit += host->stream_data(host, stream->sink, data + done, count);
    done += count;
  }
  return done;
}

static int can_deliver(const ssh_stream *stream) {
  return stream->sink && !stream->is_closed && !stream->reset_told && !stream->spill;
}

/* `data` is all that libssh holds for the channel, not only what is new. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *context) {
  ssh_stream *stream = context;
  (void)session;
  (void)channel;
  if (is_stderr) {
    return (int)size; /* means nothing on such a channel */
  }
  size_t fresh = size - stream->buffered;
  stream->received += fresh;
  stream->since_grown += fresh;
  size_t taken = stream->link->may_deliver && can_deliver(stream) ? deliver(stream, data, size) : 0;
  stream->buffered = size - taken;
  if (stream->buffered > (size_t)2 * SSH_WINDOW_MAX) { /* libssh lets a server overrun the window: ours to notice */
    stream->buffered = 0;
    ssh_link_die(stream->link, PENSTOCK_LEG_STREAM, "the SSH server sends more than it was allowed to");
    return (int)size;
  }
  return (int)taken;
}

static void on_eof(ssh_session session, ssh_channel channel, void *context) {
  (void)session;
  (void)channel;
  ((ssh_stream *)context)->has_eof = 1;
}

static void on_close(ssh_session session, ssh_channel channel, void *context) {
  (void)session;
  (void)channel;
  ((ssh_stream *)context)->has_close = 1;
}

/* Hands on `size` bytes that were taken out of libssh, and keeps what has no credit. */
static void take(ssh_stream *stream, const uint8_t *data, size_t size) {
  size_t done = can_deliver(stream) ? deliver(stream, data, size) : 0;
  size_t left = size - done;
  if (left == 0) {
    return;
  }
  uint8_t *spill = realloc(stream->spill, stream->spill_size + left);
  if (!spill) {
    stream->is_broken = 1;
    return;
  }
  memcpy(spill + stream->spill_size, data + done, left);
  stream->spill = spill;
  stream->spill_size += left;
}

static void drain_spill(ssh_stream *stream) {
  uint8_t *spill = stream->spill;
  stream->spill_at += deliver(stream, spill + stream->spill_at, stream->spill_size - stream->spill_at);
  if (stream->spill_at == stream->spill_size) {
    free(spill);
    stream->spill = NULL;
    stream->spill_at = stream->spill_size = 0;
  }
}

/*
 * libssh offers what a callback left only along with the next packet, so it is fetched here. All of it at once: each
 * read opens the receive window again as if nothing were left in the buffer, so that reading in pieces would let
 * the buffer grow without bound behind a slow client. In this way it is bounded by two windows.
 */
static void drain(ssh_stream *stream) {
  if (stream->spill && stream->credit > 0) {
    drain_spill(stream);
  }
  if (stream->spill || stream->buffered == 0 || stream->credit == 0) {
    return;
  }
  uint32_t size = stream->buffered < SSH_WINDOW_MAX ? (uint32_t)stream->buffered : (uint32_t)SSH_WINDOW_MAX;
  int count = ssh_channel_read_nonblocking(stream->channel, stream->link->scratch, size, 0);
  if (count > 0) {
    stream->buffered -= (size_t)count < stream->buffered ? (size_t)count : stream->buffered;
    take(stream, stream->link->scratch, (size_t)count);
  } else if (count == SSH_ERROR) {
    stream->is_broken = 1;
  }
}

/*
 * libssh opens the window to 1.28 MB when it is half used; a read with a larger buffer is the way to a larger
 * one. Only while nothing waits, so that a window is memory only for clients that do not keep up.
 */
static void open_window(ssh_stream *stream) {
  ssh_link *link = stream->link;
  int is_bulk = stream->received >= BULK_AFTER && link->stream_count <= BULK_STREAMS;
  uint32_t window = is_bulk ? SSH_WINDOW_MAX : SSH_WINDOW;
  if (stream->since_grown < window / 8 || stream->spill || stream->buffered > 0 || stream->has_eof ||
      stream->has_close) {
    return;
  }
  stream->since_grown = 0;
  link->may_deliver = 1;
  int count = ssh_channel_read_timeout(stream->channel, link->scratch, window, 0, 0);
  link->may_deliver = 0;
  if (count > 0) {
    stream->buffered -= (size_t)count < stream->buffered ? (size_t)count : stream->buffered;
    take(stream, link->scratch, (size_t)count);
  }
}

/* --- client to far side ---------------------------------------------------------------------------- */

static int takes_data(const ssh_stream *stream) {
  return !stream->is_broken && !stream->has_close && !stream->reset_told && !stream->link->is_dead;
}

static void wait_for_turn(ssh_stream *stream) {
  ssh_link *link = stream->link;
  if (!stream->is_waiting) {
    stream->is_waiting = 1;
    stream->next_writer = NULL;
    *link->writers_end = stream;
    link->writers_end = &stream->next_writer;
  }
}

static void leave_queue(ssh_stream *stream) {
  ssh_link *link = stream->link;
  if (!stream->is_waiting) {
    return;
  }
  ssh_stream **at = &link->writers;
  while (*at != stream) {
    at = &(*at)->next_writer;
  }
  *at = stream->next_writer;
  if (link->writers_end == &stream->next_writer) {
    link->writers_end = at;
  }
  stream->is_waiting = 0;
}

/* Could it write now? */
static int is_ready(const ssh_stream *stream) {
  return !takes_data(stream) || ssh_channel_window_size(stream->channel) > 0;
}

static size_t stream_write(void *context, const void *data, size_t size) {
  ssh_stream *stream = context;
  ssh_link *link = stream->link;
  int count = 0;
  if (!takes_data(stream)) {
    stream->is_broken = 1; /* there is data, and nowhere to put it */
    ssh_link_kick(link);
    return 0;
  }
  uint32_t window = ssh_channel_window_size(stream->channel);
  if (!ssh_link_is_clogged(link) && !link->is_stalled && window > 0) {
    uint32_t chunk = size < SSH_WRITE_CHUNK ? (uint32_t)size : (uint32_t)SSH_WRITE_CHUNK;
    count = ssh_channel_write(stream->channel, data, chunk < window ? chunk : window);
    if (count < 0) {
      stream->is_broken = 1;
      ssh_link_kick(link);
      count = 0;
    } else if (count == 0) {
      link->is_stalled = 1;
    }
  }
  if ((size_t)count < size) {
    wait_for_turn(stream);
    if (!ssh_link_is_clogged(link) && !link->is_stalled && is_ready(stream)) {
      ssh_link_kick(link);
    }
  }
  ssh_link_settle(link);
  return (size_t)count;
}

static void stream_shutdown_write(void *context) {
  ssh_stream *stream = context;
  if (stream->is_shut || !takes_data(stream)) {
    stream->is_shut = 1;
    return;
  }
  stream->is_shut = 1;
  if (ssh_channel_send_eof(stream->channel) == SSH_ERROR) {
    stream->is_broken = 1;
    ssh_link_kick(stream->link);
  }
  ssh_link_settle(stream->link);
}

void ssh_stream_write_turn(ssh_link *link) {
  ssh_stream *last = NULL;
  for (ssh_stream *each = link->writers; each; each = each->next_writer) {
    last = each;
  }
  /* Once round the queue as it was: who wants more has gone to its end. */
  for (ssh_stream *each = link->writers; last && each && !ssh_link_is_clogged(link) && !link->is_stalled;) {
    ssh_stream *next = each == last ? NULL : each->next_writer;
    if (is_ready(each)) {
      leave_queue(each);
      link->host->stream_writable(link->host, each->sink);
    }
    each = next;
  }
}

static void stream_grant(void *context, uint64_t bytes) {
  ssh_stream *stream = context;
  stream->credit += bytes;
  if (stream->buffered > 0 || stream->spill) {
    ssh_link_kick(stream->link);
  }
}

/* --- opening and closing --------------------------------------------------------------------------- */

/* Lets go of the channel; what still has to be said on it is said by the link. */
static void give_up_channel(ssh_stream *stream) {
  leave_queue(stream);
  if (stream->channel) {
    (void)ssh_remove_channel_callbacks(stream->channel, &stream->callbacks);
    ssh_link_bury(stream->link, stream->channel, !stream->is_opened);
    stream->channel = NULL;
  }
}

static void stream_close(void *context, uint32_t how) {
  ssh_stream *stream = context;
  (void)how; /* see above: the protocol has one way to end a channel */
  stream->is_closed = 1;
  give_up_channel(stream);
  ssh_link_kick(stream->link); /* which frees it: this call may come from within open_done_credit */
}

static void free_stream(ssh_stream *stream) {
  free(stream->spill);
  free(stream);
}

static void refuse(ssh_stream *stream, const penstock_error *error) {
  const penstock_host *host = stream->link->host;
  penstock_open *open = stream->open;
  stream->open = NULL;
  stream->is_closed = 1;
  host->open_failed(host, open, error);
}

static void denial_error(const ssh_stream *stream, penstock_error *error) {
  const ssh_link *link = stream->link;
  const char *text;
  unsigned code = ssh_link_denial(link, &text);
  far_denial_error(error, link->settings.host, ssh_get_serverbanner(link->session), stream->host, stream->port, code,
                   text);
}

static void complete_open(ssh_stream *stream) {
  const penstock_host *host = stream->link->host;
  const penstock_credit_stream credit_stream = {
      .struct_size = (uint32_t)sizeof(credit_stream),
      .write_chunk = SSH_WRITE_CHUNK,
      .stream = stream,
      .write = stream_write,
      .shutdown_write = stream_shutdown_write,
      .grant = stream_grant,
      .close = stream_close,
  };
  penstock_open *open = stream->open;
  stream->open = NULL;
  stream->sink = host->open_done_credit(host, open, &credit_stream);
}

static void sweep_opening(ssh_stream *stream) {
  ssh_link *link = stream->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (link->is_dead) {
    give_up_channel(stream);
    refuse(stream, &link->death);
  } else if (stream->is_cancelled) {
    give_up_channel(stream);
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "cancelled");
    refuse(stream, &error);
  } else if (ssh_channel_is_open(stream->channel) || stream->has_close) {
    stream->is_opened = 1;
    complete_open(stream);
  } else if (link->is_denial_new && ssh_channel_open_session(stream->channel) == SSH_ERROR) {
    /* Opening and denied look alike but for this question, which sends nothing when a channel is on its way. */
    denial_error(stream, &error);
    give_up_channel(stream);
    refuse(stream, &error);
  }
}

static void break_stream(ssh_stream *stream, const penstock_error *error) {
  stream->reset_told = 1;
  leave_queue(stream);
  stream->link->host->stream_reset(stream->link->host, stream->sink, error);
}

static void sweep_open(ssh_stream *stream) {
  const penstock_host *host = stream->link->host;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (stream->reset_told || (stream->eof_told && stream->is_shut)) {
    return; /* over: close() is on its way */
  }
  if (stream->link->is_dead) {
    break_stream(stream, &stream->link->death);
    return;
  }
  drain(stream);
  open_window(stream);
  int is_drained = stream->buffered == 0 && !stream->spill;
  if (is_drained && stream->has_close && !stream->has_eof) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s closed the connection to %s:%u", stream->link->settings.host,
                        stream->host, (unsigned)stream->port);
    break_stream(stream, &error);
  } else if (stream->is_broken) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT, "%s:%u on %s takes no more data",
                        stream->host, (unsigned)stream->port, stream->link->settings.host);
    break_stream(stream, &error);
  } else if (is_drained && stream->has_eof && !stream->eof_told) {
    stream->eof_told = 1;
    host->stream_eof(host, stream->sink);
  }
}

void ssh_stream_sweep(ssh_link *link) {
  for (ssh_stream *stream = link->streams; stream; stream = stream->next) {
    if (stream->open && !stream->is_closed) {
      sweep_opening(stream);
    }
    if (stream->sink && !stream->is_closed) {
      sweep_open(stream);
    }
  }
  for (ssh_stream **at = &link->streams; *at;) {
    ssh_stream *stream = *at;
    if (!stream->is_closed) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    link->stream_count--;
    free_stream(stream);
  }
}

void ssh_stream_drop_all(ssh_link *link) {
  while (link->streams) {
    ssh_stream *stream = link->streams;
    link->streams = stream->next;
    if (stream->channel) {
      (void)ssh_remove_channel_callbacks(stream->channel, &stream->callbacks);
    }
    free_stream(stream);
  }
  link->stream_count = 0;
  link->writers = NULL;
  link->writers_end = &link->writers;
}

static int start(ssh_stream *stream, penstock_error *error) {
  ssh_link *link = stream->link;
  if (!link->is_up || link->is_dead) {
    *error = link->death;
    return link->is_dead ? PENSTOCK_E_FAILED
                         : penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
  }
  if (link->unanswered >= SSH_UNANSWERED_MAX) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "%s has left the last %u connections unanswered", link->settings.host,
                        (unsigned)link->unanswered);
    penstock_next(error, "It is overloaded or hangs; a smaller `keepalive` (now %u s) gives it up sooner",
                  (unsigned)(link->settings.keepalive_ms / 1000));
    return PENSTOCK_E_FAILED;
  }
  stream->channel = ssh_channel_new(link->session);
  if (!stream->channel) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  stream->callbacks.userdata = stream;
  stream->callbacks.channel_data_function = on_data;
  stream->callbacks.channel_eof_function = on_eof;
  stream->callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&stream->callbacks);
  (void)ssh_set_channel_callbacks(stream->channel, &stream->callbacks);
  /* The originator's address is for the server's log; there is none that means anything. */
  int result = ssh_channel_open_forward(stream->channel, stream->host, stream->port, "127.0.0.1", 0);
  if (result == SSH_ERROR && !ssh_link_check(link)) { /* denied within the call */
    ssh_link_note_denial(link);
    denial_error(stream, error);
    (void)ssh_remove_channel_callbacks(stream->channel, &stream->callbacks);
    ssh_channel_free(stream->channel);
    ssh_link_settle(link);
    return PENSTOCK_E_FAILED;
  }
  ssh_link_settle(link);
  return 0;
}

void ssh_stream_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms) {
  ssh_link *link = (ssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_stream *stream = calloc(1, sizeof(*stream));
  (void)deadline_ms; /* the host cancels */
  if (!stream || strlen(host) >= sizeof(stream->host)) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a stream");
    free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  stream->link = link;
  stream->open = open;
  stream->port = port;
  (void)snprintf(stream->host, sizeof(stream->host), "%s", host);
  if (start(stream, &error)) {
    free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  stream->next = link->streams;
  link->streams = stream;
  link->stream_count++;
}

void ssh_stream_open_cancel(carrier *self, penstock_open *open) {
  ssh_link *link = (ssh_link *)self;
  for (ssh_stream *stream = link->streams; stream; stream = stream->next) {
    if (stream->open == open) {
      stream->is_cancelled = 1;
      ssh_link_kick(link);
      return;
    }
  }
}
