/* SPDX-License-Identifier: MIT */
/* Session channels for scripts (far_run.h), as libssh has them. */
#include <stdlib.h>

#include "common/far_shell.h"
#include "common/ssh/ssh_internal.h"

typedef struct session {
  ssh_link *link;
  far_shell *shell;
  ssh_channel channel;
  struct ssh_channel_callbacks_struct callbacks;
  int is_open;
} session;

/* --- what the channel tells ------------------------------------------------------------------------ */

static int on_data(ssh_session from, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *context) {
  (void)from;
  (void)channel;
  far_shell_hear(((const session *)context)->shell, data, size, is_stderr);
  return (int)size;
}

static void on_exit_status(ssh_session from, ssh_channel channel, int status, void *context) {
  (void)from;
  (void)channel;
  far_shell_exited(((const session *)context)->shell, status, "");
}

static void on_exit_signal(ssh_session from, ssh_channel channel, const char *signal, int core, const char *message,
                           const char *language, void *context) {
  (void)from;
  (void)channel;
  (void)core;
  (void)message;
  (void)language;
  far_shell_exited(((const session *)context)->shell, -1, signal);
}

static void on_close(ssh_session from, ssh_channel channel, void *context) {
  (void)from;
  (void)channel;
  far_shell_closed(((const session *)context)->shell);
}

/* --- what a shell asks for ------------------------------------------------------------------------- */

static void note_denied(const session *self) {
  const char *text;
  ssh_link_note_denial(self->link);
  unsigned code = ssh_link_denial(self->link, &text);
  far_shell_denied(self->shell, code, text);
}

static void *session_open(void *link, far_shell *shell) {
  session *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->link = link;
  self->shell = shell;
  self->channel = ssh_channel_new(self->link->session);
  if (!self->channel) {
    free(self);
    return NULL;
  }
  self->callbacks.userdata = self;
  self->callbacks.channel_data_function = on_data;
  self->callbacks.channel_exit_status_function = on_exit_status;
  self->callbacks.channel_exit_signal_function = on_exit_signal;
  self->callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&self->callbacks);
  (void)ssh_set_channel_callbacks(self->channel, &self->callbacks);
  if (ssh_channel_open_session(self->channel) == SSH_ERROR) {
    note_denied(self);
  }
  return self;
}

static int session_is_open(void *context) {
  session *self = context;
  if (ssh_channel_is_open(self->channel)) {
    self->is_open = 1;
  } else if (self->link->is_denial_new && ssh_channel_open_session(self->channel) == SSH_ERROR) {
    note_denied(self);
  }
  return self->is_open;
}

/* Of a session that has died nothing is refused: the link's end is what will be told. */
static int answer_of(const session *self, int result) {
  return result == SSH_OK ? 1 : result == SSH_ERROR && !ssh_link_check(self->link) ? -1 : 0;
}

static int session_set_env(void *context, const char *name, const char *value) {
  session *self = context;
  return answer_of(self, ssh_channel_request_env(self->channel, name, value));
}

static int session_exec(void *context, const char *command) {
  session *self = context;
  return answer_of(self, ssh_channel_request_exec(self->channel, command));
}

static size_t session_write(void *context, const void *data, size_t size) {
  session *self = context;
  ssh_link *link = self->link;
  size_t done = 0;
  while (done < size && !ssh_link_is_clogged(link) && !link->is_stalled) {
    uint32_t window = ssh_channel_window_size(self->channel);
    size_t left = size - done;
    uint32_t chunk = left < SSH_WRITE_CHUNK ? (uint32_t)left : (uint32_t)SSH_WRITE_CHUNK;
    chunk = chunk < window ? chunk : window;
    int count = chunk > 0 ? ssh_channel_write(self->channel, (const uint8_t *)data + done, chunk) : 0;
    if (count <= 0) {
      link->is_stalled |= count == 0 && chunk > 0;
      break; /* a channel that is closed tells so itself */
    }
    done += (size_t)count;
  }
  return done;
}

static void session_end_input(void *context) {
  (void)ssh_channel_send_eof(((session *)context)->channel);
}

static void session_hang_up(void *context) {
  (void)ssh_channel_request_send_signal(((session *)context)->channel, "HUP");
}

static void session_close(void *context) {
  session *self = context;
  (void)ssh_remove_channel_callbacks(self->channel, &self->callbacks);
  ssh_link_bury(self->link, self->channel, !self->is_open);
  free(self);
}

ssh_channel ssh_run_take_channel(void *context) {
  session *self = context;
  ssh_channel channel = self->channel;
  (void)ssh_remove_channel_callbacks(channel, &self->callbacks);
  free(self);
  return channel;
}

static const far_channel_ops session_ops = {
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

static void kick(void *link) {
  ssh_link_kick(link);
}

void ssh_run_prepare(ssh_link *link) {
  link->shells.ops = &session_ops;
  link->shells.link = link;
  link->shells.kick = kick;
  link->shells.host = link->host;
  link->shells.where = link->settings.host;
  link->shells.environment = link->settings.environment.items;
  link->shells.environment_count = link->settings.environment.count;
}

carrier_run *ssh_run_start(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error) {
  ssh_link *link = (ssh_link *)self;
  if (!link->is_up || link->is_dead) {
    if (link->is_dead) {
      *error = link->death;
    } else {
      (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
    }
    return NULL;
  }
  ssh_run_prepare(link);
  return far_run_start(&link->shells, body, body_size, timeout_ms, done, context, error);
}

void ssh_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  far_run_cancel(run);
}

void ssh_run_sweep(ssh_link *link) {
  link->shells.death = link->is_dead ? &link->death : NULL;
  far_run_sweep(&link->shells);
}

void ssh_run_drop_all(ssh_link *link) {
  far_run_drop_all(&link->shells);
}
