/* SPDX-License-Identifier: MIT */
/* The gateway: one listener in front, a crew of lanes behind (and others that come or leave), what waits between them,
 * and the orderly end. */
#include "gateway/gateway.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/crew.h"
#include "gateway/desk.h"
#include "gateway/herald.h"
#include "gateway/hold.h"
#include "gateway/listener.h"
#include "gateway/metrics.h"
#include "gateway/swap.h"
#include "host/prompt.h"
#include "log/log.h"
#include "net/net.h"
#include "net/netwatch.h"

/* Descriptors for all that is no connection: what each lane has, and what scripts, look-ups and pipes need. */
#define DESCRIPTORS_KEPT        28
#define DESCRIPTORS_KEPT_A_LANE 6
/* A lane inside a blocking connect() has nothing to finish: it is waited for this long, then left. */
#define BLOCKED_GRACE_MS 1000
/* Beyond the drain: the transport's stop step and its closing. */
#define END_MARGIN_MS 15000

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

typedef struct gateway {
  const ps_gateway_options *options; /**< = &own_options; its profile is the one in use */
  ps_gateway_options own_options;
  uv_loop_t loop;
  ps_acceptor acceptor;
  atomic_uint_fast64_t clients; /**< so far */
  ps_hold hold;
  ps_crew *crew; /**< the one in use */
  int crew_ended;
  ps_swap swap;        /**< the others */
  ps_desk *desk;       /**< NULL if it cannot be asked */
  ps_metrics *metrics; /**< NULL if nobody may ask for them */
  ps_herald *herald;   /**< NULL if no service manager wants to be told */
  uv_signal_t signals[SIGNAL_COUNT];
  ps_netwatch *netwatch; /**< NULL where the system does not tell */
  uv_timer_t end;        /**< the deadline of the orderly end */
  int ever_up;
  int stopping;
  int failed; /**< `error` says why the run ends */
  penstock_error error;
  size_t descriptors; /**< that the process may have */
} gateway;

/* Left behind on purpose when a lane could not be waited for: its thread still posts here. */
static gateway *abandoned;

static const char *setting(const gateway *self, const char *key, const char *otherwise) {
  const char *value = ps_settings_string(self->options->settings, key);
  return value ? value : otherwise;
}

/* --- clients ------------------------------------------------------------------------------------ */

/* Who takes connections in: the crew's lane if it can do so by itself, else the gateway; and while another crew has
 * streams yet, which count too, it is the gateway that knows of all. */
static void place_door(gateway *self) {
  int has_port = self->acceptor.socket != PENSTOCK_SOCKET_NONE;
  int is_lent = ps_crew_lend_door(self->crew, has_port && !self->stopping && self->swap.leaving_count == 0);
  if (has_port) {
    ps_acceptor_set(&self->acceptor, !is_lent);
  }
}

static void on_network_changed(void *context) {
  const gateway *self = context;
  ps_log(PENSTOCK_LOG_DEBUG, self->options->profile, "the network of this machine has changed");
  ps_crew_network_changed(self->crew);
}

static int hopeless(const gateway *self) {
  return ps_crew_hopeless(self->crew) && !self->swap.coming;
}

static void hold(gateway *self, ps_client *client) {
  if (self->stopping || hopeless(self)) {
    ps_client_refuse(client);
    return;
  }
  ps_hold_add(&self->hold, client);
  ps_crew_wake(self->crew);
}

static void give_out(gateway *self) {
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
  gateway *self = context;
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
  const gateway *self = context;
  return ps_door_is_full(ps_crew_door(self->crew), ps_crew_load(self->crew) + ps_swap_load(&self->swap));
}

