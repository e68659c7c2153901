/* SPDX-License-Identifier: MIT */
/*
 * The socket to the command knows only an end, so how the command itself ended says whether that was a clean one: the
 * end of its output is passed on once its exit status is there, and only if that is 0.
 *
 * An abort by the client cannot be told to a command: its input ends, and soon it is told to end itself.
 */
#include "common/local_command.h"

#include <stdlib.h>

#include "common/local_child.h"
#include "common/script_stream.h"

enum {
  CHUNK = 256 << 10,   /* of a read, and the best size for a write */
  LAST_READS = 256,    /* of messages, once the command has ended: more than the system holds */
  READS_A_TURN = 4,    /* then others have their turn */
  LOOK_MS = 2,         /* between looks whether it has ended, where its output has */
  PATIENCE_MS = 10000, /* for that: a client of an engine asks it once more before it ends */
  FAREWELL_MS = 100    /* that all together may take to end when the carrier does */
};

/* One that was given back: first its input ends, on which a command in a container ends by itself. */
enum { TERM_AFTER_MS = 250, KILL_AFTER_MS = 2250, LEAVE_AFTER_MS = 4250 };

struct local_command {
  local_command *next;
  local_commands *all;
  local_child *child;
  penstock_open *open; /* until it is completed */
  penstock_sink *sink; /* from then until it is given back */
  penstock_watch *watch;
  penstock_watch *messages_watch;
  penstock_timer *deadline; /* of the open */
  penstock_timer *look;
  uint64_t over_ns; /* when is_over was set, or it was given back */

  char line[SCRIPT_STREAM_LINE_MAX]; /* what came before it was open, and perhaps some bytes of the stream */
  size_t line_size;
  size_t line_at;
  script_stream_tail tail;

  uint64_t credit;
  int wants_write; /* a write was cut short */
  int is_broken;   /* some of what it was sent is lost */
  int is_over;     /* that, or its output has ended: wait for the command to end */
  int is_told;     /* the end was: stream_eof or stream_reset */
  int is_reset;
  int is_given_back; /* nobody wants it any more: the command is to end */
  int was_asked;     /* it was told to */
  int was_killed;
};

static const penstock_host *host_of(const local_command *self) {
  return self->all->host;
}

static uint64_t since_ms(const local_command *self, uint64_t then_ns) {
  return (host_of(self)->now_ns(host_of(self)) - then_ns) / 1000000u;
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void stop_watch(const local_command *self, penstock_watch **watch) {
  if (*watch) {
    host_of(self)->watch_stop(host_of(self), *watch);
    *watch = NULL;
  }
}

static void stop_timer(const local_command *self, penstock_timer **timer) {
  if (*timer) {
    host_of(self)->timer_stop(host_of(self), *timer);
    *timer = NULL;
  }
}

static void stop_all(local_command *self) {
  stop_watch(self, &self->watch);
  stop_watch(self, &self->messages_watch);
  stop_timer(self, &self->deadline);
  stop_timer(self, &self->look);
}

static void on_look(void *context);

/* Looks soon, and then again and again. */
static void begin_to_look(local_command *self) {
  stop_timer(self, &self->look);
  self->look = host_of(self)->timer_start(host_of(self), 0, LOOK_MS, on_look, self);
}

static void give_back(local_command *self) {
  self->is_given_back = 1;
  self->sink = NULL;
  self->over_ns = host_of(self)->now_ns(host_of(self));
  stop_all(self);
  local_child_hang_up(self->child);
  begin_to_look(self);
}

static void fail(local_command *self, const penstock_error *error) {
  penstock_open *open = self->open;
  self->open = NULL;
  give_back(self);
  host_of(self)->open_failed(host_of(self), open, error);
}

static void read_messages(local_command *self, int reads) {
  char text[4096];
  int64_t count = 0;
  for (int i = 0; i < reads && (count = local_child_read_messages(self->child, text, sizeof(text))) > 0; i++) {
    script_stream_keep(&self->tail, text, (size_t)count);
  }
  if (count == 0) {
    stop_watch(self, &self->messages_watch);
  }
}

static void on_messages(void *context, uint32_t events) {
  (void)events;
  read_messages(context, READS_A_TURN);
}

static void reset(local_command *self, const penstock_error *error) {
  self->is_told = self->is_reset = 1;
  stop_watch(self, &self->watch);
  stop_timer(self, &self->look);
  host_of(self)->stream_reset(host_of(self), self->sink, error);
}

/* The command has ended, with `code` or by a signal: what does that mean? */
static void conclude(local_command *self, int code, int signal_number) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char signal_text[16] = "";
  if (signal_number) {
    (void)snprintf(signal_text, sizeof(signal_text), "%d", signal_number);
  }
  read_messages(self, LAST_READS);
  if (self->sink && code == 0 && !self->is_broken) {
    self->is_told = 1;
    stop_timer(self, &self->look);
    host_of(self)->stream_eof(host_of(self), self->sink);
    return;
  }
  const script_stream_end end = {code, signal_text, self->tail.text};
  script_stream_ended(self->all->where, self->sink != NULL, &end, &error);
  if (self->sink && code == 0) {
    (void)snprintf(error.what, sizeof(error.what), "The command on %s that carried the stream takes no more data",
                   self->all->where);
  }
  if (self->sink) {
    reset(self, &error);
  } else {
    fail(self, &error);
  }
}

