/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_shell.h"

#include <stdlib.h>

enum {
  OUTPUT_MAX = 1 << 20, /* more is a login shell, or a command, that prints for ever */
  ERROR_OUTPUT_MAX = 64 << 10,
  GREET_AGAIN_MS = 1000,
  LAST_WORDS_MS = 1000, /* for what has been told to end, or has ended and is held open by what it left behind */
  SLOW_MS = 2000
};

/* No `exec`, which the usual wrappers would put before it once more (`command="exec $SSH_ORIGINAL_COMMAND"`). */
static const char command[] = "/bin/sh -s";

static uint64_t since_ms(const ssh_shell *shell, uint64_t then_ns) {
  return (shell->link->host->now_ns(shell->link->host) - then_ns) / 1000000u;
}

static void enter(ssh_shell *shell, ssh_shell_state state) {
  shell->state = state;
  shell->since_ns = shell->link->host->now_ns(shell->link->host);
}

static void end(ssh_shell *shell, ssh_shell_end why) {
  shell->end = why;
  shell->ended_in = shell->state;
  enter(shell, SSH_SHELL_ENDED);
}

/* --- what comes back ------------------------------------------------------------------------------- */

static void append(ssh_shell_text *text, const char *data, size_t size) {
  size_t room = text->limit - text->size;
  text->total += size;
  size = size < room ? size : room;
  char *grown = size > 0 ? realloc(text->text, text->size + size + 1) : NULL;
  if (grown) {
    memcpy(grown + text->size, data, size);
    text->text = grown;
    text->size += size;
    text->text[text->size] = '\0';
  } else if (size > 0) {
    text->total = text->limit + (uint64_t)OUTPUT_MAX; /* no memory: as if it were too much */
  }
}

static void clear(ssh_shell_text *text) {
  free(text->text);
  text->text = NULL;
  text->size = 0;
  text->total = 0;
}

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *context) {
  ssh_shell *shell = context;
  (void)session;
  (void)channel;
  if (shell->state != SSH_SHELL_IDLE) { /* else it is what a start-up file left running that prints */
    append(is_stderr ? &shell->error_output : &shell->output, data, size);
  }
  return (int)size;
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *context) {
  ssh_shell *shell = context;
  (void)session;
  (void)channel;
  shell->exit_status = status;
  shell->exited_ns = shell->link->host->now_ns(shell->link->host);
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *signal, int core, const char *message,
                           const char *language, void *context) {
  ssh_shell *shell = context;
  (void)session;
  (void)channel;
  (void)core;
  (void)message;
  (void)language;
  (void)snprintf(shell->signal, sizeof(shell->signal), "%s", signal);
  shell->exited_ns = shell->link->host->now_ns(shell->link->host);
}

static void on_close(ssh_session session, ssh_channel channel, void *context) {
  (void)session;
  (void)channel;
  ((ssh_shell *)context)->has_closed = 1;
}

/* --- life ------------------------------------------------------------------------------------------ */

static void note_denied(ssh_shell *shell) {
  const char *text;
  ssh_link_note_denial(shell->link);
  shell->denial = ssh_link_denial(shell->link, &text);
  (void)snprintf(shell->denial_text, sizeof(shell->denial_text), "%s", text);
  end(shell, SSH_SHELL_DENIED);
}

ssh_shell *ssh_shell_open(ssh_link *link, const char *nonce, uint64_t patience_ms) {
  ssh_shell *shell = calloc(1, sizeof(*shell));
  ssh_channel channel = shell ? ssh_channel_new(link->session) : NULL;
  if (!channel) {
    free(shell);
    return NULL;
  }
  shell->link = link;
  shell->channel = channel;
  shell->patience_ms = patience_ms;
  shell->exit_status = -1;
  shell->output.limit = OUTPUT_MAX;
  shell->error_output.limit = ERROR_OUTPUT_MAX;
  (void)snprintf(shell->nonce, sizeof(shell->nonce), "%s", nonce);
  script_greeting(nonce, shell->greeting);
  shell->callbacks.userdata = shell;
  shell->callbacks.channel_data_function = on_data;
  shell->callbacks.channel_exit_status_function = on_exit_status;
  shell->callbacks.channel_exit_signal_function = on_exit_signal;
  shell->callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&shell->callbacks);
  (void)ssh_set_channel_callbacks(channel, &shell->callbacks);
  enter(shell, SSH_SHELL_OPENING);
  if (ssh_channel_open_session(channel) == SSH_ERROR) {
    note_denied(shell);
  }
  return shell;
}

