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
#include "common/openssh/mux.h"

#include <stdlib.h>

#include "common/openssh/mux_socket.h"

enum {
  INPUT_SIZE = 1 << 20, /* more than the largest packet */
  READS_A_TURN = 4,
  PACKET_OURS = 32 << 10,  /* largest data that we take at once, as OpenSSH's clients */
  PACKET_FAR = 64 << 10,   /* largest data that we send at once */
  MARK_AFTER = 512 << 10,  /* bytes */
  WINDOW_LEAST = 64 << 10, /* of every channel */
  WINDOW_ALL = 2 << 20,    /* of those together that move much */
  UNMARKED_MAX = 4 << 20,  /* bytes that may be on their way through the master: 100 MB/s at 40 ms */
  GREETING = 1             /* number of the one request before proxy mode */
};

static const char mark_name[] = "mark@penstock";

struct mux_channel {
  mux *owner;
  const mux_user *user; /* NULL once given up */
  void *context;
  uint32_t id;
  uint32_t far_id;
  uint64_t window;     /* that the server gives us, in bytes */
  uint32_t far_packet; /* largest data that it takes at once */
  uint64_t granted;    /* to the server, and not used up */
  uint64_t unsaid;     /* granted, and the server does not know yet */
  mux_channel *next_waiting;
  uint64_t received;
  int is_bulk;    /* it has received much */
  int is_waiting; /* to write */
  int is_open;
  int asks;      /* there is a question of its user's without an answer yet */
  int is_marked; /* it carries the mark */
  int is_ended;  /* we have sent EOF */
  int is_closed; /* we have sent CLOSE */
  int far_closed;
};

struct mux {
  const penstock_host *host;
  mux_owner owner;
  penstock_socket socket;
  penstock_watch *watch;
  uint32_t events;
  penstock_timer *kick;
  mux_buffer output;
  uint8_t *input;
  size_t input_size;
  mux_channel **channels; /* by number; NULL = free */
  uint32_t channel_room;
  uint32_t free_from; /* no lower number is free */
  uint64_t bulk_count;
  size_t unanswered;    /* opening, and given up */
  mux_channel *waiting; /* first one first */
  mux_channel **waiting_end;
  size_t unmarked;    /* bytes sent since the last mark came back */
  size_t mark_covers; /* of these, those before the mark that is out */
  int is_mark_out;
  int has_hello;
  int is_proxy;
  int in_turn;
  const char *death; /* why, once it is over */
  int is_told;
};

/* --- the socket ------------------------------------------------------------------------------------ */

