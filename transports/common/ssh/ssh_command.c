/* SPDX-License-Identifier: MIT */
/*
 * A stream to a command is a session channel: first with a shell that greets (far_shell.h), then with the script, which
 * says that it is a stream from now on (script_stream.h). The exit status tells a clean end from any other.
 *
 * Servers allow few sessions (MaxSessions: 10). A stream that gets none waits for those of others of ours to end, the
 * oldest first; once the limit is known from that, two of the sessions are left to scripts.
 *
 * An abort by the client cannot be told to a command: its input ends, and it is sent a signal, which old servers
 * ignore.
 */
#include <stdlib.h>

#include "common/far_shell.h"
#include "common/script_stream.h"
#include "common/ssh/ssh_stream.h"

enum {
  TICK_MS = 250,
  LEFT_FOR_SCRIPTS = 2,
  PATIENCE_MS = 12000,  /* for a login shell, where the open has no limit of its own */
  LEFT_OVER_MS = 1500,  /* the shell's limit, which says why, comes so long before that of the open */
  EXIT_WAIT_MS = 10000, /* from the end of the output to the exit status */
  DENIED_FOR_GOOD = 1,  /* codes of RFC 4254, 5.1: administratively prohibited; unknown channel type */
  DENIED_UNKNOWN_TYPE = 3
};

struct ssh_command {
  char nonce[SCRIPT_NONCE_SIZE];
  char *script;
  size_t script_size;
  far_shell *shell; /* while it opens; NULL: it waits for a session */
  uint64_t begun_ns;
  uint64_t deadline_ms; /* 0 = none */
  script_stream_tail errors;
  int has_exited;
  int status; /* -1: a signal ended it */
  char signal[32];
  uint64_t ended_ns; /* when its output had ended, and its exit status was still to come; 0 = not so */
};

static uint64_t now(const ssh_link *link) {
  return link->host->now_ns(link->host);
}

static uint64_t since_ms(const ssh_link *link, uint64_t then_ns) {
  return (now(link) - then_ns) / 1000000u;
}

void ssh_command_free(ssh_command *command) {
  if (command) {
    free(command->script);
    free(command);
  }
}

void ssh_command_hear(ssh_command *command, const void *data, size_t size) {
  script_stream_keep(&command->errors, data, size);
}

/* --- sessions -------------------------------------------------------------------------------------- */

static int has_session(const ssh_stream *stream) {
  return stream->command && !stream->is_closed && (stream->command->shell || stream->channel);
}

static int waits(const ssh_stream *stream) {
  return stream->command && !stream->is_closed && stream->open && !stream->command->shell;
}

static unsigned count_sessions(const ssh_link *link) {
  unsigned count = 0;
  for (const ssh_stream *stream = link->streams; stream; stream = stream->next) {
    count += has_session(stream) != 0;
  }
  return count;
}

/* The newest is the first in the list. */
static int is_next(const ssh_stream *stream) {
  for (const ssh_stream *older = stream->next; older; older = older->next) {
    if (waits(older)) {
      return 0;
    }
  }
  return 1;
}

static uint64_t patience(const ssh_command *command) {
  uint64_t limit = command->deadline_ms;
  if (limit == 0) {
    return PATIENCE_MS;
  }
  return limit > (uint64_t)LEFT_OVER_MS * 2 ? limit - (uint64_t)LEFT_OVER_MS : limit / 2;
}

static void find_shell(ssh_stream *stream) {
  ssh_link *link = stream->link;
  ssh_command *command = stream->command;
  unsigned count = count_sessions(link);
  if (!is_next(stream) || (link->commands_max && count >= link->commands_max)) {
    return;
  }
  command->shell = far_run_take_idle(&link->shells); /* a round trip or more is saved */
  if (!command->shell && now(link) >= link->commands_not_before_ns) {
    command->shell = far_shell_open(&link->shells, command->nonce, patience(command));
    if (!command->shell) {
      penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
      (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
      ssh_stream_refuse(stream, &error);
    }
  }
}

/* The server gives no session. The first one of all: there will never be one. Else it waits for others to end. */
static int may_wait(ssh_stream *stream) {
  ssh_link *link = stream->link;
  ssh_command *command = stream->command;
  const far_shell *shell = command->shell;
  if (shell->end != FAR_SHELL_DENIED || shell->denial == DENIED_FOR_GOOD || shell->denial == DENIED_UNKNOWN_TYPE ||
      !link->shells.had_shell) {
    return 0;
  }
  far_shell_drop(command->shell);
  command->shell = NULL;
  link->commands_not_before_ns = now(link) + (uint64_t)TICK_MS * 1000000u;
  unsigned total = count_sessions(link) + far_run_count_shells(&link->shells);
  unsigned room = total > LEFT_FOR_SCRIPTS + 1 ? total - LEFT_FOR_SCRIPTS : 1;
  if (room > link->commands_max && !link->graves) { /* those that are about to end count as well, there */
    link->commands_max = room;
    penstock_logf(link->host, PENSTOCK_LOG_DEBUG, "%s allows few sessions (MaxSessions): %u are used for streams",
                  link->settings.host, room);
  }
  return 1;
}

/* --- opening --------------------------------------------------------------------------------------- */

static void refuse_late(ssh_stream *stream) {
  const ssh_command *command = stream->command;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *where = stream->link->settings.host;
  if (command->shell) {
    const char *errors = command->shell->error_output.text;
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "A command on %s did not come to a stream in time", where);
    script_stream_detail(errors ? errors : "", &error);
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "%s allows no further session for a stream, and %u of ours go on", where,
                        count_sessions(stream->link));
    penstock_next(&error, "Raise MaxSessions in its sshd_config: each stream through a command needs a session");
  }
  ssh_stream_refuse(stream, &error);
}

