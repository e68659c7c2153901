/* SPDX-License-Identifier: MIT */
#include "common/far_shell.h"

#include <stdlib.h>

#include "common/far_denial.h"

enum {
  OUTPUT_MAX = 1 << 20, /* more is a login shell, or a command, that prints for ever */
  ERROR_OUTPUT_MAX = 64 << 10,
  GREET_AGAIN_MS = 1000,
  LAST_WORDS_MS = 1000, /* for what has been told to end, or has ended and is held open by what it left behind */
  SLOW_MS = 2000
};

/* No `exec`, which the usual wrappers would put before it once more (`command="exec $SSH_ORIGINAL_COMMAND"`). */
static const char command[] = "/bin/sh -s";

static uint64_t since_ms(const far_shell *shell, uint64_t then_ns) {
  return (shell->pool->host->now_ns(shell->pool->host) - then_ns) / 1000000u;
}

static void enter(far_shell *shell, far_shell_state state) {
  shell->state = state;
  shell->since_ns = shell->pool->host->now_ns(shell->pool->host);
}

static void end(far_shell *shell, far_shell_end why) {
  shell->end = why;
  shell->ended_in = shell->state;
  enter(shell, FAR_SHELL_ENDED);
}

/* --- what comes back ------------------------------------------------------------------------------- */

static void append(far_shell_text *text, const char *data, size_t size) {
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

static void clear(far_shell_text *text) {
  free(text->text);
  text->text = NULL;
  text->size = 0;
  text->total = 0;
}

void far_shell_hear(far_shell *shell, const void *data, size_t size, int is_stderr) {
  if (shell->state != FAR_SHELL_IDLE) { /* else it is what a start-up file left running that prints */
    append(is_stderr ? &shell->error_output : &shell->output, data, size);
  }
}

void far_shell_exited(far_shell *shell, int status, const char *signal) {
  shell->exit_status = status;
  (void)snprintf(shell->signal, sizeof(shell->signal), "%s", signal);
  shell->exited_ns = shell->pool->host->now_ns(shell->pool->host);
}

void far_shell_closed(far_shell *shell) {
  shell->has_closed = 1;
}

void far_shell_denied(far_shell *shell, uint32_t code, const char *text) {
  shell->denial = code;
  (void)snprintf(shell->denial_text, sizeof(shell->denial_text), "%s", text);
  end(shell, FAR_SHELL_DENIED);
}

/* --- life ------------------------------------------------------------------------------------------ */

far_shell *far_shell_open(far_shells *pool, const char *nonce, uint64_t patience_ms) {
  far_shell *shell = calloc(1, sizeof(*shell));
  if (!shell) {
    return NULL;
  }
  shell->pool = pool;
  shell->patience_ms = patience_ms;
  shell->exit_status = -1;
  shell->output.limit = OUTPUT_MAX;
  shell->error_output.limit = ERROR_OUTPUT_MAX;
  (void)snprintf(shell->nonce, sizeof(shell->nonce), "%s", nonce);
  script_greeting(nonce, shell->greeting);
  enter(shell, FAR_SHELL_OPENING);
  shell->channel = pool->ops->open(pool->link, shell);
  if (!shell->channel) {
    free(shell);
    return NULL;
  }
  return shell;
}

void far_shell_drop(far_shell *shell) {
  far_shell_state last = shell->end == FAR_SHELL_NOT_ENDED ? shell->state : shell->ended_in;
  if (last == FAR_SHELL_GREETING && !shell->pool->death && !shell->has_closed && !shell->exited_ns) {
    /* What hangs there would do so for ever, once for each try. It runs nothing of ours. */
    shell->pool->ops->hang_up(shell->channel);
  }
  const far_channel_ops *ops = shell->pool->ops;
  ops->close(far_shell_release(shell));
}

void *far_shell_release(far_shell *shell) {
  void *channel = shell->channel;
  free(shell->output.text);
  free(shell->error_output.text);
  free(shell);
  return channel;
}

void far_shell_run(far_shell *shell, const char *text, size_t size) {
  shell->input = text;
  shell->input_size = size;
  shell->input_at = 0;
  enter(shell, FAR_SHELL_RUNNING);
}

void far_shell_rest(far_shell *shell) {
  clear(&shell->output);
  clear(&shell->error_output);
  enter(shell, FAR_SHELL_IDLE);
}

/* --- step by step ---------------------------------------------------------------------------------- */

static void feed(far_shell *shell) {
  if (shell->input_at < shell->input_size) {
    shell->input_at +=
        shell->pool->ops->write(shell->channel, shell->input + shell->input_at, shell->input_size - shell->input_at);
  }
}

/* SetEnv and SendEnv. A server takes what its AcceptEnv names; ssh does not even ask whether it did. */
static void prepare_further(far_shell *shell) {
  const far_shells *pool = shell->pool;
  char name[256];
  while (shell->variables < pool->environment_count) {
    const char *variable = pool->environment[shell->variables];
    size_t length = strcspn(variable, "=");
    int result = -1;
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, variable);
    if (length < sizeof(name) && variable[length] == '=') {
      result = pool->ops->set_env(shell->channel, name, variable + length + 1);
    }
    if (result == 0) {
      return;
    }
    if (result < 0 && !pool->had_shell) {
      penstock_logf(pool->host, PENSTOCK_LOG_DEBUG,
                    "%s does not take %s into the environment: its sshd_config needs `AcceptEnv %s` (or write it into "
                    "`env`)",
                    pool->where, name, name);
    }
    shell->variables++;
  }
  enter(shell, FAR_SHELL_REQUESTING);
}