static void conclude_without_end(local_command *self) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)penstock_fail(&error, self->sink ? PENSTOCK_LEG_STREAM : PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                      "A command on %s that carries a stream has closed its output, and does not end",
                      self->all->where);
  script_stream_detail(self->tail.text, &error);
  if (self->sink) {
    reset(self, &error);
  } else {
    fail(self, &error);
  }
}

/* Nothing more comes, or nothing more can be sent: how the command ends says what that means. */
static void over(local_command *self) {
  if (!self->is_over) {
    self->is_over = 1;
    self->over_ns = host_of(self)->now_ns(host_of(self));
    stop_watch(self, &self->watch);
    begin_to_look(self);
  }
}

static void release(local_command *self, uint64_t patience_ms) {
  stop_all(self);
  local_child_end(self->child, patience_ms);
  free(self);
}

static void forget(local_command *self) {
  local_command **at = &self->all->first;
  while (*at != self) {
    at = &(*at)->next;
  }
  *at = self->next;
  release(self, 0);
}

/* One that was given back. */
static void look_at_last(local_command *self, int has_ended) {
  uint64_t waited_ms = since_ms(self, self->over_ns);
  if (has_ended) {
    forget(self);
  } else if (waited_ms >= LEAVE_AFTER_MS) {
    penstock_logf(host_of(self), PENSTOCK_LOG_WARN, "a command on %s that carried a stream cannot be ended",
                  self->all->where);
    forget(self);
  } else if (waited_ms >= KILL_AFTER_MS && !self->was_killed) {
    self->was_killed = 1;
    local_child_kill(self->child, 1);
  } else if (waited_ms >= TERM_AFTER_MS && !self->was_asked) {
    self->was_asked = 1;
    local_child_kill(self->child, 0);
  }
}

static void deliver_early(local_command *self);

static void on_look(void *context) {
  local_command *self = context;
  int code = -1;
  int signal_number = 0;
  int has_ended = local_child_has_ended(self->child, &code, &signal_number);
  if (self->is_given_back) {
    look_at_last(self, has_ended);
  } else if (!self->is_over) { /* a grant wanted a turn of its own */
    stop_timer(self, &self->look);
    deliver_early(self);
  } else if (self->is_told) { /* it has ended well, and the client sends more */
    penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                        "The command on %s that carried the stream takes no more data", self->all->where);
    reset(self, &error);
  } else if (has_ended) {
    self->is_broken |= local_child_has_lost_input(self->child);
    conclude(self, code, signal_number);
  } else if (since_ms(self, self->over_ns) >= PATIENCE_MS) {
    conclude_without_end(self);
  }
}