static void die(mux *self, const char *why) {
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

static void flush(mux *self) {
  while (waiting_bytes(self) > 0 && !self->death) {
    int64_t count = mux_socket_send(self->socket, self->output.data + self->output.at, waiting_bytes(self), NULL, 0);
    if (count < 0) {
      die(self, "ssh has closed its control socket");
    } else if (count == 0) {
      break;
    } else {
      mux_buffer_consume(&self->output, (size_t)count);
    }
  }
  if (self->output.failed) {
    die(self, "out of memory");
  }
}

/* To be said after messages were put into the output by a call; in a turn it is done once, at the end. */
static void settle(mux *self) {
  if (!self->in_turn) {
    flush(self);
    set_events(self);
  }
}

static int can_send_data(const mux *self) {
  return !self->death && waiting_bytes(self) == 0 && self->unmarked < UNMARKED_MAX;
}

/* --- channels -------------------------------------------------------------------------------------- */

static void leave_queue(mux_channel *channel) {
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
static void mark_done(mux_channel *channel) {
  mux *self = channel->owner;
  if (channel->is_marked) {
    channel->is_marked = 0;
    self->is_mark_out = 0;
    self->unmarked -= self->mark_covers;
  }
}

static void ends_receiving(mux_channel *channel) {
  channel->owner->bulk_count -= channel->is_bulk ? 1 : 0;
  channel->is_bulk = 0;
  channel->received = 0;
}

static void free_channel(mux_channel *channel) {
  mux *self = channel->owner;
  leave_queue(channel);
  mark_done(channel);
  ends_receiving(channel);
  self->channels[channel->id] = NULL;
  if (channel->id < self->free_from) {
    self->free_from = channel->id;
  }
  free(channel);
}

/* Says CLOSE when it may be said; frees the channel when both sides have. */
static void wind_up(mux_channel *channel) {
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
    free_channel(channel);
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
  settle(self);
  return channel;
}

/* Tells of grants in doses (see above), each large enough, and never so late that the server runs out. */
static void tell_grant(mux_channel *channel) {
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

static void count_received(mux_channel *channel, size_t size) {
  channel->granted -= size;
  channel->received += size;
  if (!channel->is_bulk && channel->received >= WINDOW_LEAST) {
    channel->is_bulk = 1;
    channel->owner->bulk_count++;
  }
}

void mux_channel_grant(mux_channel *channel, uint64_t bytes) {
  channel->granted += bytes;
  channel->unsaid += bytes;
  tell_grant(channel);
  settle(channel->owner);
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
  settle(channel->owner);
}

void mux_channel_env(mux_channel *channel, const char *name, const char *value) {
  mux_buffer *output = &channel->owner->output;
  size_t start = begin_request(channel, "env", 1);
  mux_put_string(output, name, strlen(name));
  mux_put_string(output, value, strlen(value));
  mux_end(output, start);
  channel->asks = 1;
  settle(channel->owner);
}

void mux_channel_signal(mux_channel *channel, const char *name) {
  mux_buffer *output = &channel->owner->output;
  if (!channel->is_open || channel->is_closed) {
    return;
  }
  size_t start = begin_request(channel, "signal", 0);
  mux_put_string(output, name, strlen(name));
  mux_end(output, start);
  settle(channel->owner);
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
    die(self, "ssh has closed its control socket");
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
    flush(self); /* what was put before must go before */
  }
  while (done < size && channel->window > 0 && can_send_data(self) && !channel->is_ended && !channel->far_closed) {
    size_t count = size - done < channel->far_packet ? size - done : channel->far_packet;
    count = count < channel->window ? count : (size_t)channel->window;
    send_data(channel, (const uint8_t *)data + done, count);
    done += count;
    flush(self); /* a mark */
  }
  if (done < size) {
    wait_to_write(channel);
  }
  settle(self);
  return done;
}

void mux_channel_eof(mux_channel *channel) {
  mux *self = channel->owner;
  if (!channel->is_ended && !channel->is_closed && !channel->far_closed) {
    channel->is_ended = 1;
    mux_end(&self->output, mux_begin_for(&self->output, MUX_EOF, channel->far_id));
    settle(self);
  }
}

void mux_channel_close(mux_channel *channel) {
  mux *self = channel->owner;
  channel->user = NULL;
  leave_queue(channel);
  wind_up(channel);
  settle(self);
}

/* --- what comes ------------------------------------------------------------------------------------ */

static void on_opened(mux_channel *channel, const mux_message *message) {
  channel->owner->unanswered -= channel->user ? 0 : 1;
  channel->is_open = 1;
  channel->far_id = message->far_id;
  channel->window = message->window;
  channel->far_packet = message->packet < PACKET_FAR ? message->packet : PACKET_FAR;
  if (channel->far_packet == 0) {
    die(channel->owner, "the SSH server opens a channel that takes no data");
  } else if (!channel->user) {
    wind_up(channel);
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
    free_channel(channel);
    return;
  }
  mux_copy_text(text, sizeof(text), message->data, message->size);
  channel->user->refused(channel->context, message->code, text);
}

static void on_data(mux_channel *channel, const mux_message *message) {
  if (message->size > channel->granted - channel->unsaid) {
    die(channel->owner, "the SSH server sends more than it was allowed to");
    return;
  }
  count_received(channel, message->size);
  if (channel->user) {
    tell_grant(channel); /* first: the user may close it */
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
    mark_done(channel);
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
  mark_done(channel);
  if (!channel->user) {
    wind_up(channel);
    return;
  }
  if (channel->is_waiting) {
    leave_queue(channel);
  }
  channel->user->closed(channel->context);
}

static void on_message(mux *self, const mux_message *message) {
  mux_channel *channel = message->channel < self->channel_room ? self->channels[message->channel] : NULL;
  int is_answer = message->type == MUX_OPENED || message->type == MUX_REFUSED;
  if (!channel || channel->is_open == is_answer) {
    die(self, "the SSH server speaks of a channel that there is not");
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
    ends_receiving(channel);
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
    die(self, "what speaks on ssh's control socket is not ssh");
  } else if (answer.type == MUX_HELLO && !self->has_hello) {
    self->has_hello = 1;
    if (answer.number != MUX_VERSION) {
      die(self, "ssh speaks another version of its multiplexing protocol");
    }
  } else if (answer.type == MUX_IS_PROXY && self->has_hello && answer.number == GREETING) {
    self->is_proxy = 1;
    self->owner.ready(self->owner.context);
  } else {
    die(self, "ssh does not lend its session (OpenSSH 7.4 or later is needed)");
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
    die(self, "the SSH server sends what makes no sense");
  }
}

static void take_packets(mux *self) {
  size_t at = 0;
  while (!self->death) {
    const uint8_t *body;
    size_t size;
    int result = mux_next_packet(self->input + at, self->input_size - at, &body, &size);
    if (result < 0) {
      die(self, "ssh sends what makes no sense");
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
      die(self, "ssh has closed its control socket");
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
  for (mux_channel *each = self->waiting; last && each && can_send_data(self);) {
    mux_channel *next = each == last ? NULL : each->next_waiting;
    if (each->window > 0 || each->far_closed) {
      leave_queue(each);
      each->user->writable(each->context);
    }
    each = next;
  }
}

/* Is there one that could write at once? Then nothing would wake us for it. */
static int has_writer(const mux *self) {
  for (const mux_channel *each = self->waiting; each && can_send_data(self); each = each->next_waiting) {
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
  flush(self);
  let_write(self);
  self->owner.turn(self->owner.context);
  flush(self);
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
