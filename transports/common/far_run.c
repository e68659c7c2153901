/* SPDX-License-Identifier: MIT */
/*
 * Scripts and the shells that run them (far_shell.h): a script gets a shell that is idle, or a new one, or waits. What
 * the login shell prints is told from a script's output by its marks.
 */
#include <stdlib.h>

#include "common/far_run.h"
#include "common/far_shell.h"

enum {
  SHELLS_MAX = 2, /* of the ten sessions that sshd allows by default, others want some */
  TICK_MS = 250,
  IDLE_MS = 10000,     /* how long a shell waits for another script */
  PATIENCE_MS = 12000, /* for a session or a login shell, where the script has no limit of its own */
  LEFT_OVER_MS = 1500  /* a limit of ours must come so long before the host's, which knows no reason */
};

struct carrier_run {
  carrier_run *next;
  far_shells *pool;
  far_shell *shell; /* NULL: it waits for one */
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

static void take_out(far_shells *pool, const far_shell *shell) {
  for (far_shell **at = &pool->shells; *at; at = &(*at)->next) {
    if (*at == shell) {
      *at = shell->next;
      break;
    }
  }
}

static void drop_shell(far_shells *pool, far_shell *shell) {
  take_out(pool, shell);
  far_shell_drop(shell);
}

static void stop_timer(carrier_run *run) {
  if (run->timer) {
    run->pool->host->timer_stop(run->pool->host, run->timer);
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
  far_shell *shell = run->shell;
  carrier_result result = {.error = error, .code = -1, .output = "", .error_output = ""};
  if (shell && shell->error_output.text) {
    result.error_output = shell->error_output.text;
  }
  finish(run, &result);
  if (shell) {
    run->shell = NULL;
    drop_shell(run->pool, shell);
  }
}

/* Tells the result if it is all there. Returns 0 if it is not. */
static int finish_marked(carrier_run *run) {
  far_shell *shell = run->shell;
  carrier_result result = {0};
  char *inner = NULL;
  if (shell->state != FAR_SHELL_RUNNING || !shell->output.text ||
      script_unwrap(shell->output.text, shell->output.size, run->nonce, &inner, &result.output_size, &result.code)) {
    return 0;
  }
  result.output = inner;
  result.error_output = shell->error_output.text ? shell->error_output.text : "";
  finish(run, &result);
  run->shell = NULL;
  shell->run = NULL;
  far_shell_rest(shell);
  return 1;
}

/* --- which shell ----------------------------------------------------------------------------------- */

static uint64_t now(const far_shells *pool) {
  return pool->host->now_ns(pool->host);
}

unsigned far_run_count_shells(const far_shells *pool) {
  unsigned count = 0;
  for (const far_shell *shell = pool->shells; shell; shell = shell->next) {
    count++;
  }
  return count;
}

static far_shell *find_idle(const far_shells *pool) {
  for (far_shell *shell = pool->shells; shell; shell = shell->next) {
    if (!shell->run && shell->state == FAR_SHELL_IDLE && !shell->has_closed && !shell->exited_ns) {
      return shell;
    }
  }
  return NULL;
}

static void find_shell(carrier_run *run) {
  far_shells *pool = run->pool;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  far_shell *shell = find_idle(pool);
  if (!shell && (far_run_count_shells(pool) >= pool->shells_max || now(pool) < pool->shell_not_before_ns)) {
    return;
  }
  if (!shell) {
    shell = far_shell_open(pool, run->nonce, run->patience_ms);
    if (!shell) {
      (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
      fail(run, &error);
      return;
    }
    shell->next = pool->shells;
    pool->shells = shell;
  }
  run->shell = shell;
  shell->run = run;
}

/*
 * No session for the shell. The first one of all: there will never be one. Else it is the server's limit, and what
 * counts there is ours too: one that is about to end, or a script that was given up and still runs.
 */
static int may_wait(carrier_run *run) {
  far_shells *pool = run->pool;
  const far_shell *shell = run->shell;
  if (shell->end != FAR_SHELL_DENIED || shell->denial == 1 || shell->denial == 3 || !pool->had_shell ||
      (now(pool) - run->started_ns) / 1000000u >= run->patience_ms) {
    return 0;
  }
  unsigned others = far_run_count_shells(pool) - 1;
  if (pool->shells_max != (others ? others : 1)) {
    pool->shells_max = others ? others : 1;
    penstock_logf(pool->host, PENSTOCK_LOG_DEBUG, "%s allows few sessions (MaxSessions): %u is used for commands",
                  pool->where, pool->shells_max);
  }
  pool->shell_not_before_ns = now(pool) + (uint64_t)TICK_MS * 1000000u;
  drop_shell(pool, run->shell);
  run->shell = NULL;
  return 1;
}

/* --- the sweep ------------------------------------------------------------------------------------- */

static void advance(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  far_shell *shell = run->shell;
  far_shell_advance(shell);
  if (shell->state == FAR_SHELL_IDLE) {
    run->pool->had_shell = 1;
    far_shell_run(shell, run->script, run->script_size);
    far_shell_advance(shell);
  }
  if (shell->state == FAR_SHELL_ENDED && !may_wait(run)) {
    far_shell_explain(shell, &error);
    fail(run, &error);
  }
}

static void fail_late(carrier_run *run) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *where = run->pool->where;
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
  far_shells *pool = run->pool;
  if (pool->death) {
    fail(run, pool->death);
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
static void sweep_idle(far_shells *pool) {
  for (far_shell *shell = pool->shells, *next; shell; shell = next) {
    next = shell->next;
    if (!shell->run) {
      far_shell_advance(shell);
      if (pool->death || shell->state != FAR_SHELL_IDLE ||
          now(pool) - shell->since_ns >= (uint64_t)IDLE_MS * 1000000u) {
        drop_shell(pool, shell);
      }
    }
  }
}

static void on_tick(void *context) {
  far_shells *pool = context;
  pool->kick(pool->link);
}

/* Some things come with time alone: a greeting to be sent again, a shell that was idle for long. */
static void keep_time(far_shells *pool) {
  int is_wanted = !pool->death && (pool->runs || pool->shells);
  if (is_wanted && !pool->shell_tick) {
    pool->shell_tick = pool->host->timer_start(pool->host, TICK_MS, TICK_MS, on_tick, pool);
  } else if (!is_wanted && pool->shell_tick) {
    pool->host->timer_stop(pool->host, pool->shell_tick);
    pool->shell_tick = NULL;
  }
}

void far_run_sweep(far_shells *pool) {
  int has_freed_shell = 0;
  for (carrier_run *run = pool->runs; run; run = run->next) {
    if (!run->is_finished) {
      sweep_run(run);
      has_freed_shell |= run->is_finished;
    }
  }
  for (carrier_run **at = &pool->runs; *at;) {
    carrier_run *run = *at;
    if (!run->is_finished) {
      at = &run->next;
      continue;
    }
    *at = run->next;
    free_run(run);
  }
  sweep_idle(pool);
  keep_time(pool);
  if (has_freed_shell && pool->runs) {
    pool->kick(pool->link); /* one that waits may go on */
  }
}

void far_run_drop_all(far_shells *pool) {
  while (pool->runs) {
    carrier_run *run = pool->runs;
    pool->runs = run->next;
    stop_timer(run);
    free_run(run);
  }
  while (pool->shells) {
    drop_shell(pool, pool->shells);
  }
  keep_time(pool);
}

/* --- from outside --------------------------------------------------------------------------- */

static void on_timeout(void *context) {
  carrier_run *run = context;
  run->timer = NULL;
  run->is_timed_out = 1;
  run->pool->kick(run->pool->link);
}

/* How long a session and a login shell may take to come: a limit of ours says why, the host's cannot. */
static uint64_t patience(uint64_t timeout_ms) {
  if (timeout_ms == 0) {
    return PATIENCE_MS;
  }
  return timeout_ms > (uint64_t)LEFT_OVER_MS * 2 ? timeout_ms - (uint64_t)LEFT_OVER_MS : timeout_ms / 2;
}

carrier_run *far_run_start(far_shells *pool, const char *body, size_t body_size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error) {
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
  run->pool = pool;
  run->done = done;
  run->context = context;
  run->started_ns = now(pool);
  run->patience_ms = patience(timeout_ms);
  run->timer = timeout_ms ? pool->host->timer_start(pool->host, timeout_ms, 0, on_timeout, run) : NULL;
  if (!pool->shells_max) {
    pool->shells_max = SHELLS_MAX;
  }
  carrier_run **end = &pool->runs;
  while (*end) {
    end = &(*end)->next;
  }
  *end = run;
  pool->kick(pool->link);
  return run;
}

far_shell *far_run_take_idle(far_shells *pool) {
  far_shell *shell = find_idle(pool);
  if (shell) {
    take_out(pool, shell);
  }
  return shell;
}

void far_run_cancel(carrier_run *run) {
  run->is_cancelled = 1;
  run->pool->kick(run->pool->link);
}
