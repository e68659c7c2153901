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
#include "common/ssh/ssh_stream.h"

static void denial_error(const ssh_stream *stream, penstock_error *error) {
  const ssh_link *link = stream->link;
  const char *text;
  unsigned code = ssh_link_denial(link, &text);
  far_denial_error(error, link->settings.host, ssh_get_serverbanner(link->session), stream->host, stream->port, code,
                   text);
}

static void advance(ssh_stream *stream) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (ssh_channel_is_open(stream->channel) || stream->has_close) {
    ssh_stream_complete(stream);
  } else if (stream->link->is_denial_new && ssh_channel_open_session(stream->channel) == SSH_ERROR) {
    /* Opening and denied look alike but for this question, which sends nothing when a channel is on its way. */
    denial_error(stream, &error);
    ssh_stream_refuse(stream, &error);
  }
}

static int judge(ssh_stream *stream, penstock_error *error) {
  if (stream->has_eof) {
    return 1;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                      "the SSH server of %s closed the connection to %s:%u", stream->link->settings.host, stream->host,
                      (unsigned)stream->port);
  return -1;
}

static const ssh_stream_kind forward = {.advance = advance, .judge = judge};

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
  ssh_channel channel = ssh_channel_new(link->session);
  if (!channel) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  ssh_stream_listen(stream, channel);
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
  ssh_stream *stream = ssh_stream_create(link, &forward, open);
  (void)deadline_ms; /* the host cancels */
  if (!stream || strlen(host) >= sizeof(stream->host)) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a stream");
    free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  stream->port = port;
  (void)snprintf(stream->host, sizeof(stream->host), "%s", host);
  (void)snprintf(stream->name, sizeof(stream->name), "%s:%u on %s", host, (unsigned)port, link->settings.host);
  penstock_utf8_trim(stream->name, sizeof(stream->name));
  if (start(stream, &error)) {
    ssh_stream_free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  ssh_stream_add(stream);
}
