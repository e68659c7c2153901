/* SPDX-License-Identifier: MIT */
/*
 * A run is a session channel with `exec /bin/sh -s`, fed with the script. The login shell that sshd puts before every
 * command sees nothing of ours but these words, which sh, bash, zsh, csh and fish read alike; what it prints of its own
 * is told apart by the script's marks.
 */
#include <stdlib.h>

#include "common/script.h"
#include "common/ssh/ssh_internal.h"

enum {
  RUNS_AT_ONCE = 2, /* of the ten sessions that sshd allows by default, others want some */
  OUTPUT_MAX = 1 << 20,
  ERROR_OUTPUT_MAX = 64 << 10
};

static const char shell_command[] = "exec /bin/sh -s";

typedef enum run_state { RUN_QUEUED = 0, RUN_OPENING, RUN_REQUESTING, RUN_RUNNING } run_state;

/* Text that grows up to a limit; what is beyond it is dropped. */
typedef struct run_text {
  char *text; /* NUL-terminated, or NULL while empty */
  size_t size;
  size_t limit;
  int is_cut;
} run_text;

struct carrier_run {
  carrier_run *next;
  ssh_link *link;
  ssh_channel channel;
  struct ssh_channel_callbacks_struct callbacks;
  run_state state;
  char nonce[SCRIPT_NONCE_SIZE];
  char *script;
  size_t script_size;
  size_t script_at;
  int is_fed; /* EOF is sent too */
  run_text output;
  run_text error_output;
  int has_exited; /* its exit status has come */
  int has_closed;
  char signal[32]; /* what ended it, if a signal did */
  int is_cancelled;
  int is_timed_out;
  int is_finished; /* told: to be freed */
  penstock_timer *timer;
  void (*done)(void *context, const carrier_result *result);
  void *context;
};

/* --- what comes back ------------------------------------------------------------------------------- */

static void append(run_text *text, const char *data, size_t size) {
  size_t room = text->limit - text->size;
  if (size > room) {
    text->is_cut = 1;
    size = room;
  }
  char *grown = size > 0 ? realloc(text->text, text->size + size + 1) : NULL;
  if (!grown) {
    text->is_cut |= size > 0;
    return;
  }
  memcpy(grown + text->size, data, size);
  text->text = grown;
  text->size += size;
  text->text[text->size] = '\0';
}

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *context) {
  carrier_run *run = context;
  (void)session;
  (void)channel;
  append(is_stderr ? &run->error_output : &run->output, data, size);
  return (int)size;
}

static void on_exit_status(ssh_session session, ssh_channel channel, int status, void *context) {
  (void)session;
  (void)channel;
  (void)status; /* the script's own is behind its end mark */
  ((carrier_run *)context)->has_exited = 1;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *signal, int core, const char *message,
                           const char *language, void *context) {
  carrier_run *run = context;
  (void)session;
  (void)channel;
  (void)core;
  (void)message;
  (void)language;
  (void)snprintf(run->signal, sizeof(run->signal), "%s", signal);
}

static void on_close(ssh_session session, ssh_channel channel, void *context) {
  (void)session;
  (void)channel;
  ((carrier_run *)context)->has_closed = 1;
}

/* --- the end --------------------------------------------------------------------------------------- */

static void let_go(carrier_run *run) {
  if (run->timer) {
    run->link->host->timer_stop(run->link->host, run->timer);
    run->timer = NULL;
  }
  if (run->channel) {
    (void)ssh_remove_channel_callbacks(run->channel, &run->callbacks);
    ssh_link_bury(run->link, run->channel, run->state == RUN_OPENING);
    run->channel = NULL;
  }
}

static void free_run(carrier_run *run) {
  free(run->script);
  free(run->output.text);
  free(run->error_output.text);
  free(run);
}

static void finish(carrier_run *run, const carrier_result *result) {
  run->is_finished = 1;
  let_go(run);
  run->done(run->context, result);
}

