/* SPDX-License-Identifier: MIT */
/*
 * What the master does not do for a client in proxy mode, and so is done here:
 *  - It reads from us whatever we send, into memory. A server's window bounds that for one channel, nothing does for
 *    many: on a slow line their bytes would fill the master's buffer (which it does not survive), and delay each other.
 *    So every now and then a mark goes along: a request that no server knows and every server must refuse. Its refusal
 *    says that all before it has left the master, whether its receiver takes it or not.
 *  - It hands us whatever the server sends, and drops data if we do not read. What is granted can always be passed on
 *    at once, so we read all the time. But it reads more from the network in one go (256 KiB) than a local socket takes
 *    (208 KiB), and what is left over goes into a buffer that is copied with every packet that it grows by: 8 MiB of
 *    it, four fast downloads, stop ssh for seconds. So the server is told of grants in doses: a little for every
 *    channel, and a limited lot that those share that move much.
 */
#include "common/openssh/mux_internal.h"

#include <stdlib.h>

#include "common/openssh/mux_socket.h"

enum {
  PACKET_OURS = 32 << 10,  /* largest data that we take at once, as OpenSSH's clients */
  MARK_AFTER = 512 << 10,  /* bytes */
  WINDOW_LEAST = 64 << 10, /* of every channel */
  WINDOW_ALL = 2 << 20     /* of those together that move much */
};

static const char mark_name[] = "mark@penstock";

/* --- channels -------------------------------------------------------------------------------------- */

void mux_leave_queue(mux_channel *channel) {
  mux *self = channel->owner;
  if (!channel->is_waiting) {
    return;
  }
  mux_channel **at = &self->waiting;
  while (*at != channel) {
    at = &(*at)->next_waiting;
  }
  *at = channel->next_waiting;
  if (self->waiting_end == &channel->next_waiting) {
    self->waiting_end = at;
  }
  channel->is_waiting = 0;
}

static void wait_to_write(mux_channel *channel) {
  mux *self = channel->owner;
  if (!channel->is_waiting) {
    channel->is_waiting = 1;
    channel->next_waiting = NULL;
    *self->waiting_end = channel;
    self->waiting_end = &channel->next_waiting;
  }
}

/* A mark that will not come back counts as come: at worst some more bytes are on their way. */
void mux_mark_done(mux_channel *channel) {
  mux *self = channel->owner;
  if (channel->is_marked) {
    channel->is_marked = 0;
    self->is_mark_out = 0;
    self->unmarked -= self->mark_covers;
  }
}

void mux_ends_receiving(mux_channel *channel) {
  channel->owner->bulk_count -= channel->is_bulk ? 1 : 0;
  channel->is_bulk = 0;
  channel->received = 0;
}

void mux_free_channel(mux_channel *channel) {
  mux *self = channel->owner;
  mux_leave_queue(channel);
  mux_mark_done(channel);
  mux_ends_receiving(channel);
  self->channels[channel->id] = NULL;
  if (channel->id < self->free_from) {
    self->free_from = channel->id;
  }
  free(channel);
}

/* Says CLOSE when it may be said; frees the channel when both sides have. */
void mux_wind_up(mux_channel *channel) {
  mux *self = channel->owner;
  if (!channel->is_open) {
    self->unanswered++; /* the server's answer is on its way */
    return;
  }
  if (!channel->is_closed) {
    channel->is_closed = 1;
    mux_end(&self->output, mux_begin_for(&self->output, MUX_CLOSE, channel->far_id));
  }
  if (channel->far_closed) {
    mux_free_channel(channel);
  }
}

static int grow_channels(mux *self) {
  uint32_t room = self->channel_room ? self->channel_room * 2 : 16;
  mux_channel **grown = realloc(self->channels, room * sizeof(mux_channel *));
  if (!grown) {
    return PENSTOCK_E_NOMEM;
  }
  memset(grown + self->channel_room, 0, (room - self->channel_room) * sizeof(mux_channel *));
  self->channels = grown;
  self->channel_room = room;
  return 0;
}

static mux_channel *add_channel(mux *self) {
  uint32_t id = self->free_from;
  while (id < self->channel_room && self->channels[id]) {
    id++;
  }
  if (id == self->channel_room && grow_channels(self)) {
    return NULL;
  }
  mux_channel *channel = calloc(1, sizeof(*channel));
  if (channel) {
    channel->owner = self;
    channel->id = id;
    self->channels[id] = channel;
    self->free_from = id + 1;
  }
  return channel;
}

mux_channel *mux_channel_open(mux *self, const char *type, const mux_buffer *extra, const mux_user *user,
                              void *context) {
  mux_channel *channel = add_channel(self);
  if (!channel) {
    return NULL;
  }
  channel->user = user;
  channel->context = context;
  size_t start = mux_begin(&self->output, MUX_OPEN);
  mux_put_string(&self->output, type, strlen(type));
  mux_put_number(&self->output, channel->id);
  mux_put_number(&self->output, 0); /* the window opens with the first grant */
  mux_put_number(&self->output, PACKET_OURS);
  if (extra) {
    mux_put_bytes(&self->output, extra->data, extra->size);
  }
  mux_end(&self->output, start);
  mux_settle(self);
  return channel;
}