/* From the shell to the stream: `rest` is what came behind the line. */
static void take_over(ssh_stream *stream, const char *rest, size_t size) {
  ssh_command *command = stream->command;
  far_shell *shell = command->shell;
  command->shell = NULL;
  command->has_exited = shell->exited_ns != 0;
  command->status = shell->exit_status;
  (void)snprintf(command->signal, sizeof(command->signal), "%s", shell->signal);
  if (shell->error_output.text) {
    ssh_command_hear(command, shell->error_output.text, shell->error_output.size);
  }
  stream->has_close = shell->has_closed;
  if (size > 0) {
    ssh_stream_take(stream, rest, size);
  }
  ssh_channel channel = ssh_run_take_channel(far_shell_release(shell));
  ssh_stream_listen(stream, channel);
  stream->has_eof = ssh_channel_is_eof(channel) != 0; /* the shell took all data */
  ssh_stream_complete(stream);
}

/* Reads what the script says. Returns 0 if it has not said it yet. */
static int read_line(ssh_stream *stream) {
  const far_shell *shell = stream->command->shell;
  const char *where = stream->link->settings.host;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *text = shell->output.text;
  const char *begin = text ? script_stream_begin(text, shell->output.size, stream->command->nonce) : NULL;
  size_t used = 0;
  if (!begin || shell->output.total > shell->output.limit) {
    return 0;
  }
  size_t size = shell->output.size - (size_t)(begin - text);
  script_stream_state state = script_stream_read(begin, size, where, &used, &error);
  if (state == SCRIPT_STREAM_OPEN) {
    take_over(stream, begin + used, size - used);
  } else if (state != SCRIPT_STREAM_UNKNOWN) {
    script_stream_detail(shell->error_output.text ? shell->error_output.text : "", &error);
    ssh_stream_refuse(stream, &error);
  }
  return state != SCRIPT_STREAM_UNKNOWN;
}

/* Its shell is of no more use. */
static void refuse_ended(ssh_stream *stream) {
  const far_shell *shell = stream->command->shell;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (shell->end == FAR_SHELL_CLOSED && shell->ended_in == FAR_SHELL_RUNNING) {
    const script_stream_end end = {shell->exit_status, shell->signal,
                                   shell->error_output.text ? shell->error_output.text : ""};
    script_stream_ended(stream->link->settings.host, 0, &end, &error);
  } else {
    far_shell_explain(shell, &error);
  }
  ssh_stream_refuse(stream, &error);
}

static void advance(ssh_stream *stream) {
  ssh_command *command = stream->command;
  if (!command->shell) {
    find_shell(stream);
  }
  if (command->shell) {
    far_shell_advance(command->shell);
    if (command->shell->state == FAR_SHELL_IDLE) {
      stream->link->shells.had_shell = 1;
      far_shell_run(command->shell, command->script, command->script_size);
      far_shell_advance(command->shell);
    }
    if (read_line(stream)) {
      return;
    }
  }
  if (command->shell && command->shell->state == FAR_SHELL_ENDED && !may_wait(stream)) {
    refuse_ended(stream);
  } else if (stream->open && command->deadline_ms &&
             since_ms(stream->link, command->begun_ns) >= command->deadline_ms) {
    refuse_late(stream);
  }
}

/* --- the end --------------------------------------------------------------------------------------- */

