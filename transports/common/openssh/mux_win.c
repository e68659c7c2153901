/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/openssh/mux_internal_win.h"

/* Servers turn away who has too many logins under way: sshd begins with 10 (MaxStartups), for all its clients. */
enum { STARTING_MAX = 4 };

static void on_kick(void *context) {
  mux *self = context;
  self->kick = NULL;
  mux_begin_turn(self);
  if (!self->is_told_ready) {
    self->is_told_ready = 1;
    self->owner.ready(self->owner.context);
  }
  for (mux_channel *each = self->channels; each; each = each->next) {
    mux_channel_tell(each);
  }
  mux_end_turn(self);
}

mux *mux_create_programs(const penstock_host *host, const mux_programs *how, const mux_owner *owner) {
  mux *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->host = host;
  self->how = *how;
  self->owner = *owner;
  mux_kick(self);
  if (!self->kick) {
    free(self);
    return NULL;
  }
  return self;
}

void mux_destroy(mux *self) {
  if (!self) {
    return;
  }
  if (self->kick) {
    self->host->timer_stop(self->host, self->kick);
  }
  while (self->channels) {
    mux_channel *channel = self->channels;
    self->channels = channel->next;
    mux_channel_free(channel);
  }
  free(self);
}

void mux_kick(mux *self) {
  if (!self->kick && !self->in_turn) {
    self->kick = self->host->timer_start(self->host, 0, 0, on_kick, self);
  }
}

size_t mux_unanswered(const mux *self) {
  (void)self; /* what is given up ends at once */
  return 0;
}

void mux_begin_turn(mux *self) {
  self->in_turn++;
}

static void free_given_up(mux *self) {
  for (mux_channel **at = &self->channels; *at;) {
    mux_channel *channel = *at;
    if (channel->user) {
      at = &channel->next;
      continue;
    }
    *at = channel->next;
    mux_channel_free(channel);
  }
}

static unsigned count_starting(const mux *self) {
  unsigned count = 0;
  for (const mux_channel *each = self->channels; each; each = each->next) {
    count += each->stage == MUX_CHANNEL_STARTING;
  }
  return count;
}

void mux_end_turn(mux *self) {
  self->owner.turn(self->owner.context);
  self->in_turn--;
  free_given_up(self);
  unsigned starting = count_starting(self);
  int wants_kick = 0;
  for (mux_channel *each = self->channels; each; each = each->next) {
    if (each->stage == MUX_CHANNEL_QUEUED && starting < STARTING_MAX) {
      mux_channel_launch(each);
      starting++;
    }
    wants_kick |= mux_channel_has_news(each);
  }
  if (wants_kick) {
    mux_kick(self);
  }
}

/* --- channels -------------------------------------------------------------------------------------- */

/* "host:port" of what RFC 4254 wants for a direct-tcpip channel: a text and a number. */
static char *read_target(const mux_buffer *extra) {
  const uint8_t *data = extra->data + extra->at;
  size_t size = extra->size - extra->at;
  uint32_t length = mux_read_number(data, size, UINT32_MAX);
  if (size < 8 || length > size - 8) {
    return NULL;
  }
  uint32_t port = mux_read_number(data + 4 + length, 4, 0);
  const char *host = (const char *)data + 4;
  char *target = malloc((size_t)length + 16);
  if (target) {
    int is_v6 = memchr(host, ':', length) != NULL;
    (void)snprintf(target, (size_t)length + 16, "%s%.*s%s:%u", is_v6 ? "[" : "", (int)length, host, is_v6 ? "]" : "",
                   (unsigned)port);
  }
  return target;
}

mux_channel *mux_channel_open(mux *self, const char *type, const mux_buffer *extra, const mux_user *user,
                              void *context) {
  mux_channel *channel = calloc(1, sizeof(*channel));
  mux_channel **end = &self->channels;
  if (!channel) {
    return NULL;
  }
  channel->owner = self;
  channel->user = user;
  channel->context = context;
  channel->data = channel->messages = PENSTOCK_SOCKET_NONE;
  channel->status = -1;
  channel->is_session = strcmp(type, "session") == 0;
  channel->is_refused = !extra && !channel->is_session; /* there are no others */
  channel->target = extra ? read_target(extra) : NULL;
  channel->stage = extra ? MUX_CHANNEL_QUEUED : MUX_CHANNEL_IDLE;
  if (extra && !channel->target) {
    free(channel);
    return NULL;
  }
  while (*end) {
    end = &(*end)->next;
  }
  *end = channel;
  mux_kick(self);
  return channel;
}

void mux_channel_close(mux_channel *channel) {
  channel->user = NULL;
  mux_kick(channel->owner);
}
