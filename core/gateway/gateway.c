/* SPDX-License-Identifier: MIT */
/* The gateway: one listener in front, a crew of lanes behind (and others that come or leave), what waits between them,
 * and the orderly end. */
#include "gateway/gateway_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "gateway/listener.h"
#include "host/prompt.h"
#include "log/log.h"
#include "net/net.h"
#include "service/hangup.h"

/* Descriptors for all that is no connection: what each lane has, and what scripts, look-ups and pipes need. */
#define DESCRIPTORS_KEPT        28
#define DESCRIPTORS_KEPT_A_LANE 6
/* A lane inside a blocking connect() has nothing to finish: it is waited for this long, then left. */
#define BLOCKED_GRACE_MS 1000
/* Beyond the drain: the transport's stop step and its closing. */
#define END_MARGIN_MS 15000

/* Left behind on purpose when a lane could not be waited for: its thread still posts here. */
static ps_gateway *abandoned;

const char *ps_gateway_setting(const ps_gateway *self, const char *key, const char *otherwise) {
  const char *value = ps_settings_string(self->options->settings, key);
  return value ? value : otherwise;
}

/* --- clients ------------------------------------------------------------------------------------ */

/* Who takes connections in: the crew's lane if it can do so by itself, else the gateway; and while another crew has
 * streams yet, which count too, it is the gateway that knows of all. */
void ps_gateway_place_door(ps_gateway *self) {
  int has_port = self->acceptor.socket != PENSTOCK_SOCKET_NONE;
  int is_lent = ps_crew_lend_door(self->crew, has_port && !self->stopping && self->swap.draining_count == 0);
  if (has_port) {
    ps_acceptor_set(&self->acceptor, !is_lent);
  }
}

static void on_network_changed(void *context) {
  const ps_gateway *self = context;
  ps_log(PENSTOCK_LOG_DEBUG, self->options->profile, "the network of this machine has changed");
  ps_crew_network_changed(self->crew);
  ps_swap_network_changed(&self->swap);
}

int ps_gateway_hopeless(const ps_gateway *self) {
  return ps_crew_hopeless(self->crew) && !self->swap.coming;
}

/* Whoever wants the solver that the user has ended may be the one who knows that another was started. */
static void refuse_stopped(ps_gateway *self, ps_client *client) {
  int is_first = !self->told_stopped;
  self->told_stopped = 1;
  ps_log(is_first ? PENSTOCK_LOG_INFO : PENSTOCK_LOG_DEBUG, self->options->profile,
         "connection %llu refused: the solver was stopped; `penstock start` launches it%s",
         (unsigned long long)client->id, is_first ? " (said once)" : "");
  ps_client_refuse(client);
  ps_crew_wake(self->crew);
}

static void hold(ps_gateway *self, ps_client *client) {
  if (!self->stopping && !self->swap.coming && ps_crew_is_stopped(self->crew)) {
    refuse_stopped(self, client);
    return;
  }
  if (self->stopping || ps_gateway_hopeless(self)) {
    ps_client_refuse(client);
    return;
  }
  ps_hold_add(&self->hold, client);
  ps_crew_wake(self->crew);
}

static void give_out(ps_gateway *self) {
  size_t left = self->hold.count; /* those that come back meanwhile wait for the next tick */
  while (left-- > 0 && ps_crew_serves(self->crew)) {
    ps_client *client = ps_hold_take(&self->hold);
    if (client && ps_crew_serve(self->crew, client) != PENSTOCK_OK) {
      ps_hold_add(&self->hold, client);
      return;
    }
  }
}

static void on_waiting(void *context) {
  ps_gateway *self = context;
  size_t expired = ps_hold_expire(&self->hold, uv_hrtime());
  if (expired > 0) {
    ps_log(PENSTOCK_LOG_WARN, self->options->profile,
           "%zu connection%s held for %llu ms and refused: the transport is not up", expired,
           expired == 1 ? " was" : "s were", (unsigned long long)(ps_crew_door(self->crew)->hold_ns / 1000000));
  }
  give_out(self);
  ps_crew_wake(self->crew);
}

static int is_full(void *context) {
  const ps_gateway *self = context;
  return ps_door_is_full(ps_crew_door(self->crew), ps_crew_load(self->crew) + ps_swap_load(&self->swap));
}