void ssh_shell_drop(ssh_shell *shell) {
  ssh_link *link = shell->link;
  ssh_shell_state last = shell->end == SSH_SHELL_NOT_ENDED ? shell->state : shell->ended_in;
  if (last == SSH_SHELL_GREETING && !link->is_dead && !shell->has_closed && !shell->exited_ns) {
    /* What hangs there would do so for ever, once for each try. It runs nothing of ours. */
    (void)ssh_channel_request_send_signal(shell->channel, "HUP");
  }
  (void)ssh_remove_channel_callbacks(shell->channel, &shell->callbacks);
  ssh_link_bury(link, shell->channel, last == SSH_SHELL_OPENING);
  free(shell->output.text);
  free(shell->error_output.text);
  free(shell);
}

void ssh_shell_run(ssh_shell *shell, const char *text, size_t size) {
  shell->input = text;
  shell->input_size = size;
  shell->input_at = 0;
  enter(shell, SSH_SHELL_RUNNING);
}

void ssh_shell_rest(ssh_shell *shell) {
  clear(&shell->output);
  clear(&shell->error_output);
  enter(shell, SSH_SHELL_IDLE);
}

/* --- step by step ---------------------------------------------------------------------------------- */

static void feed(ssh_shell *shell) {
  ssh_link *link = shell->link;
  while (shell->input_at < shell->input_size && !ssh_link_is_clogged(link) && !link->is_stalled) {
    uint32_t window = ssh_channel_window_size(shell->channel);
    size_t left = shell->input_size - shell->input_at;
    uint32_t size = left < SSH_WRITE_CHUNK ? (uint32_t)left : (uint32_t)SSH_WRITE_CHUNK;
    size = size < window ? size : window;
    int count = size > 0 ? ssh_channel_write(shell->channel, shell->input + shell->input_at, size) : 0;
    if (count <= 0) {
      link->is_stalled |= count == 0 && size > 0;
      return; /* a channel that is closed tells so itself */
    }
    shell->input_at += (size_t)count;
  }
}

static void open_further(ssh_shell *shell) {
  if (ssh_channel_is_open(shell->channel)) {
    enter(shell, SSH_SHELL_PREPARING);
  } else if (shell->link->is_denial_new && ssh_channel_open_session(shell->channel) == SSH_ERROR) {
    note_denied(shell);
  }
}

/* SetEnv and SendEnv. A server takes what its AcceptEnv names; ssh does not even ask whether it did. */
static void prepare_further(ssh_shell *shell) {
  const ssh_link *link = shell->link;
  const ssh_texts *environment = &link->settings.environment;
  char name[256];
  while (shell->variables < environment->count) {
    const char *variable = environment->items[shell->variables];
    size_t length = strcspn(variable, "=");
    int result = SSH_ERROR;
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, variable);
    if (length < sizeof(name) && variable[length] == '=') {
      result = ssh_channel_request_env(shell->channel, name, variable + length + 1);
    }
    if (result == SSH_AGAIN) {
      return;
    }
    if (result == SSH_ERROR && ssh_link_check(shell->link)) {
      return;
    }
    if (result == SSH_ERROR && !link->had_shell) {
      penstock_logf(link->host, PENSTOCK_LOG_DEBUG,
                    "%s does not take %s into the environment: its sshd_config needs `AcceptEnv %s` (or write it into "
                    "`env`)",
                    link->settings.host, name, name);
    }
    shell->variables++;
  }
  enter(shell, SSH_SHELL_REQUESTING);
}