static void request_further(far_shell *shell) {
  int result = shell->pool->ops->exec(shell->channel, command);
  if (result > 0) {
    enter(shell, FAR_SHELL_GREETING);
  } else if (result < 0) {
    end(shell, FAR_SHELL_NO_EXEC);
  }
}

static void tell_to_end(far_shell *shell) {
  shell->is_told_to_end = 1;
  shell->told_ns = shell->pool->host->now_ns(shell->pool->host);
  shell->pool->ops->end_input(shell->channel);
}

static int has_greeted(const far_shell *shell) {
  return shell->output.text && script_has_greeted(shell->output.text, shell->output.size, shell->nonce);
}

static void greeted(far_shell *shell) {
  const penstock_host *host = shell->pool->host;
  uint64_t took_ms = since_ms(shell, shell->since_ns);
  if (took_ms >= SLOW_MS) {
    penstock_logf(host, PENSTOCK_LOG_INFO, "the login shell of %s took %llu.%llu s: its start-up files are slow",
                  shell->pool->where, (unsigned long long)took_ms / 1000, (unsigned long long)took_ms % 1000 / 100);
  }
  far_shell_rest(shell);
}

/*
 * A start-up file that reads a line (`read`, a menu) gets a greeting, and another one is sent. One that reads on and on
 * is told the end, which lets it say what it has to say.
 */