/* For one that is not in use yet: the one that is will leave, and needs descriptors until it has gone. */
void ps_gateway_set_clients_max(const ps_gateway *self, ps_crew *crew) {
  uint32_t others = ps_swap_lanes(&self->swap) + (crew == self->crew ? 0 : ps_crew_lanes(self->crew));
  size_t kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_A_LANE * (size_t)(ps_crew_most(crew) + others);
  kept += self->options->control ? ps_desk_descriptors(self->descriptors) : 0;
  kept += self->options->metrics ? ps_metrics_descriptors() : 0;
  ps_crew_door(crew)->clients_max = self->descriptors > kept + 2 ? (self->descriptors - kept) / 2 : 1;
}

static void on_accepted(void *context, penstock_socket socket) {
  ps_gateway *self = context;
  ps_client *client = ps_door_enter(ps_crew_door(self->crew), socket);
  if (!client) {
    return;
  }
  if (!ps_crew_serves(self->crew)) {
    hold(self, client);
    return;
  }
  ps_crew_grow(self->crew);
  if (ps_crew_serve(self->crew, client) != PENSTOCK_OK) {
    hold(self, client);
  }
}

/* --- the orderly end ---------------------------------------------------------------------------- */

/* Somebody impatient must not kill the process while it says its last words, nor in between, when libuv has given the
 * signals back and nobody has them yet. A check goes on to the next profile. */
static void close_signals(ps_gateway *self) {
  ps_signals_block();
  for (size_t i = 0; i < PS_GATEWAY_SIGNALS; i++) {
    uv_close((uv_handle_t *)&self->signals[i], NULL);
    if (!self->options->check_only) {
      ps_signals_ignore(ps_gateway_signals[i]);
    }
  }
  ps_signals_unblock();
}

static void close_loop(ps_gateway *self) {
  ps_crew_close(self->crew);
  ps_listener_close(&self->acceptor);
  ps_hold_close(&self->hold);
  ps_desk_close(self->desk);
  self->desk = NULL;
  ps_metrics_close(self->metrics);
  ps_herald_close(self->herald);
  self->herald = NULL;
  close_signals(self);
  ps_session_close(self->session);
  self->session = NULL;
  ps_netwatch_stop(self->netwatch);
  self->netwatch = NULL;
  uv_close((uv_handle_t *)&self->end, NULL);
}

static void on_end_deadline(uv_timer_t *timer) {
  ps_gateway *self = timer->data;
  ps_log(PENSTOCK_LOG_WARN, self->options->profile,
         "a transport did not come back in time and is left behind; the process ends without it");
  abandoned = self;
  ps_desk_abandon(self->desk);
  ps_metrics_abandon(self->metrics);
  uv_stop(&self->loop);
}

/* Those that are inside a blocking connect() have nothing to finish: if there are no others, the end is near. */
static void hurry_if_blocked(ps_gateway *self) {
  uint32_t blocked = ps_crew_blocked(self->crew) + ps_swap_blocked(&self->swap);
  int only_blocked = blocked > 0 && blocked == ps_crew_lanes(self->crew) + ps_swap_lanes(&self->swap);
  if (only_blocked && uv_timer_get_due_in(&self->end) > BLOCKED_GRACE_MS) {
    (void)uv_timer_start(&self->end, on_end_deadline, BLOCKED_GRACE_MS, 0);
  }
}

static void begin_stop(ps_gateway *self, uint64_t drain_ms) {
  int stop_solver = strcmp(ps_gateway_setting(self, "on_exit", "keep"), "stop") == 0 && !self->options->check_only;
  if (!self->stopping) {
    self->stopping = 1;
    ps_listener_close(&self->acceptor);
    (void)ps_hold_refuse_all(&self->hold);
    if (!self->options->check_only) { /* after a check the next profile may still have a question */
      ps_prompt_cancel();
    }
  }
  (void)uv_timer_start(&self->end, on_end_deadline, drain_ms + END_MARGIN_MS, 0);
  hurry_if_blocked(self);
  ps_herald_stopping(self->herald, drain_ms + END_MARGIN_MS);
  ps_swap_stop(&self->swap, drain_ms);
  /* Streams of one that leaves may be the same solver's. */
  ps_crew_stop(self->crew, drain_ms, stop_solver, ps_swap_load(&self->swap) > 0);
}