static void request_further(ssh_shell *shell) {
  int result = ssh_channel_request_exec(shell->channel, command);
  if (result == SSH_OK) {
    enter(shell, SSH_SHELL_GREETING);
  } else if (result == SSH_ERROR && !ssh_link_check(shell->link)) {
    end(shell, SSH_SHELL_NO_EXEC);
  }
}

static void tell_to_end(ssh_shell *shell) {
  shell->is_told_to_end = 1;
  shell->told_ns = shell->link->host->now_ns(shell->link->host);
  (void)ssh_channel_send_eof(shell->channel);
}

static int has_greeted(const ssh_shell *shell) {
  return shell->output.text && script_has_greeted(shell->output.text, shell->output.size, shell->nonce);
}

static void greeted(ssh_shell *shell) {
  const penstock_host *host = shell->link->host;
  uint64_t took_ms = since_ms(shell, shell->since_ns);
  if (took_ms >= SLOW_MS) {
    penstock_logf(host, PENSTOCK_LOG_INFO, "the login shell of %s took %llu.%llu s: its start-up files are slow",
                  shell->link->settings.host, (unsigned long long)took_ms / 1000,
                  (unsigned long long)took_ms % 1000 / 100);
  }
  ssh_shell_rest(shell);
}

/*
 * A start-up file that reads a line (`read`, a menu) gets a greeting, and another one is sent. One that reads on and on
 * is told the end, which lets it say what it has to say.
 */
static void greet_further(ssh_shell *shell) {
  if (shell->is_told_to_end) {
    if (since_ms(shell, shell->told_ns) >= LAST_WORDS_MS) {
      end(shell, SSH_SHELL_SILENT);
    }
    return;
  }
  if (has_greeted(shell)) {
    greeted(shell);
    return;
  }
  uint64_t waited_ms = since_ms(shell, shell->since_ns);
  if (waited_ms >= shell->patience_ms) {
    tell_to_end(shell);
  } else if (shell->input_at == shell->input_size && waited_ms >= (uint64_t)shell->greetings * GREET_AGAIN_MS) {
    shell->greetings++;
    shell->input = shell->greeting;
    shell->input_size = strlen(shell->greeting);
    shell->input_at = 0;
  }
  feed(shell);
}

static void look_for_end(ssh_shell *shell) {
  if (shell->state == SSH_SHELL_ENDED || shell->state == SSH_SHELL_OPENING) {
    return;
  }
  if (shell->output.total > OUTPUT_MAX || shell->error_output.total > OUTPUT_MAX) {
    end(shell, SSH_SHELL_FLOOD);
  } else if (shell->has_closed || (shell->exited_ns && since_ms(shell, shell->exited_ns) >= LAST_WORDS_MS)) {
    end(shell, SSH_SHELL_CLOSED);
  }
}

void ssh_shell_advance(ssh_shell *shell) {
  if (shell->state == SSH_SHELL_OPENING) {
    open_further(shell);
  }
  if (shell->state == SSH_SHELL_PREPARING && !shell->has_closed) {
    prepare_further(shell);
  }
  if (shell->state == SSH_SHELL_REQUESTING && !shell->has_closed) {
    request_further(shell);
  }
  if (shell->state == SSH_SHELL_GREETING) {
    greet_further(shell);
  }
  if (shell->state == SSH_SHELL_RUNNING && !shell->has_closed) {
    feed(shell);
  }
  look_for_end(shell);
}

/* --- words ----------------------------------------------------------------------------------------- */

/* The first line with something on it; 0 if there is none. */
static int first_line(const ssh_shell_text *text, char *line, size_t size) {
  const char *start = text->text ? text->text + strspn(text->text, " \t\r\n") : "";
  size_t length = strcspn(start, "\r\n");
  (void)snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), start);
  penstock_utf8_trim(line, size);
  script_make_printable(line, strlen(line));
  return line[0] != '\0';
}

