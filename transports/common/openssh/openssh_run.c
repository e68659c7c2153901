/* SPDX-License-Identifier: MIT */
/* Session channels for scripts (far_run.h), over the session that ssh lends. */
#include <stdlib.h>

#include "common/far_shell.h"
#include "common/openssh/openssh_internal.h"

enum { WINDOW = 256 << 10 };

typedef struct session {
  openssh_link *link;
  far_shell *shell;
  mux_channel *channel;
  int is_open;
  int has_eof;
  int has_asked; /* for a variable, or for the command */
  int answer;    /* to that: 1 = yes, -1 = no */
} session;

/* --- what the channel tells ------------------------------------------------------------------------ */

static void on_opened(void *context) {
  session *self = context;
  self->is_open = 1;
  mux_channel_grant(self->channel, WINDOW);
  openssh_link_kick(self->link);
}

static void on_refused(void *context, uint32_t code, const char *text) {
  session *self = context;
  self->link->refusals++;
  far_shell_denied(self->shell, code, text);
  openssh_link_kick(self->link);
}

static void on_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  session *self = context;
  far_shell_hear(self->shell, data, size, is_stderr);
  mux_channel_grant(self->channel, size);
  openssh_link_kick(self->link);
}

static void on_answer(void *context, int is_success) {
  session *self = context;
  self->answer = is_success ? 1 : -1;
  openssh_link_kick(self->link);
}

static int is_named(const mux_message *message, const char *name) {
  return message->name_size == strlen(name) && memcmp(message->name, name, message->name_size) == 0;
}

int openssh_run_read_exit(const mux_message *message, int *status, char *signal, size_t size) {
  if (is_named(message, "exit-status")) {
    *status = (int)(mux_read_number(message->data, message->size, 255) & 255);
    signal[0] = '\0';
    return 1;
  }
  if (is_named(message, "exit-signal") && message->size >= 4) {
    size_t length = mux_read_number(message->data, message->size, 0);
    size_t there = message->size - 4;
    mux_copy_text(signal, size, message->data + 4, length < there ? length : there);
    *status = -1;
    return 1;
  }
  return 0;
}

static void on_request(void *context, const mux_message *message) {
  session *self = context;
  char signal[32] = "";
  int status = -1;
  if (openssh_run_read_exit(message, &status, signal, sizeof(signal))) {
    far_shell_exited(self->shell, status, signal);
  }
  openssh_link_kick(self->link);
}

static void on_eof(void *context) {
  session *self = context;
  self->has_eof = 1;
  openssh_link_kick(self->link);
}

static void on_closed(void *context) {
  session *self = context;
  far_shell_closed(self->shell);
  openssh_link_kick(self->link);
}

static void wants_turn(void *context) {
  session *self = context;
  openssh_link_kick(self->link);
}

static const mux_user user = {
    .opened = on_opened,
    .refused = on_refused,
    .data = on_data,
    .writable = wants_turn,
    .eof = on_eof,
    .request = on_request,
    .answered = on_answer,
    .closed = on_closed,
};

/* --- what a shell asks for ------------------------------------------------------------------------- */

static void *session_open(void *link, far_shell *shell) {
  session *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->link = link;
  self->shell = shell;
  self->channel = mux_channel_open(self->link->mux, "session", NULL, &user, self);
  if (!self->channel) {
    free(self);
    return NULL;
  }
  return self;
}

static int session_is_open(void *context) {
  return ((const session *)context)->is_open;
}

/* The answer to the question that was asked, once it has come. */
static int take_answer(session *self) {
  int answer = self->answer;
  if (answer != 0) {
    self->has_asked = 0;
    self->answer = 0;
  }
  return answer;
}

static int session_set_env(void *context, const char *name, const char *value) {
  session *self = context;
  if (!self->has_asked) {
    self->has_asked = 1;
    mux_channel_env(self->channel, name, value);
  }
  return take_answer(self);
}

static int session_exec(void *context, const char *command) {
  session *self = context;
  if (!self->has_asked) {
    self->has_asked = 1;
    mux_channel_exec(self->channel, command);
  }
  return take_answer(self);
}

static size_t session_write(void *context, const void *data, size_t size) {
  return mux_channel_write(((session *)context)->channel, data, size);
}

static void session_end_input(void *context) {
  mux_channel_eof(((session *)context)->channel);
}

static void session_hang_up(void *context) {
  mux_channel_signal(((session *)context)->channel, "HUP");
}

static void session_close(void *context) {
  session *self = context;
  mux_channel_close(self->channel);
  free(self);
}

mux_channel *openssh_run_take_channel(void *released, const mux_user *theirs, void *context, uint64_t *granted,
                                      int *has_eof) {
  session *self = released;
  mux_channel *channel = self->channel;
  *granted = WINDOW; /* each byte that came was granted anew */
  *has_eof = self->has_eof;
  mux_channel_pass(channel, theirs, context);
  free(self);
  return channel;
}

const far_channel_ops openssh_run_ops = {
    .open = session_open,
    .is_open = session_is_open,
    .set_env = session_set_env,
    .exec = session_exec,
    .write = session_write,
    .end_input = session_end_input,
    .hang_up = session_hang_up,
    .close = session_close,
};

/* --- the carrier's slots --------------------------------------------------------------------------- */

carrier_run *openssh_run_start(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                               void (*done)(void *context, const carrier_result *result), void *context,
                               penstock_error *error) {
  openssh_link *link = (openssh_link *)self;
  if (link->is_up && !link->is_dead) {
    return far_run_start(&link->shells, body, body_size, timeout_ms, done, context, error);
  }
  if (link->is_dead) {
    *error = link->death;
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
  }
  return NULL;
}

void openssh_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  far_run_cancel(run);
}
