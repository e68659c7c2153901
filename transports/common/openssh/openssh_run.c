/* SPDX-License-Identifier: MIT */
/*
 * A run is a session channel with `exec /bin/sh -s`, fed with the script: see ssh_run.c, whose twin this is over the
 * channels that ssh lends.
 */
#include <stdlib.h>

#include "common/openssh/openssh_internal.h"
#include "common/script.h"

enum {
  RUNS_AT_ONCE = 2, /* of the ten sessions that sshd allows by default, others want some */
  OUTPUT_MAX = 1 << 20,
  ERROR_OUTPUT_MAX = 64 << 10,
  WINDOW = 256 << 10
};

static const char shell_command[] = "exec /bin/sh -s";

/* Text that grows up to a limit; what is beyond it is dropped. */
typedef struct run_text {
  char *text; /* NUL-terminated, or NULL while empty */
  size_t size;
  size_t limit;
  int is_cut;
} run_text;

struct carrier_run {
  carrier_run *next;
  openssh_link *link;
  mux_channel *channel; /* NULL while it waits for its turn, and at the end */
  char nonce[SCRIPT_NONCE_SIZE];
  char *script;
  size_t script_size;
  size_t script_at;
  run_text output;
  run_text error_output;
  char signal[32]; /* what ended it, if a signal did */
  int is_cancelled;
  int is_timed_out;
  int is_finished; /* told: to be freed */
  penstock_timer *timer;
  void (*done)(void *context, const carrier_result *result);
  void *context;
};

/* --- what comes back ------------------------------------------------------------------------------- */

static void append(run_text *text, const uint8_t *data, size_t size) {
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

/* --- the end --------------------------------------------------------------------------------------- */

static void let_go(carrier_run *run) {
  if (run->timer) {
    run->link->host->timer_stop(run->link->host, run->timer);
    run->timer = NULL;
  }
  if (run->channel) {
    mux_channel_close(run->channel);
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
  openssh_link_kick(run->link); /* which frees it, and lets one that waits go on */
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
  mux_copy_text(line, size, (const uint8_t *)start, strcspn(start, "\r\n"));
  return line[0] != '\0';
}

static void next_without_shell(const carrier_run *run, penstock_error *error) {
  penstock_next(error,
                "The account on %s needs a login shell that runs commands (no ForceCommand, command= or nologin). "
                "Or start the solver there yourself, and set `launch = never`",
                run->link->carrier.where);
}

/* The script's marks are not both there: find words for why. */
static void fail_unmarked(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *where = run->link->carrier.where;
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

/* --- the channel ----------------------------------------------------------------------------------- */

static void feed(carrier_run *run) {
  if (run->script_at < run->script_size) {
    run->script_at += mux_channel_write(run->channel, run->script + run->script_at, run->script_size - run->script_at);
  }
  if (run->script_at == run->script_size) {
    mux_channel_eof(run->channel);
  }
}

static void on_opened(void *context) {
  carrier_run *run = context;
  mux_channel_grant(run->channel, WINDOW);
  for (size_t i = 0; i < run->link->environment.count; i++) {
    char name[128];
    const char *item = run->link->environment.items[i];
    size_t length = strcspn(item, "=");
    if (item[length] == '=' && length < sizeof(name)) {
      (void)snprintf(name, sizeof(name), "%.*s", (int)length, item);
      mux_channel_env(run->channel, name, item + length + 1);
    }
  }
  mux_channel_exec(run->channel, shell_command);
}

static void on_refused(void *context, uint32_t code, const char *text) {
  carrier_run *run = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  int is_policy = code == 1 || code == 3;
  run->link->refusals++;
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, is_policy ? PENSTOCK_CLASS_CONFIG : PENSTOCK_CLASS_TRANSIENT,
                      "%s refuses to open a session for a command%s%s", run->link->carrier.where, text[0] ? ": " : "",
                      text);
  penstock_next(&error, "Its sshd_config may set MaxSessions too low (0 forbids commands); or start the solver there "
                        "yourself, and set `launch = never`");
  fail(run, &error);
}

static void on_answer(void *context, int is_success) {
  carrier_run *run = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (is_success) {
    feed(run);
    return;
  }
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "%s does not run commands for this user",
                      run->link->carrier.where);
  next_without_shell(run, &error);
  fail(run, &error);
}

static void on_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  carrier_run *run = context;
  append(is_stderr ? &run->error_output : &run->output, data, size);
  mux_channel_grant(run->channel, size);
}

static void on_writable(void *context) {
  feed(context);
}

static void on_eof(void *context) {
  (void)context; /* the exit, or the close, comes behind it */
}

static void on_request(void *context, const mux_message *message) {
  static const char exit_status[] = "exit-status";
  static const char exit_signal[] = "exit-signal";
  carrier_run *run = context;
  if (message->name_size == sizeof(exit_status) - 1 && memcmp(message->name, exit_status, message->name_size) == 0) {
    /* Its exit is enough: something it left behind may hold the channel open for long. */
    (void)finish_marked(run);
  } else if (message->name_size == sizeof(exit_signal) - 1 &&
             memcmp(message->name, exit_signal, message->name_size) == 0 && message->size >= 4) {
    size_t length = mux_read_number(message->data, message->size, 0);
    size_t there = message->size - 4;
    mux_copy_text(run->signal, sizeof(run->signal), message->data + 4, length < there ? length : there);
  }
}

static void on_closed(void *context) {
  carrier_run *run = context;
  if (!finish_marked(run)) {
    fail_unmarked(run);
  }
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

static void open_channel(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  run->channel = mux_channel_open(run->link->mux, "session", NULL, &user, run);
  if (!run->channel) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    fail(run, &error);
  }
}

/* --- the sweep ------------------------------------------------------------------------------------- */

static void sweep_run(carrier_run *run, size_t *active) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const openssh_link *link = run->link;
  if (link->is_dead) {
    fail(run, &link->death);
  } else if (run->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "cancelled");
    fail(run, &error);
  } else if (run->is_timed_out) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                        "a command on %s did not end in the time it was given", link->carrier.where);
    fail(run, &error);
  } else if (run->channel) {
    ++*active;
  } else if (*active < RUNS_AT_ONCE) {
    ++*active;
    open_channel(run);
  }
}

void openssh_run_sweep(openssh_link *link) {
  size_t active = 0;
  for (carrier_run *run = link->runs; run; run = run->next) {
    if (!run->is_finished) {
      sweep_run(run, &active);
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
}

void openssh_run_drop_all(openssh_link *link) {
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
  openssh_link_kick(run->link);
}

carrier_run *openssh_run_start(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                               void (*done)(void *context, const carrier_result *result), void *context,
                               penstock_error *error) {
  openssh_link *link = (openssh_link *)self;
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
  openssh_link_kick(link);
  return run;
}

void openssh_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  run->is_cancelled = 1;
  openssh_link_kick(run->link);
}