/* --- the command to the client --------------------------------------------------------------------- */

/* Watches for what can be done. */
static void update(const local_command *self) {
  int may_read = self->open || (self->credit > 0 && self->line_at == self->line_size);
  uint32_t events =
      (may_read ? (uint32_t)PENSTOCK_EVENT_READ : 0u) | (self->wants_write ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  if (self->watch) {
    host_of(self)->watch_set(host_of(self), self->watch, events);
  }
}

static size_t deliver(local_command *self, const void *data, size_t size) {
  size_t count = size < self->credit ? size : (size_t)self->credit;
  self->credit -= count;
  self->credit += host_of(self)->stream_data(host_of(self), self->sink, data, count);
  return count;
}

/* What came together with the line. */
static void deliver_early(local_command *self) {
  while (self->line_at < self->line_size && self->credit > 0) {
    self->line_at += deliver(self, self->line + self->line_at, self->line_size - self->line_at);
  }
  update(self);
}

static void note_end_of_output(local_command *self, int64_t count) {
  self->is_broken |= count == LOCAL_CHILD_BROKEN;
  over(self);
}

static void read_data(local_command *self) {
  for (int i = 0; i < READS_A_TURN && self->credit > 0 && self->line_at == self->line_size; i++) {
    size_t room = self->credit < CHUNK ? (size_t)self->credit : (size_t)CHUNK;
    int64_t count = local_child_read(self->child, self->all->scratch, room);
    if (count == LOCAL_CHILD_AGAIN) {
      break;
    }
    if (count <= 0) {
      note_end_of_output(self, count);
      return;
    }
    (void)deliver(self, self->all->scratch, (size_t)count);
  }
  update(self);
}

/* --- the client to the command --------------------------------------------------------------------- */

static size_t stream_write(void *context, const void *data, size_t size) {
  local_command *self = context;
  if (self->is_over) { /* there is data, and nowhere to put it */
    self->is_broken = 1;
    if (!self->is_reset) {
      begin_to_look(self);
    }
    return 0;
  }
  int64_t count = local_child_write(self->child, data, size);
  if (count == LOCAL_CHILD_BROKEN) {
    self->is_broken = 1;
    over(self);
    return 0;
  }
  count = count > 0 ? count : 0;
  self->wants_write = (size_t)count < size;
  update(self);
  return (size_t)count;
}

static void stream_shutdown_write(void *context) {
  local_command *self = context;
  if (!self->is_over) {
    local_child_end_input(self->child);
  }
}

static void stream_grant(void *context, uint64_t bytes) {
  local_command *self = context;
  self->credit += bytes;
  if (self->line_at < self->line_size && !self->is_over) {
    begin_to_look(self);
  }
  update(self);
}

static void stream_close(void *context, uint32_t how) {
  (void)how; /* see above */
  give_back(context);
}

/* --- opening --------------------------------------------------------------------------------------- */

static void complete_open(local_command *self) {
  const penstock_credit_stream stream = {
      .struct_size = (uint32_t)sizeof(stream),
      .write_chunk = CHUNK,
      .stream = self,
      .write = stream_write,
      .shutdown_write = stream_shutdown_write,
      .grant = stream_grant,
      .close = stream_close,
  };
  penstock_open *open = self->open;
  self->open = NULL;
  stop_timer(self, &self->deadline);
  penstock_sink *sink = host_of(self)->open_done_credit(host_of(self), open, &stream);
  if (!sink) {
    give_back(self);
  } else if (!self->is_given_back) {
    self->sink = sink;
    update(self);
  }
}

/* More of the line may have come, or all of it. */
static void read_line(local_command *self) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  int64_t count = local_child_read(self->child, self->line + self->line_size, sizeof(self->line) - self->line_size);
  if (count == LOCAL_CHILD_AGAIN) {
    return;
  }
  if (count <= 0) {
    note_end_of_output(self, count);
    return;
  }
  self->line_size += (size_t)count;
  switch (script_stream_read(self->line, self->line_size, self->all->where, &self->line_at, &error)) {
  case SCRIPT_STREAM_UNKNOWN:
    break;
  case SCRIPT_STREAM_OPEN:
    complete_open(self);
    break;
  case SCRIPT_STREAM_REFUSED:
  case SCRIPT_STREAM_FAILED:
    read_messages(self, LAST_READS);
    script_stream_detail(self->tail.text, &error);
    fail(self, &error);
    break;
  }
}