/* The user wants it to end. `drain_ms` below 0: at first as the profile says, and at once if they ask again. */
uint64_t ps_gateway_end(void *context, int64_t drain) {
  ps_gateway *self = context;
  size_t streams = ps_crew_load(self->crew) + ps_swap_load(&self->swap);
  int64_t usual = self->stopping ? 0 : ps_settings_int(self->options->settings, "stop_timeout", 10000);
  uint64_t drain_ms = (uint64_t)(drain < 0 ? usual : drain);
  ps_prompt_cancel();
  if (streams > 0 && drain_ms > 0) {
    ps_log(PENSTOCK_LOG_INFO, self->options->profile,
           "ending: %zu stream%s may finish within %llu ms (a second signal ends %s at once)", streams,
           streams == 1 ? "" : "s", (unsigned long long)drain_ms, streams == 1 ? "it" : "them");
  }
  begin_stop(self, drain_ms);
  return drain_ms;
}

/* Sent by somebody, not by a terminal that has gone: what becomes of it is told in the log and by the events. */
static void reload_for_signal(ps_gateway *self) {
  ps_reload changes;
  ps_control_fault fault;
  ps_log(PENSTOCK_LOG_INFO, self->options->profile, "SIGHUP: the files are read anew");
  if (ps_gateway_reload(self, &changes, &fault) == PENSTOCK_OK) {
    ps_reload_free(&changes);
  }
}

static void on_signal(uv_signal_t *handle, int number) {
  ps_gateway *self = handle->data;
  if (ps_signals_reopens_log(number)) {
    ps_log_reopen();
  } else if (number == SIGHUP && self->options->reread && !ps_hangup_has_come()) {
    reload_for_signal(self);
  } else {
    (void)ps_gateway_end(self, ps_signals_patience_ms(number) > 0 ? PS_SESSION_DRAIN_MS : -1);
  }
}

static void on_session_end(void *context, int64_t drain_ms) {
  (void)ps_gateway_end(context, drain_ms);
}

static void open_session(ps_gateway *self) {
  char reason[128];
  int stops_solver = strcmp(ps_gateway_setting(self, "on_exit", "keep"), "stop") == 0;
  (void)snprintf(reason, sizeof(reason), "penstock %s of '%.64s'",
                 stops_solver ? "ends the solver" : "ends the connections", self->options->profile);
  self->session = ps_session_open(&self->loop, reason, on_session_end, self);
}

static void listen_to_signals(ps_gateway *self) {
  int is_immune = ps_hangup_is_ignored();
  ps_hangup_begin();
  for (size_t i = 0; i < PS_GATEWAY_SIGNALS; i++) {
    (void)uv_signal_init(&self->loop, &self->signals[i]);
    self->signals[i].data = self;
    if (ps_gateway_signals[i] != SIGHUP || !is_immune) {
      (void)uv_signal_start(&self->signals[i], on_signal, ps_gateway_signals[i]);
    }
  }
}

/* --- what the crew says ------------------------------------------------------------------------- */

static void on_crew_state(void *context, ps_crew *crew, int is_news, const penstock_error *error,
                          uint64_t next_try_ms) {
  ps_gateway *self = context;
  const ps_gateway_events *events = self->options->events;
  if (crew != self->crew) {
    ps_swap_state(&self->swap, crew, is_news, error);
    return;
  }
  if (is_news) {
    events->state(self->options->context, ps_crew_state(crew), error, next_try_ms);
  }
  if (self->stopping) {
    return;
  }
  ps_gateway_place_door(self);
  if (ps_crew_serves(crew)) {
    self->ever_up = 1;
    self->told_stopped = 0;
    give_out(self);
  } else if (ps_gateway_hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
  }
}

static void on_crew_leg(void *context, ps_crew *crew, uint32_t leg, uint64_t elapsed_ns, const char *text,
                        const penstock_error *error) {
  const ps_gateway *self = context;
  if (crew != self->crew) {
    ps_swap_leg(&self->swap, crew, leg, elapsed_ns, text, error);
  } else {
    self->options->events->leg(self->options->context, leg, elapsed_ns, text, error);
  }
}

static void on_crew_progress(void *context, ps_crew *crew, const char *text) {
  const ps_gateway *self = context;
  if (crew != self->crew) {
    ps_swap_progress(&self->swap, crew, text);
  } else {
    self->options->events->progress(self->options->context, text);
  }
}

