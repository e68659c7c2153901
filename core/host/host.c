/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include <string.h>

#include "host/metrics.h"
#include "host/prompt.h"
#include "host/secret.h"
#include "host/services.h"
#include "log/log.h"

/* Longest name of a question, with the profile that asks it. */
#define KEY_SIZE 512

void ps_host_retain(ps_host *host) {
  host->pending++;
}

void ps_host_release(ps_host *host) {
  if (--host->pending == 0 && host->closing) {
    host->closed(host->closed_context);
  }
}

static void slot_log(const penstock_host *table, uint32_t level, const char *text) {
  ps_log(level, ps_host_of(table)->source, "%s", text ? text : "");
}

static uint64_t slot_now_ns(const penstock_host *table) {
  (void)table;
  return uv_hrtime();
}

/* A kept answer belongs to its profile: another one's host must never be shown it. */
static int scoped_key(const ps_host *host, const char *key, char scoped[KEY_SIZE]) {
  int length = snprintf(scoped, KEY_SIZE, "%s\n%s", host->source, key);
  return length > 0 && length < KEY_SIZE ? 0 : PENSTOCK_E_INVALID;
}

static int32_t slot_prompt(const penstock_host *table, uint32_t kind, const char *key, const char *question,
                           char *answer, size_t answer_size) {
  char scoped[KEY_SIZE];
  const ps_host *host = ps_host_of(table);
  if (host->closing) {
    return PENSTOCK_E_CANCELLED;
  }
  if (key && scoped_key(host, key, scoped) != 0) {
    return PENSTOCK_E_INVALID;
  }
  return ps_prompt(kind, key ? scoped : NULL, question, answer, answer_size);
}

static void slot_prompt_forget(const penstock_host *table, const char *key) {
  char scoped[KEY_SIZE];
  if (key && scoped_key(ps_host_of(table), key, scoped) == 0) {
    ps_prompt_forget(scoped);
  }
}

static int32_t slot_get_secret(const penstock_host *table, const char *reference, char *secret, size_t secret_size,
                               penstock_error *error) {
  const ps_host *host = ps_host_of(table);
  if (host->closing) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the gateway is shutting down");
    return PENSTOCK_E_CANCELLED;
  }
  return ps_secret_get_for(host->source, reference, secret, secret_size, error);
}

static void slot_metric_add(const penstock_host *table, const char *name, int64_t delta) {
  (void)table;
  ps_metrics_add(name, delta);
}

static const void *slot_get_extension(const penstock_host *table, const char *name) {
  (void)table;
  (void)name; /* none are defined yet */
  return NULL;
}

void ps_host_init(ps_host *host, uv_loop_t *loop, const char *source) {
  memset(host, 0, sizeof(*host));
  host->loop = loop;
  host->source = source ? source : "";
  ps_list_init(&host->watches);
  ps_list_init(&host->timers);
  ps_list_init(&host->processes);
  ps_list_init(&host->requests);
  host->table = (penstock_host){
      .struct_size = (uint32_t)sizeof(penstock_host),
      .abi_minor = PENSTOCK_ABI_MINOR,
      .impl = host,
      .version = PENSTOCK_VERSION,
      .log = slot_log,
      .now_ns = slot_now_ns,
      .watch_start = ps_watch_start,
      .watch_set = ps_watch_set,
      .watch_stop = ps_watch_stop,
      .timer_start = ps_timer_start,
      .timer_stop = ps_timer_stop,
      .spawn = ps_spawn,
      .process_kill = ps_process_kill,
      .resolve = ps_resolve,
      .run_job = ps_run_job,
      .prompt = slot_prompt,
      .prompt_forget = slot_prompt_forget,
      .get_secret = slot_get_secret,
      .metric_add = slot_metric_add,
      .get_extension = slot_get_extension,
  };
}

static void on_closer_closed(uv_handle_t *handle) {
  ps_host_release(handle->data);
}

void ps_host_close(ps_host *host, void (*closed)(void *context), void *context) {
  host->closing = 1;
  host->closed = closed;
  host->closed_context = context;
  /* Held first and let go on a later turn, so that `closed` never comes from inside this call. */
  (void)uv_idle_init(host->loop, &host->closer);
  host->closer.data = host;
  ps_host_retain(host);
  uv_close((uv_handle_t *)&host->closer, on_closer_closed);
  ps_watches_close(host);
  ps_timers_close(host);
  ps_processes_close(host);
  ps_resolves_close(host);
}