static void fail(carrier_run *run, const penstock_error *error) {
  carrier_result result = {.error = error, .code = -1, .output = "", .error_output = run->error_output.text};
  if (!result.error_output) {
    result.error_output = "";
  }
  finish(run, &result);
}

/* The first line with something on it, made fit to be shown; 0 if there is none. */
static int first_line(const run_text *text, char *line, size_t size) {
  const char *start = text->text ? text->text + strspn(text->text, " \t\r\n") : "";
  size_t length = strcspn(start, "\r\n");
  (void)snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), start);
  penstock_utf8_trim(line, size);
  for (char *c = line; *c; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7F) {
      *c = '?';
    }
  }
  return line[0] != '\0';
}

static void next_without_shell(const carrier_run *run, penstock_error *error) {
  penstock_next(error,
                "The account on %s needs a login shell that runs commands (no ForceCommand, command= or nologin). "
                "Or start the solver there yourself, and set `launch = never`",
                run->link->settings.host);
}

/* The script's marks are not both there: find words for why. */
static void fail_unmarked(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *where = run->link->settings.host;
  char line[200];
  if (run->output.text && strstr(run->output.text, "penstock-begin-")) {
    int is_cut = run->output.is_cut;
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, is_cut ? PENSTOCK_CLASS_INTERNAL : PENSTOCK_CLASS_TRANSIENT,
                        "a command on %s was cut off%s%s%s", where, run->signal[0] ? " by signal " : "", run->signal,
                        is_cut ? ": it prints too much" : "");
  } else if (first_line(&run->output, line, sizeof(line)) || first_line(&run->error_output, line, sizeof(line))) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                        "%s runs something else instead of our commands; it says: %s", where, line);
    next_without_shell(run, &error);
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s ended our command without running it",
                        where);
    next_without_shell(run, &error);
  }
  fail(run, &error);
}

/* Tells the result if it is all there. Returns 0 if it is not. */
static int finish_marked(carrier_run *run) {
  carrier_result result = {0};
  char *inner = NULL;
  if (!run->output.text ||
      script_unwrap(run->output.text, run->output.size, run->nonce, &inner, &result.output_size, &result.code)) {
    return 0;
  }
  result.output = inner;
  result.error_output = run->error_output.text ? run->error_output.text : "";
  finish(run, &result);
  return 1;
}

/* --- the way there --------------------------------------------------------------------------------- */

static void fail_open(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *text;
  unsigned code = ssh_link_denial(run->link, &text);
  int is_policy = code == 1 || code == 3;
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, is_policy ? PENSTOCK_CLASS_CONFIG : PENSTOCK_CLASS_TRANSIENT,
                      "%s refuses to open a session for a command%s%s", run->link->settings.host, text[0] ? ": " : "",
                      text);
  penstock_next(&error, "Its sshd_config may set MaxSessions too low (0 forbids commands); or start the solver there "
                        "yourself, and set `launch = never`");
  fail(run, &error);
}

static void fail_request(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s does not run commands for this user",
                      run->link->settings.host);
  next_without_shell(run, &error);
  fail(run, &error);
}

static void open_channel(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  run->channel = ssh_channel_new(run->link->session);
  if (!run->channel) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    fail(run, &error);
    return;
  }
  run->callbacks.userdata = run;
  run->callbacks.channel_data_function = on_data;
  run->callbacks.channel_exit_status_function = on_exit_status;
  run->callbacks.channel_exit_signal_function = on_exit_signal;
  run->callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&run->callbacks);
  (void)ssh_set_channel_callbacks(run->channel, &run->callbacks);
  run->state = RUN_OPENING;
  if (ssh_channel_open_session(run->channel) == SSH_ERROR) {
    ssh_link_note_denial(run->link);
    fail_open(run);
  }
}

