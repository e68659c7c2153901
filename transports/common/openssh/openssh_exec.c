/* SPDX-License-Identifier: MIT */
/*
 * A stream to a command is a session channel: first with a shell that greets (far_shell.h), then with the script, which
 * says that it is a stream from now on (script_stream.h). The exit status tells a clean end from any other.
 *
 * A shell's channel is granted bytes before the core grants any to the stream. What comes of them too early is held,
 * and the server is granted nothing more until the core has granted as much.
 *
 * An abort by the client cannot be told to a command: its input ends, and it is sent a signal, which old servers
 * ignore.
 */
#include <stdlib.h>

#include "common/far_shell.h"
#include "common/openssh/openssh_internal.h"
#include "common/script_stream.h"

enum {
  WRITE_CHUNK = 64 << 10,
  TICK_MS = 250,
  PATIENCE_MS = 12000, /* for a login shell, where the open has no limit of its own */
  LEFT_OVER_MS = 1500  /* the shell's limit, which says why, comes so long before that of the open */
};

struct openssh_exec {
  openssh_exec *next;
  openssh_link *link;
  far_shell *shell;     /* while it opens */
  mux_channel *channel; /* from then on; NULL once given up */
  penstock_open *open;  /* until it is completed */
  penstock_sink *sink;  /* from then on */
  penstock_timer *tick; /* while it opens */
  char nonce[SCRIPT_NONCE_SIZE];
  char *script;
  size_t script_size;
  script_stream_tail errors;
  uint64_t credit;  /* bytes that the core takes */
  uint64_t granted; /* bytes that the server may send */
  uint8_t *held;    /* that have come too early; NULL = none */
  size_t held_size;
  size_t held_at;
  int has_exited;
  int status; /* -1: a signal ended it */
  char signal[32];
  int is_cancelled;
  int is_closed; /* given back by the host: to be freed */
  int has_eof;   /* the far side has sent EOF */
  int has_close; /* the far side has sent CLOSE */
  int is_broken; /* there was data, and nowhere to put it */
  int eof_told;
  int reset_told;
};

/* --- ends ------------------------------------------------------------------------------------------ */

static const penstock_host *host_of(const openssh_exec *self) {
  return self->link->host;
}

static void stop_tick(openssh_exec *self) {
  if (self->tick) {
    host_of(self)->timer_stop(host_of(self), self->tick);
    self->tick = NULL;
  }
}

static void dispose(openssh_exec *self) {
  stop_tick(self);
  free(self->script);
  free(self->held);
  free(self);
}

static void give_up(openssh_exec *self, uint32_t how) {
  stop_tick(self);
  if (self->shell) {
    far_shell_drop(self->shell);
    self->shell = NULL;
  }
  if (self->channel) {
    if (how == PENSTOCK_CLOSE_ABORT && !self->has_exited && !self->has_close && !self->link->is_dead) {
      mux_channel_eof(self->channel); /* first: a command behind an engine only sees that */
      mux_channel_signal(self->channel, "TERM");
    }
    mux_channel_close(self->channel);
    self->channel = NULL;
  }
}

static void refuse(openssh_exec *self, const penstock_error *error) {
  penstock_open *open = self->open;
  self->open = NULL;
  self->is_closed = 1;
  give_up(self, PENSTOCK_CLOSE_ABORT);
  openssh_link_kick(self->link);
  host_of(self)->open_failed(host_of(self), open, error);
}

static void break_stream(openssh_exec *self, const penstock_error *error) {
  if (!self->reset_told) {
    self->reset_told = 1;
    host_of(self)->stream_reset(host_of(self), self->sink, error);
  }
}

/* --- the far side ---------------------------------------------------------------------------------- */

/* Hands on what credit allows; returns the count. */
static size_t deliver(openssh_exec *self, const uint8_t *data, size_t size) {
  size_t done = 0;
  while (done < size && self->credit > 0 && !self->is_closed && !self->reset_told) {
    size_t count = size - done < self->credit ? size - done : (size_t)self->credit;
    self->credit -= count;
    self->credit += host_of(self)->stream_data(host_of(self), self->sink, data + done, count);
    done += count;
  }
  return done;
}

static void hold(openssh_exec *self, const uint8_t *data, size_t size) {
  uint8_t *held = realloc(self->held, self->held_size + size);
  if (!held) {
    self->is_broken = 1;
    openssh_link_kick(self->link);
    return;
  }
  memcpy(held + self->held_size, data, size);
  self->held = held;
  self->held_size += size;
}

static void deliver_held(openssh_exec *self) {
  if (!self->held) {
    return;
  }
  self->held_at += deliver(self, self->held + self->held_at, self->held_size - self->held_at);
  if (self->held_at == self->held_size) {
    free(self->held);
    self->held = NULL;
    self->held_size = self->held_at = 0;
  }
}

static void grant_server(openssh_exec *self) {
  if (self->channel && !self->held && self->credit > self->granted && !self->has_eof && !self->has_close) {
    uint64_t more = self->credit - self->granted;
    self->granted = self->credit;
    mux_channel_grant(self->channel, more);
  }
}