/* A check has no listener, but must not say that all is well if there could be none. Only after all else: a container
 * that had to be started may be what takes the port. */
static void check_port(ps_gateway *self) {
  if (self->options->check_only && !self->failed &&
      ps_listener_try(ps_gateway_setting(self, "listen", "127.0.0.1:9090"), &self->error) != PENSTOCK_OK) {
    self->failed = 1;
  }
}

/* The one that comes is the one in use from now on. */
static void take(ps_gateway *self) {
  ps_crew *left = self->crew;
  const ps_crew_options *taken = ps_crew_options_of(self->swap.coming);
  (void)ps_crew_lend_door(left, 0);
  self->crew = ps_swap_take(&self->swap, left);
  self->own_options.profile = taken->profile;
  self->own_options.transport = taken->transport;
  self->own_options.settings = taken->settings;
  self->acceptor.options.source = taken->profile;
  self->acceptor.options.own_only = ps_crew_door(self->crew)->own_only;
  ps_log_about(taken->profile, taken->transport->name);
  on_crew_state(self, self->crew, 1, NULL, 0);
}

static void on_crew_serving(void *context, ps_crew *crew, int adopted, const char *protocol_version) {
  ps_gateway *self = context;
  if (crew == self->swap.coming) {
    take(self);
  } else if (crew != self->crew) {
    return;
  }
  check_port(self);
  if (!self->failed) {
    self->options->events->serving(self->options->context, adopted, protocol_version);
  }
  if (self->options->check_only) {
    begin_stop(self, 0);
  }
}

static void on_crew_returned(void *context, ps_crew *crew, ps_client *client) {
  ps_gateway *self = context;
  /* One that leaves has not served it, and need not: the one in use can do so at once. */
  if (crew == self->crew || self->stopping || ps_crew_serve(self->crew, client) != PENSTOCK_OK) {
    hold(self, client);
  }
}

static void on_crew_command(void *context, ps_crew *crew, void *call, const penstock_error *error) {
  const ps_gateway *self = context;
  (void)crew;
  ps_desk_command(self->desk, call, error);
}

static void on_crew_fatal(void *context, ps_crew *crew, const penstock_error *error) {
  ps_gateway *self = context;
  /* Another lane serves: this one alone is lost. That the one that comes has failed, its state has said. */
  if (crew != self->crew || self->ever_up || self->stopping) {
    return;
  }
  self->failed = 1;
  self->error = *error;
  begin_stop(self, 0);
}

/* Clients were not served while it was under way. */
static void on_crew_solver(void *context, ps_crew *crew, const ps_solver_outcome *outcome) {
  ps_gateway *self = context;
  if (crew != self->crew) {
    return;
  }
  if (!self->stopping) {
    ps_gateway_place_door(self);
    give_out(self);
  }
  ps_desk_answer_solver(self->desk, outcome);
}

/* Another profile is about to be used, of the same solver perhaps: it is to find what there is, and if it comes, nobody
 * uses this one any more. */
static int on_crew_may_restart(void *context, const ps_crew *crew) {
  const ps_gateway *self = context;
  if (crew != self->crew || !self->swap.coming) {
    return crew == self->crew;
  }
  ps_log(PENSTOCK_LOG_INFO, self->options->profile, "the solver hangs, and is left so while '%s' connects",
         ps_crew_options_of(self->swap.coming)->profile);
  return 0;
}

static void on_crew_report(void *context, ps_crew *crew, const ps_lane_report *report) {
  const ps_gateway *self = context;
  ps_desk_report(self->desk, report, crew == self->crew);
}

static void on_crew_ended(void *context, ps_crew *crew) {
  ps_gateway *self = context;
  if (crew == self->crew) {
    self->crew_ended = 1;
  } else {
    ps_swap_ended(&self->swap, crew);
  }
  if (self->crew_ended && ps_swap_lanes(&self->swap) == 0) {
    close_loop(self);
    return;
  }
  if (!self->stopping) {
    ps_gateway_place_door(self);
    return;
  }
  if (!self->crew_ended && ps_swap_load(&self->swap) == 0) {
    ps_crew_wait_no_more(self->crew);
  }
  hurry_if_blocked(self);
}

static const ps_crew_events crew_events = {
    .state = on_crew_state,
    .leg = on_crew_leg,
    .progress = on_crew_progress,
    .serving = on_crew_serving,
    .returned = on_crew_returned,
    .command = on_crew_command,
    .fatal = on_crew_fatal,
    .report = on_crew_report,
    .solver = on_crew_solver,
    .may_restart = on_crew_may_restart,
    .ended = on_crew_ended,
};

