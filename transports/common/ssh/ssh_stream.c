/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/ssh/ssh_stream.h"

enum {
  BULK_STREAMS = 8,
  GATHERED = 256 << 10, /* is handed on at once: what the socket is read for */
  PACKET = 32 << 10,    /* the largest that is received */
  AROUND = 64,          /* and what is around it */
  SHARED_MS = 50,       /* after a stream with little to say has moved data beside another */
  FOLLOWS = 8,          /* a stream's pace follows by an eighth of what is new */
  SMALL = 16 << 10,     /* bytes at once, in the mean: who moves less has little to say, and does not want to wait */
};

/* --- who has how much to say ----------------------------------------------------------------------- */

/* Notes that it moves `moved` bytes in the direction whose pace that is. */
static void note_use(ssh_stream *stream, size_t *pace, size_t moved) {
  ssh_link *link = stream->link;
  *pace = *pace - *pace / FOLLOWS + moved / FOLLOWS;
  /* Of a new one it is not known what it has to say, and it may be a poll: it counts as small for its first packets. */
  int is_small = stream->up_pace < SMALL && stream->down_pace < SMALL; /* answers to bulk are small, too */
  if (link->last_user && link->last_user != stream && (is_small || link->last_is_small)) {
    link->shared_until_ns = link->host->now_ns(link->host) + SHARED_MS * 1000000ull;
  }
  link->last_user = stream;
  link->last_is_small = is_small;
}

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

/*
 * Is more of it about to be read? Then it is handed on together: the client's socket takes 256 KiB for little more than
 * 32 KiB cost. libssh keeps a buffer of 512 KiB for the channel from then on, so this is for few streams. What is
 * left because other channels' packets follow is fetched by drain(), in the same turn.
 */
static int is_worth_waiting(const ssh_stream *stream, size_t size) {
  const ssh_link *link = stream->link;
  return size >= PACKET / 2 && size < GATHERED && link->stream_count <= BULK_STREAMS &&
         ssh_link_held(link) >= PACKET + AROUND;
}