static void on_data(void *context, uint32_t events) {
  local_command *self = context;
  if (self->open) {
    read_line(self);
    return;
  }
  if ((events & (PENSTOCK_EVENT_WRITE | PENSTOCK_EVENT_ERROR)) && self->wants_write) {
    self->wants_write = 0;
    host_of(self)->stream_writable(host_of(self), self->sink);
  }
  if (!self->is_over && !self->is_given_back) {
    read_data(self);
  }
}

static void on_deadline(void *context) {
  local_command *self = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  self->deadline = NULL;
  read_messages(self, LAST_READS);
  (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                      "A command on %s did not come to a stream in time", self->all->where);
  script_stream_detail(self->tail.text, &error);
  fail(self, &error);
}

static int start(local_command *self, const char *script, size_t size, uint64_t deadline_ms, penstock_error *error) {
  const penstock_host *host = host_of(self);
  char *text = malloc(size + 1);
  if (!self->all->scratch) {
    self->all->scratch = malloc(CHUNK);
  }
  if (!text || !self->all->scratch) {
    free(text);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  memcpy(text, script, size);
  text[size] = '\0';
  self->child = local_child_start(self->all->shell, text, error);
  free(text);
  if (!self->child) {
    return PENSTOCK_E_FAILED;
  }
  self->watch = host->watch_start(host, local_child_data(self->child), PENSTOCK_EVENT_READ, on_data, self);
  self->messages_watch =
      host->watch_start(host, local_child_messages(self->child), PENSTOCK_EVENT_READ, on_messages, self);
  self->deadline = deadline_ms ? host->timer_start(host, deadline_ms, 0, on_deadline, self) : NULL;
  if (!self->watch || !self->messages_watch || (deadline_ms && !self->deadline)) {
    stop_all(self);
    local_child_hang_up(self->child);
    local_child_kill(self->child, 1);
    local_child_end(self->child, FAREWELL_MS);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  return 0;
}

void local_command_begin(local_commands *all, penstock_open *open, const char *script, size_t size,
                         uint64_t deadline_ms) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  local_command *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    all->host->open_failed(all->host, open, &error);
    return;
  }
  self->all = all;
  self->open = open;
  if (start(self, script, size, deadline_ms, &error)) {
    free(self);
    all->host->open_failed(all->host, open, &error);
    return;
  }
  self->next = all->first;
  all->first = self;
}

void local_command_cancel(local_commands *all, penstock_open *open) {
  for (local_command *self = all->first; self; self = self->next) {
    if (self->open == open) {
      penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
      (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
      fail(self, &error);
      return;
    }
  }
}

void local_command_clear(local_commands *all) {
  uint64_t begin_ns = all->host->now_ns(all->host);
  for (local_command *self = all->first; self; self = self->next) {
    stop_all(self);
    local_child_hang_up(self->child);
    local_child_kill(self->child, 1);
  }
  for (local_command *self = all->first, *next; self; self = next) {
    uint64_t spent_ms = (all->host->now_ns(all->host) - begin_ns) / 1000000u;
    next = self->next;
    release(self, spent_ms < FAREWELL_MS ? FAREWELL_MS - spent_ms : 0);
  }
  all->first = NULL;
  free(all->scratch);
  all->scratch = NULL;
}