static void feed(carrier_run *run) {
  ssh_link *link = run->link;
  while (run->script_at < run->script_size && !ssh_link_is_clogged(link) && !link->is_stalled) {
    uint32_t window = ssh_channel_window_size(run->channel);
    size_t left = run->script_size - run->script_at;
    uint32_t size = left < SSH_WRITE_CHUNK ? (uint32_t)left : (uint32_t)SSH_WRITE_CHUNK;
    size = size < window ? size : window;
    int count = size > 0 ? ssh_channel_write(run->channel, run->script + run->script_at, size) : 0;
    if (count <= 0) {
      link->is_stalled |= count == 0 && size > 0;
      return; /* a channel that is closed tells so itself */
    }
    run->script_at += (size_t)count;
  }
  if (run->script_at == run->script_size && !run->is_fed) {
    run->is_fed = 1;
    (void)ssh_channel_send_eof(run->channel);
  }
}

/* One step onwards, as far as it goes. */
static void advance(carrier_run *run) {
  ssh_link *link = run->link;
  if (run->state == RUN_OPENING) {
    if (ssh_channel_is_open(run->channel)) {
      run->state = RUN_REQUESTING;
    } else if (link->is_denial_new && ssh_channel_open_session(run->channel) == SSH_ERROR) {
      fail_open(run);
      return;
    }
  }
  if (run->state == RUN_REQUESTING) {
    int result = ssh_channel_request_exec(run->channel, shell_command);
    if (result == SSH_OK) {
      run->state = RUN_RUNNING;
    } else if (result == SSH_ERROR && !ssh_link_check(link)) {
      fail_request(run);
      return;
    }
  }
  if (run->state == RUN_RUNNING && !run->has_closed) {
    feed(run);
  }
  /* Its exit is enough: something it left behind may hold the channel open for long. */
  if ((run->has_closed || run->has_exited) && !finish_marked(run) && run->has_closed) {
    fail_unmarked(run);
  }
}

static void sweep_run(carrier_run *run, size_t *active) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_link *link = run->link;
  if (link->is_dead) {
    fail(run, &link->death);
  } else if (run->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "cancelled");
    fail(run, &error);
  } else if (run->is_timed_out) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                        "a command on %s did not end in the time it was given", link->settings.host);
    fail(run, &error);
  } else if (run->state != RUN_QUEUED) {
    ++*active;
    advance(run);
  } else if (*active < RUNS_AT_ONCE) {
    ++*active;
    open_channel(run);
  }
}

void ssh_run_sweep(ssh_link *link) {
  size_t active = 0;
  int was_full = 0;
  for (carrier_run *run = link->runs; run; run = run->next) {
    if (!run->is_finished) {
      sweep_run(run, &active);
      was_full |= run->is_finished;
    }
  }
  for (carrier_run **at = &link->runs; *at;) {
    carrier_run *run = *at;
    if (!run->is_finished) {
      at = &run->next;
      continue;
    }
    *at = run->next;
    free_run(run);
  }
  if (was_full && link->runs) {
    ssh_link_kick(link); /* one that waits may go on */
  }
}

void ssh_run_drop_all(ssh_link *link) {
  while (link->runs) {
    carrier_run *run = link->runs;
    link->runs = run->next;
    let_go(run);
    free_run(run);
  }
}

static void on_timeout(void *context) {
  carrier_run *run = context;
  run->timer = NULL;
  run->is_timed_out = 1;
  ssh_link_kick(run->link);
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
  carrier_run *run = calloc(1, sizeof(*run));
  if (run && script_nonce(run->nonce) == 0) {
    run->script = script_wrap(body, body_size, run->nonce, &run->script_size);
  }
  if (!run || !run->script) {
    free(run);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                        "no memory, or no randomness, for a script");
    return NULL;
  }
  run->link = link;
  run->done = done;
  run->context = context;
  run->output.limit = OUTPUT_MAX;
  run->error_output.limit = ERROR_OUTPUT_MAX;
  run->timer = timeout_ms ? link->host->timer_start(link->host, timeout_ms, 0, on_timeout, run) : NULL;
  carrier_run **end = &link->runs;
  while (*end) {
    end = &(*end)->next;
  }
  *end = run;
  ssh_link_kick(link);
  return run;
}

void ssh_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  run->is_cancelled = 1;
  ssh_link_kick(run->link);
}