static void on_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  openssh_exec *self = context;
  self->granted -= size < self->granted ? size : self->granted;
  if (is_stderr) {
    script_stream_keep(&self->errors, data, size);
    self->granted += size;
    mux_channel_grant(self->channel, size);
    return;
  }
  size_t done = self->held ? 0 : deliver(self, data, size);
  if (done < size && !self->reset_told && !self->is_closed) {
    hold(self, data + done, size - done);
  }
  grant_server(self);
}

static void on_eof(void *context) {
  openssh_exec *self = context;
  self->has_eof = 1;
  openssh_link_kick(self->link);
}

static void on_closed(void *context) {
  openssh_exec *self = context;
  self->has_close = 1;
  openssh_link_kick(self->link);
}

static void on_writable(void *context) {
  openssh_exec *self = context;
  if (!self->reset_told) {
    host_of(self)->stream_writable(host_of(self), self->sink);
  }
}

static void on_request(void *context, const mux_message *message) {
  openssh_exec *self = context;
  self->has_exited |= openssh_run_read_exit(message, &self->status, self->signal, sizeof(self->signal));
  openssh_link_kick(self->link);
}

static void on_opened(void *context) {
  (void)context; /* it was open when it became ours */
}

static void on_refused(void *context, uint32_t code, const char *text) {
  (void)context;
  (void)code;
  (void)text;
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

/* --- the host's side ------------------------------------------------------------------------------- */

static size_t stream_write(void *context, const void *data, size_t size) {
  openssh_exec *self = context;
  if (!self->channel || self->has_close || self->reset_told || self->link->is_dead) {
    self->is_broken = 1;
    openssh_link_kick(self->link);
    return 0;
  }
  return mux_channel_write(self->channel, data, size);
}

static void stream_shutdown_write(void *context) {
  openssh_exec *self = context;
  if (self->channel && !self->has_close) {
    mux_channel_eof(self->channel);
  }
}

static void stream_grant(void *context, uint64_t bytes) {
  openssh_exec *self = context;
  self->credit += bytes;
  if (self->held) {
    openssh_link_kick(self->link); /* not from inside the core's call */
  } else {
    grant_server(self);
  }
}

static void stream_close(void *context, uint32_t how) {
  openssh_exec *self = context;
  self->is_closed = 1;
  give_up(self, how);
  openssh_link_kick(self->link); /* which frees it: this call may come from within open_done_credit */
}

/* --- opening --------------------------------------------------------------------------------------- */

/* From the shell to the stream: `rest` is what came behind the line. */
static void take_over(openssh_exec *self, const char *rest, size_t size) {
  far_shell *shell = self->shell;
  const penstock_credit_stream stream = {
      .struct_size = (uint32_t)sizeof(stream),
      .write_chunk = WRITE_CHUNK,
      .stream = self,
      .write = stream_write,
      .shutdown_write = stream_shutdown_write,
      .grant = stream_grant,
      .close = stream_close,
  };
  stop_tick(self);
  self->shell = NULL;
  self->has_exited = shell->exited_ns != 0;
  self->status = shell->exit_status;
  (void)snprintf(self->signal, sizeof(self->signal), "%s", shell->signal);
  if (shell->error_output.text) {
    script_stream_keep(&self->errors, shell->error_output.text, shell->error_output.size);
  }
  self->has_close = shell->has_closed;
  if (size > 0) {
    hold(self, (const uint8_t *)rest, size);
  }
  self->channel = openssh_run_take_channel(far_shell_release(shell), &user, self, &self->granted, &self->has_eof);
  penstock_open *open = self->open;
  self->open = NULL;
  self->sink = host_of(self)->open_done_credit(host_of(self), open, &stream);
  if (!self->sink && !self->is_closed) {
    stream_close(self, PENSTOCK_CLOSE_ABORT);
  }
}

/* Reads what the script says. Returns 0 if it has not said it yet. */
static int read_line(openssh_exec *self) {
  const far_shell *shell = self->shell;
  const char *where = self->link->carrier.where;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *text = shell->output.text;
  const char *begin = text ? script_stream_begin(text, shell->output.size, self->nonce) : NULL;
  size_t used = 0;
  if (!begin || shell->output.total > shell->output.limit) {
    return 0;
  }
  size_t size = shell->output.size - (size_t)(begin - text);
  script_stream_state state = script_stream_read(begin, size, where, &used, &error);
  if (state == SCRIPT_STREAM_OPEN) {
    take_over(self, begin + used, size - used);
  } else if (state != SCRIPT_STREAM_UNKNOWN) {
    script_stream_detail(shell->error_output.text ? shell->error_output.text : "", &error);
    refuse(self, &error);
  }
  return state != SCRIPT_STREAM_UNKNOWN;
}

/* Its shell is of no more use. */
static void refuse_ended(openssh_exec *self) {
  const far_shell *shell = self->shell;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (shell->end == FAR_SHELL_CLOSED && shell->ended_in == FAR_SHELL_RUNNING) {
    const script_stream_end end = {shell->exit_status, shell->signal,
                                   shell->error_output.text ? shell->error_output.text : ""};
    script_stream_ended(self->link->carrier.where, 0, &end, &error);
  } else {
    far_shell_explain(shell, &error);
  }
  refuse(self, &error);
}

static void advance(openssh_exec *self) {
  far_shell *shell = self->shell;
  far_shell_advance(shell);
  if (shell->state == FAR_SHELL_IDLE) {
    self->link->shells.had_shell = 1;
    far_shell_run(shell, self->script, self->script_size);
    far_shell_advance(shell);
  }
  if (!read_line(self) && shell->state == FAR_SHELL_ENDED) {
    refuse_ended(self);
  }
}

/* --- the sweep ------------------------------------------------------------------------------------- */

/* Nothing more comes of it: how its command has ended says what that means. */
static void judge(openssh_exec *self) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (self->has_exited && self->status == 0) {
    self->eof_told = 1;
    host_of(self)->stream_eof(host_of(self), self->sink);
  } else if (self->has_exited || self->has_close) {
    const script_stream_end end = {self->has_exited ? self->status : -1, self->signal, self->errors.text};
    script_stream_ended(self->link->carrier.where, 1, &end, &error);
    break_stream(self, &error);
  }
}