/* `data` is all that libssh holds for the channel, not only what is new. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *context) {
  ssh_stream *stream = context;
  (void)session;
  (void)channel;
  if (is_stderr) {
    if (stream->command) { /* means nothing on other channels */
      ssh_command_hear(stream->command, data, size);
    }
    return (int)size;
  }
  size_t fresh = size - stream->buffered;
  note_use(stream, &stream->down_pace, fresh);
  stream->received += fresh;
  stream->since_grown += fresh;
  int is_time = stream->link->may_deliver && can_deliver(stream) && !is_worth_waiting(stream, size);
  size_t taken = is_time ? deliver(stream, data, size) : 0;
  stream->buffered = size - taken;
  size_t window = stream->window > SSH_WINDOW ? stream->window : (size_t)SSH_WINDOW;
  if (stream->buffered > 2 * window) { /* libssh lets a server overrun the window: ours to notice */
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

void ssh_stream_take(ssh_stream *stream, const void *data, size_t size) {
  stream->received += size;
  take(stream, data, size);
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
 * one. A far server that has filled its window does nothing for a round trip, so there a stream has the widest one
 * before it is asked for anything; libssh would open it with the first answer anyhow, so this costs no packet more.
 * Near, and where streams are many, at the first full packet: those that only answer briefly never get there. Then
 * after each eighth, and only while nothing waits, so that a window is memory only for clients that do not keep up.
 */
static void open_window(ssh_stream *stream) {
  ssh_link *link = stream->link;
  int is_near = ssh_link_is_near(link);
  int is_wide = !is_near && link->stream_count <= BULK_STREAMS;
  uint32_t window = is_wide ? SSH_WINDOW_MAX : SSH_WINDOW;
  if (is_near && ssh_link_is_shared(link)) {
    return; /* what libssh does is enough, and the others wait behind what a window lets come */
  }
  int is_first = window > stream->window && (is_wide || stream->received >= PACKET / 2);
  if ((!is_first && stream->since_grown < window / 8) || stream->spill || stream->buffered > 0 || stream->has_eof ||
      stream->has_close) {
    return;
  }
  stream->since_grown = 0;
  stream->window = window;
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
  note_use(stream, &stream->up_pace, size);
  uint32_t window = ssh_channel_window_size(stream->channel);
  int is_shared = ssh_link_is_shared(link);
  int has_turn = !is_shared || stream->wrote_in != link->turns; /* the next one reads first what came for the others */
  if (!ssh_link_is_clogged(link) && !link->is_stalled && window > 0 && has_turn) {
    size_t limit = is_shared ? SSH_WRITE_CHUNK : SSH_WRITE_ALONE;
    stream->wrote_in = link->turns;
    uint32_t chunk = (uint32_t)(size < limit ? size : limit);
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
static void give_up_channel(ssh_stream *stream, uint32_t how) {
  leave_queue(stream);
  if (stream->kind->let_go) {
    stream->kind->let_go(stream, how);
  }
  if (stream->channel) {
    (void)ssh_remove_channel_callbacks(stream->channel, &stream->callbacks);
    ssh_link_bury(stream->link, stream->channel, !stream->is_opened);
    stream->channel = NULL;
  }
}

static void stream_close(void *context, uint32_t how) {
  ssh_stream *stream = context;
  stream->is_closed = 1;
  give_up_channel(stream, how);
  ssh_link_kick(stream->link); /* which frees it: this call may come from within open_done_credit */
}

ssh_stream *ssh_stream_create(ssh_link *link, const ssh_stream_kind *kind, penstock_open *open) {
  ssh_stream *stream = calloc(1, sizeof(*stream));
  if (stream) {
    stream->link = link;
    stream->kind = kind;
    stream->open = open;
    stream->asked_ns = link->host->now_ns(link->host);
  }
  return stream;
}

void ssh_stream_add(ssh_stream *stream) {
  ssh_link *link = stream->link;
  stream->next = link->streams;
  link->streams = stream;
  link->stream_count++;
}

void ssh_stream_listen(ssh_stream *stream, ssh_channel channel) {
  stream->channel = channel;
  stream->callbacks.userdata = stream;
  stream->callbacks.channel_data_function = on_data;
  stream->callbacks.channel_eof_function = on_eof;
  stream->callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&stream->callbacks);
  (void)ssh_set_channel_callbacks(channel, &stream->callbacks);
}

void ssh_stream_free(ssh_stream *stream) {
  ssh_command_free(stream->command);
  free(stream->spill);
  free(stream);
}

void ssh_stream_refuse(ssh_stream *stream, const penstock_error *error) {
  give_up_channel(stream, PENSTOCK_CLOSE_ABORT);
  const penstock_host *host = stream->link->host;
  penstock_open *open = stream->open;
  stream->open = NULL;
  stream->is_closed = 1;
  host->open_failed(host, open, error);
}

void ssh_stream_complete(ssh_stream *stream) {
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
  uint64_t took = host->now_ns(host) - stream->asked_ns;
  stream->link->nearest_ns =
      stream->link->nearest_ns && stream->link->nearest_ns < took ? stream->link->nearest_ns : took;
  stream->is_opened = 1;
  stream->open = NULL;
  stream->sink = host->open_done_credit(host, open, &credit_stream);
  if (!stream->sink && !stream->is_closed) {
    stream_close(stream, PENSTOCK_CLOSE_ABORT);
  }
}

static void sweep_opening(ssh_stream *stream) {
  ssh_link *link = stream->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (link->is_dead) {
    ssh_stream_refuse(stream, &link->death);
  } else if (stream->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "cancelled");
    ssh_stream_refuse(stream, &error);
  } else {
    stream->kind->advance(stream);
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
  int is_over = is_drained && (stream->has_eof || stream->has_close) && !stream->eof_told;
  int verdict = is_over ? stream->kind->judge(stream, &error) : 0;
  if (verdict < 0) {
    break_stream(stream, &error);
  } else if (stream->is_broken) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT, "%s takes no more data", stream->name);
    break_stream(stream, &error);
  } else if (verdict > 0) {
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
    ssh_stream_free(stream);
  }
  ssh_command_keep_time(link);
}

void ssh_stream_drop_all(ssh_link *link) {
  while (link->streams) {
    ssh_stream *stream = link->streams;
    link->streams = stream->next;
    if (stream->kind->let_go) {
      stream->kind->let_go(stream, PENSTOCK_CLOSE_ABORT);
    }
    if (stream->channel) {
      (void)ssh_remove_channel_callbacks(stream->channel, &stream->callbacks);
    }
    ssh_stream_free(stream);
  }
  link->stream_count = 0;
  link->writers = NULL;
  link->writers_end = &link->writers;
  ssh_command_keep_time(link);
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