static void note_exit(ssh_command *command, int status, const char *signal) {
  command->has_exited = 1;
  command->status = status;
  (void)snprintf(command->signal, sizeof(command->signal), "%s", signal);
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *context) {
  (void)session;
  (void)channel;
  note_exit(((const ssh_stream *)context)->command, status, "");
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *signal, int core, const char *message,
                           const char *language, void *context) {
  (void)session;
  (void)channel;
  (void)core;
  (void)message;
  (void)language;
  note_exit(((const ssh_stream *)context)->command, -1, signal);
}

static int judge(ssh_stream *stream, penstock_error *error) {
  ssh_command *command = stream->command;
  if (command->has_exited && command->status == 0) {
    return 1;
  }
  if (!command->has_exited && !stream->has_close) {
    if (!command->ended_ns) {
      command->ended_ns = now(stream->link);
    }
    if (since_ms(stream->link, command->ended_ns) < EXIT_WAIT_MS) {
      return 0;
    }
  }
  const script_stream_end end = {command->has_exited ? command->status : -1, command->signal, command->errors.text};
  script_stream_ended(stream->link->settings.host, 1, &end, error);
  return -1;
}

static void let_go(ssh_stream *stream, uint32_t how) {
  ssh_command *command = stream->command;
  if (command->shell) {
    stream->link->shells.death = stream->link->is_dead ? &stream->link->death : NULL;
    far_shell_drop(command->shell);
    command->shell = NULL;
  }
  if (how == PENSTOCK_CLOSE_ABORT && stream->channel && !command->has_exited && !stream->has_close &&
      !stream->link->is_dead) {
    (void)ssh_channel_send_eof(stream->channel); /* first: a command behind an engine only sees that */
    (void)ssh_channel_request_send_signal(stream->channel, "TERM");
  }
}

static const ssh_stream_kind kind = {.advance = advance, .judge = judge, .let_go = let_go};

/* --- time ------------------------------------------------------------------------------------------ */

static void on_tick(void *context) {
  ssh_link_kick(context);
}

void ssh_command_keep_time(ssh_link *link) {
  int is_wanted = 0;
  for (const ssh_stream *stream = link->streams; stream && !link->is_dead; stream = stream->next) {
    is_wanted |= stream->command && (stream->open || (stream->command->ended_ns && !stream->command->has_exited));
  }
  if (is_wanted && !link->commands_tick) {
    link->commands_tick = link->host->timer_start(link->host, TICK_MS, TICK_MS, on_tick, link);
  } else if (!is_wanted && link->commands_tick) {
    link->host->timer_stop(link->host, link->commands_tick);
    link->commands_tick = NULL;
  }
}

/* --- from outside ---------------------------------------------------------------------------------- */

static ssh_command *create_command(const ssh_link *link, const char *body, size_t size, uint64_t deadline_ms) {
  ssh_command *command = calloc(1, sizeof(*command));
  if (command && script_nonce(command->nonce) == 0) {
    command->script = script_stream_wrap(body, size, command->nonce, &command->script_size);
  }
  if (!command || !command->script) {
    free(command);
    return NULL;
  }
  command->begun_ns = now(link);
  command->deadline_ms = deadline_ms;
  command->status = -1;
  return command;
}

static int start(ssh_stream *stream, const char *body, size_t size, uint64_t deadline_ms, penstock_error *error) {
  ssh_link *link = stream->link;
  if (!link->is_up || link->is_dead) {
    *error = link->death;
    return link->is_dead ? PENSTOCK_E_FAILED
                         : penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_INTERNAL, "the SSH link is not up");
  }
  stream->command = create_command(link, body, size, deadline_ms);
  if (!stream->command) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                         "no memory, or no randomness, for a stream");
  }
  (void)snprintf(stream->name, sizeof(stream->name), "the command on %s that carried the stream", link->settings.host);
  penstock_utf8_trim(stream->name, sizeof(stream->name));
  stream->callbacks.channel_exit_status_function = on_exit_status;
  stream->callbacks.channel_exit_signal_function = on_exit_signal;
  ssh_run_prepare(link);
  return 0;
}

void ssh_command_open(carrier *self, penstock_open *open, const char *body, size_t body_size, uint64_t deadline_ms) {
  ssh_link *link = (ssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_stream *stream = ssh_stream_create(link, &kind, open);
  if (!stream) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory for a stream");
    link->host->open_failed(link->host, open, &error);
    return;
  }
  if (start(stream, body, body_size, deadline_ms, &error)) {
    ssh_stream_free(stream);
    link->host->open_failed(link->host, open, &error);
    return;
  }
  ssh_stream_add(stream);
  ssh_link_kick(link);
}