ps_crew *ps_gateway_open_crew(ps_gateway *self, const ps_gateway_profile *profile) {
  const ps_crew_options options = {.profile = profile->name,
                                   .transport = profile->transport,
                                   .settings = profile->settings,
                                   .check_only = self->options->check_only,
                                   .no_launch = self->options->no_launch,
                                   .told = self->options->told,
                                   .held = &self->hold.count,
                                   .count = &self->clients,
                                   .events = &crew_events,
                                   .context = self,
                                   .release = profile->release,
                                   .owner = profile->owner};
  return ps_crew_open(&self->loop, &options);
}

/* --- beginning ---------------------------------------------------------------------------------- */

static int open_listener(ps_gateway *self, penstock_error *error) {
  char bound[128];
  if (self->options->check_only) {
    return PENSTOCK_OK;
  }
  const ps_acceptor_options options = {.own_only = strcmp(ps_gateway_setting(self, "peers", "own"), "any") != 0,
                                       .source = self->options->profile,
                                       .full = is_full,
                                       .accepted = on_accepted,
                                       .context = self};
  int result = ps_listener_open(&self->acceptor, &self->loop, ps_gateway_setting(self, "listen", "127.0.0.1:9090"),
                                &options, bound, sizeof(bound), error);
  if (result == PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_INFO, self->options->profile, "listening on %s", bound);
    self->options->events->listening(self->options->context, bound);
  }
  return result;
}

static int open_gateway(ps_gateway *self, penstock_error *error) {
  int has_loop = uv_loop_init(&self->loop) == 0;
  const ps_gateway_profile first = {
      .name = self->options->profile, .transport = self->options->transport, .settings = self->options->settings};
  ps_swap_init(&self->swap, ps_gateway_on_swap, self);
  self->crew = has_loop ? ps_gateway_open_crew(self, &first) : NULL;
  if (!self->crew) {
    if (has_loop) {
      (void)uv_loop_close(&self->loop);
    }
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
  }
  ps_gateway_set_clients_max(self, self->crew);
  ps_hold_open(&self->hold, &self->loop, on_waiting, self);
  (void)uv_timer_init(&self->loop, &self->end);
  self->end.data = self;
  listen_to_signals(self);
  if (!self->options->check_only) {
    self->netwatch = ps_netwatch_start(&self->loop, on_network_changed, self);
    open_session(self);
    self->herald = ps_herald_open(&self->loop, &self->own_options);
  }
  ps_gateway_open_desk(self);
  return PENSTOCK_OK;
}

int ps_gateway_run(const ps_gateway_options *options, penstock_error *error) {
  ps_gateway *self = calloc(1, sizeof(*self));
  if (!self) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return PENSTOCK_E_NOMEM;
  }
  self->own_options = *options;
  self->told = ps_gateway_events_whole(options->events);
  self->own_options.events = &self->told;
  self->options = &self->own_options;
  self->acceptor.socket = PENSTOCK_SOCKET_NONE;
  ps_signals_prepare();
  self->descriptors = ps_net_raise_limit();
  int result = open_gateway(self, error);
  if (result != PENSTOCK_OK) {
    free(self);
    return result;
  }
  result = open_listener(self, error);
  if (result == PENSTOCK_OK) {
    result = ps_crew_start(self->crew, self->acceptor.socket, error);
  }
  if (result != PENSTOCK_OK && ps_crew_lanes(self->crew) > 0) {
    self->failed = 1;
    self->error = *error;
    begin_stop(self, 0);
  } else if (result != PENSTOCK_OK) {
    close_loop(self);
  }
  (void)uv_run(&self->loop, UV_RUN_DEFAULT);
  ps_log(PENSTOCK_LOG_INFO, options->profile, "ended"); /* another that was in use may be gone */
  if (self->failed) {
    *error = self->error;
    result = PENSTOCK_E_FAILED;
  }
  if (abandoned == self) {
    return result;
  }
  (void)uv_loop_close(&self->loop);
  ps_metrics_free(self->metrics);
  ps_settings_free(self->common);
  free(self);
  return result;
}

int ps_gateway_abandoned(void) {
  return abandoned != NULL;
}