static void sweep_opening(openssh_exec *self) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (self->link->is_dead) {
    refuse(self, &self->link->death);
  } else if (self->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "cancelled");
    refuse(self, &error);
  } else {
    advance(self);
  }
}

static void sweep_open(openssh_exec *self) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (self->link->is_dead) {
    break_stream(self, &self->link->death);
    return;
  }
  deliver_held(self);
  grant_server(self);
  if (self->is_broken) {
    (void)penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT, "the command on %s takes no more data",
                        self->link->carrier.where);
    break_stream(self, &error);
  } else if (!self->held && (self->has_eof || self->has_close) && !self->eof_told && !self->reset_told) {
    judge(self);
  }
}

void openssh_exec_sweep(openssh_link *link) {
  for (openssh_exec *self = link->execs; self; self = self->next) {
    if (self->open && !self->is_closed) {
      sweep_opening(self);
    }
    if (self->sink && !self->is_closed) {
      sweep_open(self);
    }
  }
  for (openssh_exec **at = &link->execs; *at;) {
    openssh_exec *self = *at;
    if (!self->is_closed) {
      at = &self->next;
      continue;
    }
    *at = self->next;
    dispose(self);
  }
}

void openssh_exec_drop_all(openssh_link *link) {
  while (link->execs) {
    openssh_exec *self = link->execs;
    link->execs = self->next;
    give_up(self, PENSTOCK_CLOSE_ABORT);
    dispose(self);
  }
}

/* --- from outside ---------------------------------------------------------------------------------- */

static void on_tick(void *context) {
  openssh_link_kick(context);
}

static int start(openssh_exec *self, const char *body, size_t size, uint64_t deadline_ms, penstock_error *error) {
  openssh_link *link = self->link;
  uint64_t patience = deadline_ms == 0                           ? PATIENCE_MS
                      : deadline_ms > (uint64_t)LEFT_OVER_MS * 2 ? deadline_ms - (uint64_t)LEFT_OVER_MS
                                                                 : deadline_ms / 2;
  if (!link->is_up || link->is_dead) {
    *error = link->death;
    return link->is_dead ? PENSTOCK_E_FAILED
                         : penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
  }
  if (script_nonce(self->nonce) == 0) {
    self->script = script_stream_wrap(body, size, self->nonce, &self->script_size);
  }
  self->status = -1;
  self->tick = host_of(self)->timer_start(host_of(self), TICK_MS, TICK_MS, on_tick, link);
  if (self->script && self->tick) {
    self->shell = far_run_take_idle(&link->shells); /* a round trip or more is saved */
    self->shell = self->shell ? self->shell : far_shell_open(&link->shells, self->nonce, patience);
  }
  if (!self->shell) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                         "no memory, or no randomness, for a command");
  }
  return 0;
}

void openssh_exec_open(carrier *carried, penstock_open *open, const char *body, size_t size, uint64_t deadline_ms) {
  openssh_link *link = (openssh_link *)carried;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  openssh_exec *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a command");
    link->host->open_failed(link->host, open, &error);
    return;
  }
  self->link = link;
  self->open = open;
  if (start(self, body, size, deadline_ms, &error)) {
    dispose(self);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  self->next = link->execs;
  link->execs = self;
  openssh_link_kick(link);
}

void openssh_exec_cancel(openssh_link *link, const penstock_open *open) {
  for (openssh_exec *self = link->execs; self; self = self->next) {
    if (self->open == open) {
      self->is_cancelled = 1;
      openssh_link_kick(link);
      return;
    }
  }
}