static void greet_further(far_shell *shell) {
  if (shell->is_told_to_end) {
    if (since_ms(shell, shell->told_ns) >= LAST_WORDS_MS) {
      end(shell, FAR_SHELL_SILENT);
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

static void look_for_end(far_shell *shell) {
  if (shell->state == FAR_SHELL_ENDED || shell->state == FAR_SHELL_OPENING) {
    return;
  }
  if (shell->output.total > OUTPUT_MAX || shell->error_output.total > OUTPUT_MAX) {
    end(shell, FAR_SHELL_FLOOD);
  } else if (shell->has_closed || (shell->exited_ns && since_ms(shell, shell->exited_ns) >= LAST_WORDS_MS)) {
    end(shell, FAR_SHELL_CLOSED);
  }
}

void far_shell_advance(far_shell *shell) {
  if (shell->state == FAR_SHELL_OPENING && shell->pool->ops->is_open(shell->channel)) {
    enter(shell, FAR_SHELL_PREPARING);
  }
  if (shell->state == FAR_SHELL_PREPARING && !shell->has_closed) {
    prepare_further(shell);
  }
  if (shell->state == FAR_SHELL_REQUESTING && !shell->has_closed) {
    request_further(shell);
  }
  if (shell->state == FAR_SHELL_GREETING) {
    greet_further(shell);
  }
  if (shell->state == FAR_SHELL_RUNNING && !shell->has_closed) {
    feed(shell);
  }
  look_for_end(shell);
}

/* --- words ----------------------------------------------------------------------------------------- */

/* The first line with something on it; 0 if there is none. */
static int first_line(const far_shell_text *text, char *line, size_t size) {
  const char *start = text->text ? text->text + strspn(text->text, " \t\r\n") : "";
  size_t length = strcspn(start, "\r\n");
  (void)snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), start);
  penstock_utf8_trim(line, size);
  script_make_printable(line, strlen(line));
  return line[0] != '\0';
}

/* All that it said, as far as there is room. */
static void set_detail(const far_shell *shell, penstock_error *error) {
  const char *output = shell->output.text ? shell->output.text : "";
  const char *errors = shell->error_output.text ? shell->error_output.text : "";
  (void)snprintf(error->detail, sizeof(error->detail), "%.3000s%s", output, errors);
  penstock_utf8_trim(error->detail, sizeof(error->detail));
  script_make_printable(error->detail, strlen(error->detail));
}

static void next_without_shell(const far_shell *shell, penstock_error *error) {
  penstock_next(error,
                "The account on %s needs a login shell that runs commands (no ForceCommand, command= or nologin). "
                "Or start the solver there yourself, and set `launch = never`",
                shell->pool->where);
}

static void next_for_start_up(const far_shell *shell, penstock_error *error) {
  penstock_next(
      error,
      "Try `ssh %s true`: a start-up file there (.bashrc, .zshenv, .cshrc, config.fish ...) that prints, asks, "
      "waits or starts something must do so in interactive shells only",
      shell->pool->where);
}

static void explain_denied(const far_shell *shell, penstock_error *error) {
  if (shell->denial == FAR_DENIAL_NO_SESSION) {
    far_denial_error(error, shell->pool->where, NULL, "", 0, shell->denial, shell->denial_text);
    error->leg = PENSTOCK_LEG_EXEC;
    return;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, shell->denial == 4 ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG,
                      "%s refuses to open a session for a command%s%s", shell->pool->where,
                      shell->denial_text[0] ? ": " : "", shell->denial_text);
  penstock_next(error, "Its sshd_config may set MaxSessions too low (0 forbids commands); or start the solver there "
                       "yourself, and set `launch = never`");
}

static void explain_flood(const far_shell *shell, penstock_error *error) {
  const char *where = shell->pool->where;
  if (shell->ended_in == FAR_SHELL_RUNNING) {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL,
                        "a command on %s was cut off: it printed more than %d KiB", where, OUTPUT_MAX >> 10);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                        "the login shell of %s prints without end: it was cut off after %d KiB", where,
                        OUTPUT_MAX >> 10);
    next_for_start_up(shell, error);
  }
}

static void explain_silent(const far_shell *shell, penstock_error *error) {
  char line[200] = "";
  /* It may have come just too late: then its words are ours. */
  int has_words = !has_greeted(shell) && (first_line(&shell->output, line, sizeof(line)) ||
                                          first_line(&shell->error_output, line, sizeof(line)));
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                      "the login shell of %s did not come to our command within %llu s%s%s", shell->pool->where,
                      (unsigned long long)(shell->patience_ms + 500) / 1000, has_words ? "; it says: " : "", line);
  next_for_start_up(shell, error);
  set_detail(shell, error);
}

static void explain_closed(const far_shell *shell, penstock_error *error) {
  const char *where = shell->pool->where;
  char line[200];
  if (shell->ended_in == FAR_SHELL_RUNNING) {
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

void far_shell_explain(const far_shell *shell, penstock_error *error) {
  switch (shell->end) {
  case FAR_SHELL_DENIED:
    explain_denied(shell, error);
    break;
  case FAR_SHELL_NO_EXEC:
    (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s does not run commands for this user",
                        shell->pool->where);
    next_without_shell(shell, error);
    break;
  case FAR_SHELL_SILENT:
    explain_silent(shell, error);
    break;
  case FAR_SHELL_FLOOD:
    explain_flood(shell, error);
    break;
  case FAR_SHELL_CLOSED:
  case FAR_SHELL_NOT_ENDED:
    explain_closed(shell, error);
    break;
  }
}
