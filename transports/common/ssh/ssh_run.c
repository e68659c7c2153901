/* SPDX-License-Identifier: MIT */
/*
 * Scripts and the shells that run them (ssh_shell.h): a script gets a shell that is idle, or a new one, or waits. What
 * the login shell prints is told from a script's output by its marks.
 */
#include <stdlib.h>

#include "common/script.h"
#include "common/ssh/ssh_shell.h"

enum {
  SHELLS_MAX = 2, /* of the ten sessions that sshd allows by default, others want some */
  TICK_MS = 250,
  IDLE_MS = 10000,     /* how long a shell waits for another script */
  PATIENCE_MS = 12000, /* for a session or a login shell, where the script has no limit of its own */
  LEFT_OVER_MS = 1500  /* a limit of ours must come so long before the host's, which knows no reason */
};

struct carrier_run {
  carrier_run *next;
  ssh_link *link;
  ssh_shell *shell; /* NULL: it waits for one */
  char nonce[SCRIPT_NONCE_SIZE];
  char *script;
  size_t script_size;
  uint64_t started_ns;
  uint64_t patience_ms;
  int is_cancelled;
  int is_timed_out;
  int is_finished; /* told: to be freed */
  penstock_timer *timer;
  void (*done)(void *context, const carrier_result *result);
  void *context;
};

/* --- the end --------------------------------------------------------------------------------------- */

static void drop_shell(ssh_link *link, ssh_shell *shell) {
  for (ssh_shell **at = &link->shells; *at; at = &(*at)->next) {
    if (*at == shell) {
      *at = shell->next;
      break;
    }
  }
  ssh_shell_drop(shell);
}

static void stop_timer(carrier_run *run) {
  if (run->timer) {
    run->link->host->timer_stop(run->link->host, run->timer);
    run->timer = NULL;
  }
}

static void free_run(carrier_run *run) {
  free(run->script);
  free(run);
}

static void finish(carrier_run *run, const carrier_result *result) {
  run->is_finished = 1;
  stop_timer(run);
  run->done(run->context, result);
}

/* Its shell is of no use to others: what it does is not known. */
static void fail(carrier_run *run, const penstock_error *error) {
  ssh_shell *shell = run->shell;
  carrier_result result = {.error = error, .code = -1, .output = "", .error_output = ""};
  if (shell && shell->error_output.text) {
    result.error_output = shell->error_output.text;
  }
  finish(run, &result);
  if (shell) {
    run->shell = NULL;
    drop_shell(run->link, shell);
  }
}

/* Tells the result if it is all there. Returns 0 if it is not. */
static int finish_marked(carrier_run *run) {
  ssh_shell *shell = run->shell;
  carrier_result result = {0};
  char *inner = NULL;
  if (shell->state != SSH_SHELL_RUNNING || !shell->output.text ||
      script_unwrap(shell->output.text, shell->output.size, run->nonce, &inner, &result.output_size, &result.code)) {
    return 0;
  }
  result.output = inner;
  result.error_output = shell->error_output.text ? shell->error_output.text : "";
  finish(run, &result);
  run->shell = NULL;
  shell->run = NULL;
  ssh_shell_rest(shell);
  return 1;
}

/* --- which shell ----------------------------------------------------------------------------------- */

static uint64_t now(const ssh_link *link) {
  return link->host->now_ns(link->host);
}

static unsigned count_shells(const ssh_link *link) {
  unsigned count = 0;
  for (const ssh_shell *shell = link->shells; shell; shell = shell->next) {
    count++;
  }
  return count;
}

static ssh_shell *find_idle(const ssh_link *link) {
  for (ssh_shell *shell = link->shells; shell; shell = shell->next) {
    if (!shell->run && shell->state == SSH_SHELL_IDLE && !shell->has_closed && !shell->exited_ns) {
      return shell;
    }
  }
  return NULL;
}

