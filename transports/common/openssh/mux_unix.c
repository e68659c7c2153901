/* SPDX-License-Identifier: MIT */
#include "common/openssh/mux_internal.h"

#include <stdlib.h>

#include "common/openssh/mux_socket.h"

enum {
  INPUT_SIZE = 1 << 20, /* more than the largest packet */
  READS_A_TURN = 4,
  PACKET_FAR = 64 << 10, /* largest data that we send at once */
  GREETING = 1           /* number of the one request before proxy mode */
};

/* --- the socket ------------------------------------------------------------------------------------ */

void mux_die(mux *self, const char *why) {
  if (!self->death) {
    self->death = why;
    mux_kick(self);
  }
}

static size_t waiting_bytes(const mux *self) {
  return self->output.size - self->output.at;
}

static void set_events(mux *self) {
  uint32_t events = PENSTOCK_EVENT_READ | (waiting_bytes(self) ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  if (self->watch && events != self->events) {
    self->events = events;
    self->host->watch_set(self->host, self->watch, events);
  }
}

void mux_flush(mux *self) {
  while (waiting_bytes(self) > 0 && !self->death) {
    int64_t count = mux_socket_send(self->socket, self->output.data + self->output.at, waiting_bytes(self), NULL, 0);
    if (count < 0) {
      mux_die(self, "ssh has closed its control socket");
    } else if (count == 0) {
      break;
    } else {
      mux_buffer_consume(&self->output, (size_t)count);
    }
  }
  if (self->output.failed) {
    mux_die(self, "out of memory");
  }
}

/* To be said after messages were put into the output by a call; in a turn it is done once, at the end. */
void mux_settle(mux *self) {
  if (!self->in_turn) {
    mux_flush(self);
    set_events(self);
  }
}

int mux_can_send_data(const mux *self) {
  return !self->death && waiting_bytes(self) == 0 && self->unmarked < MUX_UNMARKED_MAX;
}

/* --- what comes ------------------------------------------------------------------------------------ */

static void on_opened(mux_channel *channel, const mux_message *message) {
  channel->owner->unanswered -= channel->user ? 0 : 1;
  channel->is_open = 1;
  channel->far_id = message->far_id;
  channel->window = message->window;
  channel->far_packet = message->packet < PACKET_FAR ? message->packet : PACKET_FAR;
  if (channel->far_packet == 0) {
    mux_die(channel->owner, "the SSH server opens a channel that takes no data");
  } else if (!channel->user) {
    mux_wind_up(channel);
  } else {
    channel->user->opened(channel->context);
  }
}

static void on_refused(mux_channel *channel, const mux_message *message) {
  char text[256];
  /* Nothing more is said about it by either side: whoever closes it frees it. */
  channel->is_open = channel->is_closed = channel->far_closed = 1;
  if (!channel->user) {
    channel->owner->unanswered--;
    mux_free_channel(channel);
    return;
  }
  mux_copy_text(text, sizeof(text), message->data, message->size);
  channel->user->refused(channel->context, message->code, text);
}

static void on_data(mux_channel *channel, const mux_message *message) {
  if (message->size > channel->granted - channel->unsaid) {
    mux_die(channel->owner, "the SSH server sends more than it was allowed to");
    return;
  }
  mux_count_received(channel, message->size);
  if (channel->user) {
    mux_tell_grant(channel); /* first: the user may close it */
    channel->user->data(channel->context, message->data, message->size, message->type == MUX_EXTENDED_DATA);
  }
}

static void on_answer(mux_channel *channel, int is_success) {
  if (channel->asks) {
    channel->asks = 0;
    if (channel->user) {
      channel->user->answered(channel->context, is_success);
    }
  } else {
    mux_mark_done(channel);
  }
}

static void on_request(mux_channel *channel, const mux_message *message) {
  mux *self = channel->owner;
  if (message->want_reply && !channel->is_closed) {
    mux_end(&self->output, mux_begin_for(&self->output, MUX_NO_SUCCESS, channel->far_id));
  }
  if (channel->user) {
    channel->user->request(channel->context, message);
  }
}

static void on_close(mux_channel *channel) {
  channel->far_closed = 1;
  mux_mark_done(channel);
  if (!channel->user) {
    mux_wind_up(channel);
    return;
  }
  if (channel->is_waiting) {
    mux_leave_queue(channel);
  }
  channel->user->closed(channel->context);
}

static void on_message(mux *self, const mux_message *message) {
  mux_channel *channel = message->channel < self->channel_room ? self->channels[message->channel] : NULL;
  int is_answer = message->type == MUX_OPENED || message->type == MUX_REFUSED;
  if (!channel || channel->is_open == is_answer) {
    mux_die(self, "the SSH server speaks of a channel that there is not");
    return;
  }
  if (channel->far_closed) {
    return; /* it should have said nothing more */
  }
  switch (message->type) {
  case MUX_OPENED:
    on_opened(channel, message);
    break;
  case MUX_REFUSED:
    on_refused(channel, message);
    break;
  case MUX_ADJUST:
    channel->window += message->window;
    break;
  case MUX_DATA:
  case MUX_EXTENDED_DATA:
    on_data(channel, message);
    break;
  case MUX_EOF:
    mux_ends_receiving(channel);
    if (channel->user) {
      channel->user->eof(channel->context);
    }
    break;
  case MUX_REQUEST:
    on_request(channel, message);
    break;
  case MUX_SUCCESS:
  case MUX_NO_SUCCESS:
    on_answer(channel, message->type == MUX_SUCCESS);
    break;
  default: /* CLOSE */
    on_close(channel);
    break;
  }
}

static void on_greeting(mux *self, const uint8_t *body, size_t size) {
  mux_answer answer;
  if (mux_read_answer(body, size, &answer)) {
    mux_die(self, "what speaks on ssh's control socket is not ssh");
  } else if (answer.type == MUX_HELLO && !self->has_hello) {
    self->has_hello = 1;
    if (answer.number != MUX_VERSION) {
      mux_die(self, "ssh speaks another version of its multiplexing protocol");
    }
  } else if (answer.type == MUX_IS_PROXY && self->has_hello && answer.number == GREETING) {
    self->is_proxy = 1;
    self->owner.ready(self->owner.context);
  } else {
    mux_die(self, "ssh does not lend its session (OpenSSH 7.4 or later is needed)");
  }
}

static void on_packet(mux *self, const uint8_t *body, size_t size) {
  mux_message message;
  if (!self->is_proxy) {
    on_greeting(self, body, size);
    return;
  }
  int result = mux_read_message(body, size, &message);
  if (result == 0) {
    on_message(self, &message);
  } else if (result == PENSTOCK_E_INVALID) {
    mux_die(self, "the SSH server sends what makes no sense");
  }
}

static void take_packets(mux *self) {
  size_t at = 0;
  while (!self->death) {
    const uint8_t *body;
    size_t size;
    int result = mux_next_packet(self->input + at, self->input_size - at, &body, &size);
    if (result < 0) {
      mux_die(self, "ssh sends what makes no sense");
    }
    if (result <= 0) {
      break;
    }
    on_packet(self, body, size);
    at += size + 4;
  }
  self->input_size -= at;
  memmove(self->input, self->input + at, self->input_size);
}

static void read_socket(mux *self) {
  for (int i = 0; i < READS_A_TURN && !self->death; i++) {
    int64_t count = mux_socket_receive(self->socket, self->input + self->input_size, INPUT_SIZE - self->input_size);
    if (count < 0) {
      mux_die(self, "ssh has closed its control socket");
    }
    if (count <= 0) {
      break;
    }
    self->input_size += (size_t)count;
    take_packets(self);
  }
}

/* Once round the queue as it was: who wants more has gone to its end. */
static void let_write(mux *self) {
  mux_channel *last = NULL;
  for (mux_channel *each = self->waiting; each; each = each->next_waiting) {
    last = each;
  }
  for (mux_channel *each = self->waiting; last && each && mux_can_send_data(self);) {
    mux_channel *next = each == last ? NULL : each->next_waiting;
    if (each->window > 0 || each->far_closed) {
      mux_leave_queue(each);
      each->user->writable(each->context);
    }
    each = next;
  }
}

/* Is there one that could write at once? Then nothing would wake us for it. */
static int has_writer(const mux *self) {
  for (const mux_channel *each = self->waiting; each && mux_can_send_data(self); each = each->next_waiting) {
    if (each->window > 0) {
      return 1;
    }
  }
  return 0;
}

static void take_turn(mux *self) {
  if (self->is_told) {
    return;
  }
  self->in_turn = 1;
  read_socket(self);
  mux_flush(self);
  let_write(self);
  self->owner.turn(self->owner.context);
  mux_flush(self);
  self->in_turn = 0;
  set_events(self);
  if (has_writer(self)) {
    mux_kick(self);
  }
  if (self->death) {
    self->is_told = 1;
    if (self->watch) {
      self->host->watch_stop(self->host, self->watch);
      self->watch = NULL;
    }
    self->owner.dead(self->owner.context, self->death); /* may destroy us */
  }
}

static void on_socket(void *context, uint32_t events) {
  (void)events;
  take_turn(context);
}

static void on_kick(void *context) {
  mux *self = context;
  self->kick = NULL;
  take_turn(self);
}

void mux_kick(mux *self) {
  if (!self->kick && !self->is_told) {
    self->kick = self->host->timer_start(self->host, 0, 0, on_kick, self);
  }
}

size_t mux_unanswered(const mux *self) {
  return self->unanswered;
}

/* --- life ------------------------------------------------------------------------------------------ */

mux *mux_create(const penstock_host *host, penstock_socket socket, const mux_owner *owner) {
  mux *self = calloc(1, sizeof(*self));
  if (!self) {
    mux_socket_close(socket);
    return NULL;
  }
  self->host = host;
  self->owner = *owner;
  self->socket = socket;
  self->waiting_end = &self->waiting;
  self->input = malloc(INPUT_SIZE);
  mux_put_greeting(&self->output, GREETING);
  self->events = PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE;
  self->watch = self->input ? host->watch_start(host, socket, self->events, on_socket, self) : NULL;
  if (!self->watch) {
    mux_destroy(self);
    return NULL;
  }
  return self;
}

void mux_destroy(mux *self) {
  if (!self) {
    return;
  }
  if (self->watch) {
    self->host->watch_stop(self->host, self->watch);
  }
  if (self->kick) {
    self->host->timer_stop(self->host, self->kick);
  }
  mux_socket_close(self->socket);
  for (uint32_t i = 0; i < self->channel_room; i++) {
    free(self->channels[i]);
  }
  free(self->channels);
  free(self->input);
  mux_buffer_clear(&self->output);
  free(self);
}