/* All that it said, as far as there is room. */
static void set_detail(const ssh_shell *shell, penstock_error *error) {
  const char *output = shell->output.text ? shell->output.text : "";
  const char *errors = shell->error_output.text ? shell->error_output.text : "";
  (void)snprintf(error->detail, sizeof(error->detail), "%.3000s%s", output, errors);
  penstock_utf8_trim(error->detail, sizeof(error->detail));
  script_make_printable(error->detail, strlen(error->detail));
}

static void next_without_shell(const ssh_shell *shell, penstock_error *error) {
  penstock_next(error,
                "The account on %s needs a login shell that runs commands (no ForceCommand, command= or nologin). "
                "Or start the solver there yourself, and set `launch = never`",
                shell->link->settings.host);
}

static void next_for_start_up(const ssh_shell *shell, penstock_error *error) {
  penstock_next(
      error,
      "Try `ssh %s true`: a start-up file there (.bashrc, .zshenv, .cshrc, config.fish ...) that prints, asks, "
      "waits or starts something must do so in interactive shells only",
      shell->link->settings.host);
}

static void explain_denied(const ssh_shell *shell, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, shell->denial == 4 ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG,
                      "%s refuses to open a session for a command%s%s", shell->link->settings.host,
                      shell->denial_text[0] ? ": " : "", shell->denial_text);
  penstock_next(error, "Its sshd_config may set MaxSessions too low (0 forbids commands); or start the solver there "
                       "yourself, and set `launch = never`");
}

static void explain_flood(const ssh_shell *shell, penstock_error *error) {
  const char *where = shell->link->settings.host;
  if (shell->ended_in == SSH_SHELL_RUNNING) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL,
                        "a command on %s was cut off: it printed more than %d KiB", where, OUTPUT_MAX >> 10);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                        "the login shell of %s prints without end: it was cut off after %d KiB", where,
                        OUTPUT_MAX >> 10);
    next_for_start_up(shell, error);
  }
}

static void explain_silent(const ssh_shell *shell, penstock_error *error) {
  char line[200] = "";
  /* It may have come just too late: then its words are ours. */
  int has_words = !has_greeted(shell) && (first_line(&shell->output, line, sizeof(line)) ||
                                          first_line(&shell->error_output, line, sizeof(line)));
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                      "the login shell of %s did not come to our command within %llu s%s%s", shell->link->settings.host,
                      (unsigned long long)(shell->patience_ms + 500) / 1000, has_words ? "; it says: " : "", line);
  next_for_start_up(shell, error);
  set_detail(shell, error);
}

static void explain_closed(const ssh_shell *shell, penstock_error *error) {
  const char *where = shell->link->settings.host;
  char line[200];
  if (shell->ended_in == SSH_SHELL_RUNNING) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "a command on %s was cut off%s%s", where,
                        shell->signal[0] ? " by signal " : "", shell->signal);
  } else if (shell->is_told_to_end) {
    explain_silent(shell, error);
    return;
  } else if (first_line(&shell->output, line, sizeof(line)) || first_line(&shell->error_output, line, sizeof(line))) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                        "%s runs something else instead of our commands; it says: %s", where, line);
    next_without_shell(shell, error);
  } else {
    char status[32] = "";
    if (shell->exit_status >= 0) {
      (void)snprintf(status, sizeof(status), " (status %d)", shell->exit_status);
    }
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s ended our command without running it%s",
                        where, status);
    next_without_shell(shell, error);
  }
  set_detail(shell, error);
}

void ssh_shell_explain(const ssh_shell *shell, penstock_error *error) {
  switch (shell->end) {
  case SSH_SHELL_DENIED:
    explain_denied(shell, error);
    break;
  case SSH_SHELL_NO_EXEC:
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s does not run commands for this user",
                        shell->link->settings.host);
    next_without_shell(shell, error);
    break;
  case SSH_SHELL_SILENT:
    explain_silent(shell, error);
    break;
  case SSH_SHELL_FLOOD:
    explain_flood(shell, error);
    break;
  case SSH_SHELL_CLOSED:
  case SSH_SHELL_NOT_ENDED:
    explain_closed(shell, error);
    break;
  }
}