/* Tells of grants in doses (see above), each large enough, and never so late that the server runs out. */
void mux_tell_grant(mux_channel *channel) {
  mux *self = channel->owner;
  uint64_t known = channel->granted - channel->unsaid;
  uint64_t share = channel->is_bulk ? WINDOW_ALL / self->bulk_count : WINDOW_LEAST;
  uint64_t dose = share > WINDOW_LEAST ? share : WINDOW_LEAST;
  uint64_t bytes = dose > known ? dose - known : 0;
  bytes = bytes < channel->unsaid ? bytes : channel->unsaid;
  if (bytes == 0 || (bytes < dose / 4 && bytes < known) || !channel->is_open || channel->is_closed ||
      channel->far_closed) {
    return;
  }
  size_t start = mux_begin_for(&self->output, MUX_ADJUST, channel->far_id);
  mux_put_number(&self->output, (uint32_t)bytes);
  mux_end(&self->output, start);
  channel->unsaid -= bytes;
}

void mux_count_received(mux_channel *channel, size_t size) {
  channel->granted -= size;
  channel->received += size;
  if (!channel->is_bulk && channel->received >= WINDOW_LEAST) {
    channel->is_bulk = 1;
    channel->owner->bulk_count++;
  }
}

void mux_channel_pass(mux_channel *channel, const mux_user *user, void *context) {
  channel->user = user;
  channel->context = context;
}

void mux_channel_grant(mux_channel *channel, uint64_t bytes) {
  channel->granted += bytes;
  channel->unsaid += bytes;
  mux_tell_grant(channel);
  mux_settle(channel->owner);
}

static size_t begin_request(mux_channel *channel, const char *name, int want_reply) {
  mux_buffer *output = &channel->owner->output;
  size_t start = mux_begin_for(output, MUX_REQUEST, channel->far_id);
  mux_put_string(output, name, strlen(name));
  mux_put_byte(output, (uint8_t)want_reply);
  return start;
}

void mux_channel_exec(mux_channel *channel, const char *command) {
  mux_buffer *output = &channel->owner->output;
  size_t start = begin_request(channel, "exec", 1);
  mux_put_string(output, command, strlen(command));
  mux_end(output, start);
  channel->asks = 1;
  mux_settle(channel->owner);
}

void mux_channel_env(mux_channel *channel, const char *name, const char *value) {
  mux_buffer *output = &channel->owner->output;
  size_t start = begin_request(channel, "env", 1);
  mux_put_string(output, name, strlen(name));
  mux_put_string(output, value, strlen(value));
  mux_end(output, start);
  channel->asks = 1;
  mux_settle(channel->owner);
}

void mux_channel_signal(mux_channel *channel, const char *name) {
  mux_buffer *output = &channel->owner->output;
  if (!channel->is_open || channel->is_closed) {
    return;
  }
  size_t start = begin_request(channel, "signal", 0);
  mux_put_string(output, name, strlen(name));
  mux_end(output, start);
  mux_settle(channel->owner);
}

static void send_mark(mux_channel *channel) {
  mux *self = channel->owner;
  if (self->is_mark_out || self->unmarked < MARK_AFTER) {
    return;
  }
  mux_end(&self->output, begin_request(channel, mark_name, 1));
  channel->is_marked = 1;
  self->is_mark_out = 1;
  self->mark_covers = self->unmarked;
}

static void send_data(mux_channel *channel, const uint8_t *data, size_t size) {
  mux *self = channel->owner;
  uint8_t header[MUX_DATA_HEADER];
  mux_data_header(header, channel->far_id, (uint32_t)size);
  int64_t count = mux_socket_send(self->socket, header, sizeof(header), data, size);
  if (count < 0) {
    mux_die(self, "ssh has closed its control socket");
    return;
  }
  size_t sent = (size_t)count;
  if (sent < sizeof(header)) {
    mux_put_bytes(&self->output, header + sent, sizeof(header) - sent);
    sent = sizeof(header);
  }
  mux_put_bytes(&self->output, data + (sent - sizeof(header)), size - (sent - sizeof(header)));
  channel->window -= size;
  self->unmarked += size;
  send_mark(channel);
}

size_t mux_channel_write(mux_channel *channel, const void *data, size_t size) {
  mux *self = channel->owner;
  size_t done = 0;
  if (self->in_turn) {
    mux_flush(self); /* what was put before must go before */
  }
  while (done < size && channel->window > 0 && mux_can_send_data(self) && !channel->is_ended && !channel->far_closed) {
    size_t count = size - done < channel->far_packet ? size - done : channel->far_packet;
    count = count < channel->window ? count : (size_t)channel->window;
    send_data(channel, (const uint8_t *)data + done, count);
    done += count;
    mux_flush(self); /* a mark */
  }
  if (done < size) {
    wait_to_write(channel);
  }
  mux_settle(self);
  return done;
}

void mux_channel_eof(mux_channel *channel) {
  mux *self = channel->owner;
  if (!channel->is_ended && !channel->is_closed && !channel->far_closed) {
    channel->is_ended = 1;
    mux_end(&self->output, mux_begin_for(&self->output, MUX_EOF, channel->far_id));
    mux_settle(self);
  }
}

void mux_channel_close(mux_channel *channel) {
  mux *self = channel->owner;
  channel->user = NULL;
  mux_leave_queue(channel);
  mux_wind_up(channel);
  mux_settle(self);
}