/* For one that is not in use yet: the one that is will leave, and needs descriptors until it has gone. */
static void set_clients_max(const gateway *self, ps_crew *crew) {
  uint32_t others = ps_swap_lanes(&self->swap) + (crew == self->crew ? 0 : ps_crew_lanes(self->crew));
  size_t kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_A_LANE * (size_t)(ps_crew_most(crew) + others);
  kept += self->options->control ? ps_desk_descriptors(self->descriptors) : 0;
  ps_crew_door(crew)->clients_max = self->descriptors > kept + 2 ? (self->descriptors - kept) / 2 : 1;
}

static void on_accepted(void *context, penstock_socket socket) {
  gateway *self = context;
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

static void close_loop(gateway *self) {
  ps_crew_close(self->crew);
  ps_listener_close(&self->acceptor);
  ps_hold_close(&self->hold);
  ps_desk_close(self->desk);
  self->desk = NULL;
  ps_metrics_close(self->metrics);
  ps_herald_close(self->herald);
  self->herald = NULL;
  for (size_t i = 0; i < SIGNAL_COUNT; i++) {
    uv_close((uv_handle_t *)&self->signals[i], NULL);
    /* Somebody impatient must not kill the process while it says its last words. A check goes on to the next profile.
     */
    if (!self->options->check_only) {
      (void)signal(signals[i], SIG_IGN);
    }
  }
  ps_netwatch_stop(self->netwatch);
  self->netwatch = NULL;
  uv_close((uv_handle_t *)&self->end, NULL);
}

static void on_end_deadline(uv_timer_t *timer) {
  gateway *self = timer->data;
  ps_log(PENSTOCK_LOG_WARN, self->options->profile,
         "a transport did not come back in time and is left behind; the process ends without it");
  abandoned = self;
  ps_desk_abandon(self->desk);
  ps_metrics_abandon(self->metrics);
  uv_stop(&self->loop);
}

static void begin_stop(gateway *self, uint64_t drain_ms) {
  int stop_solver = strcmp(setting(self, "on_exit", "keep"), "stop") == 0 && !self->options->check_only;
  if (!self->stopping) {
    self->stopping = 1;
    ps_listener_close(&self->acceptor);
    (void)ps_hold_refuse_all(&self->hold);
    if (!self->options->check_only) { /* after a check the next profile may still have a question */
      ps_prompt_cancel();
    }
  }
  uint32_t blocked = ps_crew_blocked(self->crew) + ps_swap_blocked(&self->swap);
  int only_blocked = blocked > 0 && blocked == ps_crew_lanes(self->crew) + ps_swap_lanes(&self->swap);
  (void)uv_timer_start(&self->end, on_end_deadline, only_blocked ? BLOCKED_GRACE_MS : drain_ms + END_MARGIN_MS, 0);
  ps_herald_stopping(self->herald, drain_ms + END_MARGIN_MS);
  ps_swap_stop(&self->swap, drain_ms);
  /* Streams of one that leaves may be the same solver's. */
  ps_crew_stop(self->crew, drain_ms, stop_solver, ps_swap_load(&self->swap) > 0);
}

/* The user wants it to end. `drain_ms` below 0: at first as the profile says, and at once if they ask again. */
static uint64_t end_in_order(void *context, int64_t drain) {
  gateway *self = context;
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

static void on_signal(uv_signal_t *handle, int number) {
  if (number == SIGUSR1) {
    ps_log_reopen();
  } else {
    (void)end_in_order(handle->data, -1);
  }
}

/* --- what the crew says ------------------------------------------------------------------------- */

static void on_crew_state(void *context, ps_crew *crew, int is_news, const penstock_error *error,
                          uint64_t next_try_ms) {
  gateway *self = context;
  const ps_gateway_events *events = self->options->events;
  if (crew != self->crew) {
    ps_swap_state(&self->swap, crew, is_news, error);
    return;
  }
  if (is_news && events->state) {
    events->state(self->options->context, ps_crew_state(crew), error, next_try_ms);
  }
  if (self->stopping) {
    return;
  }
  place_door(self);
  if (ps_crew_serves(crew)) {
    self->ever_up = 1;
    give_out(self);
  } else if (hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
  }
}

static void on_crew_leg(void *context, ps_crew *crew, uint32_t leg, uint64_t elapsed_ns, const char *text,
                        const penstock_error *error) {
  const gateway *self = context;
  if (crew != self->crew) {
    ps_swap_leg(&self->swap, crew, leg, elapsed_ns, text, error);
  } else if (self->options->events->leg) {
    self->options->events->leg(self->options->context, leg, elapsed_ns, text, error);
  }
}

static void on_crew_progress(void *context, ps_crew *crew, const char *text) {
  const gateway *self = context;
  if (crew != self->crew) {
    ps_swap_progress(&self->swap, crew, text);
  } else if (self->options->events->progress) {
    self->options->events->progress(self->options->context, text);
  }
}

/* A check has no listener, but must not say that all is well if there could be none. Only after all else: a container
 * that had to be started may be what takes the port. */
static void check_port(gateway *self) {
  if (self->options->check_only && !self->failed &&
      ps_listener_try(setting(self, "listen", "127.0.0.1:9090"), &self->error) != PENSTOCK_OK) {
    self->failed = 1;
  }
}

/* The one that comes is the one in use from now on. */
static void take(gateway *self) {
  ps_crew *left = self->crew;
  const ps_crew_options *taken = ps_crew_options_of(self->swap.coming);
  (void)ps_crew_lend_door(left, 0);
  self->crew = ps_swap_take(&self->swap, left);
  self->own_options.profile = taken->profile;
  self->own_options.transport = taken->transport;
  self->own_options.settings = taken->settings;
  self->acceptor.options.source = taken->profile;
  self->acceptor.options.own_only = ps_crew_door(self->crew)->own_only;
  on_crew_state(self, self->crew, 1, NULL, 0);
}

static void on_crew_serving(void *context, ps_crew *crew, int adopted, const char *protocol_version) {
  gateway *self = context;
  if (crew == self->swap.coming) {
    take(self);
  } else if (crew != self->crew) {
    return;
  }
  check_port(self);
  if (self->options->events->serving && !self->failed) {
    self->options->events->serving(self->options->context, adopted, protocol_version);
  }
  if (self->options->check_only) {
    begin_stop(self, 0);
  }
}

static void on_crew_returned(void *context, ps_crew *crew, ps_client *client) {
  gateway *self = context;
  /* One that leaves has not served it, and need not: the one in use can do so at once. */
  if (crew == self->crew || self->stopping || ps_crew_serve(self->crew, client) != PENSTOCK_OK) {
    hold(self, client);
  }
}

static void on_crew_fatal(void *context, ps_crew *crew, const penstock_error *error) {
  gateway *self = context;
  /* Another lane serves: this one alone is lost. That the one that comes has failed, its state has said. */
  if (crew != self->crew || self->ever_up || self->stopping) {
    return;
  }
  self->failed = 1;
  self->error = *error;
  begin_stop(self, 0);
}

static void on_crew_report(void *context, ps_crew *crew, const ps_lane_report *report) {
  const gateway *self = context;
  (void)crew;
  ps_desk_report(self->desk, report);
}

static void on_crew_ended(void *context, ps_crew *crew) {
  gateway *self = context;
  if (crew == self->crew) {
    self->crew_ended = 1;
  } else {
    ps_swap_ended(&self->swap, crew);
  }
  if (self->crew_ended && ps_swap_lanes(&self->swap) == 0) {
    close_loop(self);
  } else if (!self->stopping) {
    place_door(self);
  } else if (!self->crew_ended && ps_swap_load(&self->swap) == 0) {
    ps_crew_wait_no_more(self->crew);
  }
}

static const ps_crew_events crew_events = {
    .state = on_crew_state,
    .leg = on_crew_leg,
    .progress = on_crew_progress,
    .serving = on_crew_serving,
    .returned = on_crew_returned,
    .fatal = on_crew_fatal,
    .report = on_crew_report,
    .ended = on_crew_ended,
};

static ps_crew *open_crew(gateway *self, const ps_gateway_profile *profile) {
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

/* --- what the desk asks ------------------------------------------------------------------------- */

static void on_count(void *context, ps_desk_counts *counts) {
  const gateway *self = context;
  counts->streams = ps_crew_load(self->crew) + ps_swap_load(&self->swap);
  counts->held = self->hold.count;
  counts->lanes = ps_crew_lanes(self->crew) + ps_swap_lanes(&self->swap);
  counts->refused = self->hold.refused;
}

static size_t on_ask_reports(void *context, uint64_t ticket) {
  const gateway *self = context;
  return ps_crew_ask_reports(self->crew, ticket) + ps_swap_ask_reports(&self->swap, ticket);
}

static size_t on_reconnect(void *context) {
  const gateway *self = context;
  if (self->stopping) {
    return 0;
  }
  ps_crew_reconnect(self->crew);
  return ps_crew_lanes(self->crew);
}

static json_t *on_leaving(void *context) {
  const gateway *self = context;
  return ps_swap_leaving_json(&self->swap);
}

static int refuse_use(const gateway *self, const char *name, ps_control_fault *fault) {
  if (self->stopping) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it with that profile: penstock up %s", name);
  } else if (self->swap.coming) {
    ps_control_fault_set(fault, "swapping", "the gateway is about to use '%s' already",
                         ps_crew_options_of(self->swap.coming)->profile);
    ps_control_fault_next(fault, "try again when that has served or failed; `penstock status` shows how far it is");
  } else if (self->swap.leaving_count >= PS_SWAP_LEAVING_MAX) {
    ps_control_fault_set(fault, "swapping", "%zu profiles that were left have streams yet", self->swap.leaving_count);
    ps_control_fault_next(fault, "try again when the streams of one have ended; `penstock status` shows them");
  } else if (!self->options->find) {
    ps_control_fault_set(fault, "failed", "this gateway has no other profile");
    ps_control_fault_next(fault, "start one with that profile: penstock up %s", name);
  } else {
    return 0;
  }
  return PENSTOCK_E_FAILED;
}

/* Clients point at the port: so a profile that is to be reached elsewhere is another gateway's. */
static int same_port(const gateway *self, const ps_gateway_profile *profile, penstock_error *error) {
  const char *other = ps_settings_string(profile->settings, "listen");
  const char *ours = setting(self, "listen", "127.0.0.1:9090");
  other = other ? other : "127.0.0.1:9090";
  if (strcmp(other, ours) == 0) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "profile '%s' listens on %s, this gateway on %s", profile->name, other, ours);
  penstock_next(error, "give both the same `listen`, or run it beside this one: penstock up %s", profile->name);
  return PENSTOCK_E_INVALID;
}

static int begin_use(gateway *self, const char *name, int64_t drain_ms, penstock_error *error) {
  ps_gateway_profile profile = {0};
  int result = self->options->find(self->options->find_context, name, &profile, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  result = same_port(self, &profile, error);
  ps_crew *crew = result == PENSTOCK_OK ? open_crew(self, &profile) : NULL;
  if (!crew && result == PENSTOCK_OK) {
    result = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    penstock_next(error, "try again when there are fewer streams");
  }
  if (!crew) {
    if (profile.release) {
      profile.release(profile.owner);
    }
    return result;
  }
  set_clients_max(self, crew);
  return ps_swap_begin(&self->swap, crew, self->crew, self->acceptor.socket, drain_ms, error);
}

static int on_use(void *context, const char *name, int64_t drain_ms, ps_control_fault *fault) {
  gateway *self = context;
  penstock_error error;
  if (refuse_use(self, name, fault) != 0) {
    return PENSTOCK_E_FAILED;
  }
  memset(&error, 0, sizeof(error));
  int result = begin_use(self, name, drain_ms, &error);
  if (result != PENSTOCK_OK) {
    int is_ours = error.error_class == PENSTOCK_CLASS_INTERNAL;
    ps_control_fault_set(fault, is_ours ? "failed" : "bad-profile", "%s", error.what);
    ps_control_fault_next(fault, "%s", error.next);
    ps_control_fault_cause(fault, &error);
  }
  return result;
}

/* The one that was to come has not: the one in use goes on, and nobody else is to be waited for. */
static void on_swap(void *context, const ps_swap_event *event) {
  gateway *self = context;
  if (self->options->events->swap) {
    self->options->events->swap(self->options->context, event);
  }
  if (event->step == PS_SWAP_FAILED && !self->stopping && hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
  }
}

static void open_desk(gateway *self) {
  const ps_desk_gateway face = {.context = self,
                                .count = on_count,
                                .ask_reports = on_ask_reports,
                                .stop = end_in_order,
                                .reconnect = on_reconnect,
                                .use = on_use,
                                .leaving = on_leaving};
  self->desk = self->options->control ? ps_desk_open(&self->loop, &self->own_options, &face, self->descriptors) : NULL;
  if (self->desk && self->options->metrics) {
    self->metrics = ps_metrics_open(&self->loop, self->options->metrics, self->options->profile, self->desk);
  }
}

/* --- beginning ---------------------------------------------------------------------------------- */

static int open_listener(gateway *self, penstock_error *error) {
  char bound[128];
  if (self->options->check_only) {
    return PENSTOCK_OK;
  }
  const ps_acceptor_options options = {.own_only = strcmp(setting(self, "peers", "own"), "any") != 0,
                                       .source = self->options->profile,
                                       .full = is_full,
                                       .accepted = on_accepted,
                                       .context = self};
  int result = ps_listener_open(&self->acceptor, &self->loop, setting(self, "listen", "127.0.0.1:9090"), &options,
                                bound, sizeof(bound), error);
  if (result == PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_INFO, self->options->profile, "listening on %s", bound);
    if (self->options->events->listening) {
      self->options->events->listening(self->options->context, bound);
    }
  }
  return result;
}

static int open_gateway(gateway *self, penstock_error *error) {
  int has_loop = uv_loop_init(&self->loop) == 0;
  const ps_gateway_profile first = {
      .name = self->options->profile, .transport = self->options->transport, .settings = self->options->settings};
  ps_swap_init(&self->swap, on_swap, self);
  self->crew = has_loop ? open_crew(self, &first) : NULL;
  if (!self->crew) {
    if (has_loop) {
      (void)uv_loop_close(&self->loop);
    }
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
  }
  set_clients_max(self, self->crew);
  ps_hold_open(&self->hold, &self->loop, on_waiting, self);
  (void)uv_timer_init(&self->loop, &self->end);
  self->end.data = self;
  for (size_t i = 0; i < SIGNAL_COUNT; i++) {
    (void)uv_signal_init(&self->loop, &self->signals[i]);
    self->signals[i].data = self;
    (void)uv_signal_start(&self->signals[i], on_signal, signals[i]);
  }
  if (!self->options->check_only) {
    self->netwatch = ps_netwatch_start(&self->loop, on_network_changed, self);
    self->herald = ps_herald_open(&self->loop, &self->own_options);
  }
  open_desk(self);
  return PENSTOCK_OK;
}

int ps_gateway_run(const ps_gateway_options *options, penstock_error *error) {
  static const ps_gateway_events no_events;
  gateway *self = calloc(1, sizeof(*self));
  if (!self) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return PENSTOCK_E_NOMEM;
  }
  self->own_options = *options;
  self->own_options.events = options->events ? options->events : &no_events;
  self->options = &self->own_options;
  self->acceptor.socket = PENSTOCK_SOCKET_NONE;
  (void)signal(SIGPIPE, SIG_IGN);
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
  free(self);
  return result;
}

int ps_gateway_abandoned(void) {
  return abandoned != NULL;
}