static void find_shell(carrier_run *run) {
  ssh_link *link = run->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_shell *shell = find_idle(link);
  if (!shell && (count_shells(link) >= link->shells_max || now(link) < link->shell_not_before_ns)) {
    return;
  }
  if (!shell) {
    shell = ssh_shell_open(link, run->nonce, run->patience_ms);
    if (!shell) {
      (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
      fail(run, &error);
      return;
    }
    shell->next = link->shells;
    link->shells = shell;
  }
  run->shell = shell;
  shell->run = run;
}

/*
 * No session for the shell. The first one of all: there will never be one. Else it is the server's limit, and what
 * counts there is ours too: one that is about to end, or a script that was given up and still runs.
 */
static int may_wait(carrier_run *run) {
  ssh_link *link = run->link;
  const ssh_shell *shell = run->shell;
  if (shell->end != SSH_SHELL_DENIED || shell->denial == 1 || shell->denial == 3 || !link->had_shell ||
      (now(link) - run->started_ns) / 1000000u >= run->patience_ms) {
    return 0;
  }
  unsigned others = count_shells(link) - 1;
  if (link->shells_max != (others ? others : 1)) {
    link->shells_max = others ? others : 1;
    penstock_logf(link->host, PENSTOCK_LOG_DEBUG, "%s allows few sessions (MaxSessions): %u is used for commands",
                  link->settings.host, link->shells_max);
  }
  link->shell_not_before_ns = now(link) + (uint64_t)TICK_MS * 1000000u;
  drop_shell(link, run->shell);
  run->shell = NULL;
  return 1;
}

/* --- the sweep ------------------------------------------------------------------------------------- */

static void advance(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_shell *shell = run->shell;
  ssh_shell_advance(shell);
  if (shell->state == SSH_SHELL_IDLE) {
    run->link->had_shell = 1;
    ssh_shell_run(shell, run->script, run->script_size);
    ssh_shell_advance(shell);
  }
  if (shell->state == SSH_SHELL_ENDED && !may_wait(run)) {
    ssh_shell_explain(shell, &error);
    fail(run, &error);
  }
}

static void fail_late(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *where = run->link->settings.host;
  if (run->shell) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                        "a command on %s did not end in the time it was given", where);
    penstock_next(&error, "Look for a file system or a device there that hangs, or for a machine that is overloaded");
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT,
                        "%s allows no further session for a command, and one of ours goes on", where);
    penstock_next(&error, "Its sshd_config sets MaxSessions: 2 or more lets commands run while another one hangs");
  }
  fail(run, &error);
}

static void sweep_run(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_link *link = run->link;
  if (link->is_dead) {
    fail(run, &link->death);
    return;
  }
  if (run->shell && finish_marked(run)) {
    return;
  }
  if (run->is_cancelled) {
    (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "cancelled");
    fail(run, &error);
    return;
  }
  if (run->is_timed_out) {
    fail_late(run);
    return;
  }
  if (!run->shell) {
    find_shell(run);
  }
  if (run->shell) {
    advance(run);
  }
}

/* Shells that nobody uses. */
static void sweep_idle(ssh_link *link) {
  for (ssh_shell *shell = link->shells, *next; shell; shell = next) {
    next = shell->next;
    if (!shell->run) {
      ssh_shell_advance(shell);
      if (link->is_dead || shell->state != SSH_SHELL_IDLE ||
          now(link) - shell->since_ns >= (uint64_t)IDLE_MS * 1000000u) {
        drop_shell(link, shell);
      }
    }
  }
}

static void on_tick(void *context) {
  ssh_link_kick(context);
}

/* Some things come with time alone: a greeting to be sent again, a shell that was idle for long. */
static void keep_time(ssh_link *link) {
  int is_wanted = !link->is_dead && (link->runs || link->shells);
  if (is_wanted && !link->shell_tick) {
    link->shell_tick = link->host->timer_start(link->host, TICK_MS, TICK_MS, on_tick, link);
  } else if (!is_wanted && link->shell_tick) {
    link->host->timer_stop(link->host, link->shell_tick);
    link->shell_tick = NULL;
  }
}

void ssh_run_sweep(ssh_link *link) {
  int has_freed_shell = 0;
  for (carrier_run *run = link->runs; run; run = run->next) {
    if (!run->is_finished) {
      sweep_run(run);
      has_freed_shell |= run->is_finished;
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
  sweep_idle(link);
  keep_time(link);
  if (has_freed_shell && link->runs) {
    ssh_link_kick(link); /* one that waits may go on */
  }
}

void ssh_run_drop_all(ssh_link *link) {
  while (link->runs) {
    carrier_run *run = link->runs;
    link->runs = run->next;
    stop_timer(run);
    free_run(run);
  }
  while (link->shells) {
    drop_shell(link, link->shells);
  }
  keep_time(link);
}

/* --- the carrier's slots --------------------------------------------------------------------------- */

static void on_timeout(void *context) {
  carrier_run *run = context;
  run->timer = NULL;
  run->is_timed_out = 1;
  ssh_link_kick(run->link);
}

/* How long a session and a login shell may take to come: a limit of ours says why, the host's cannot. */
static uint64_t patience(uint64_t timeout_ms) {
  if (timeout_ms == 0) {
    return PATIENCE_MS;
  }
  return timeout_ms > (uint64_t)LEFT_OVER_MS * 2 ? timeout_ms - (uint64_t)LEFT_OVER_MS : timeout_ms / 2;
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
  run->started_ns = now(link);
  run->patience_ms = patience(timeout_ms);
  run->timer = timeout_ms ? link->host->timer_start(link->host, timeout_ms, 0, on_timeout, run) : NULL;
  if (!link->shells_max) {
    link->shells_max = SHELLS_MAX;
  }
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
