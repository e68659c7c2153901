/* SPDX-License-Identifier: MIT */
/* The gateway: one listener in front, lanes behind, what waits between them, and the orderly end. */
#include "gateway/gateway.h"

#include <signal.h>
#include <stdlib.h>

#include "gateway/desk.h"
#include "gateway/hold.h"
#include "gateway/listener.h"
#include "host/prompt.h"
#include "lane/lane.h"
#include "log/log.h"
#include "net/net.h"
#include "net/netwatch.h"

#define MAX_LANES 16
/* `lanes = auto`: the most, and how many streams each has before there is use for another. */
#define AUTO_LANES     4
#define AUTO_LANE_BUSY 2
/* Descriptors for all that is no connection: what each lane has, and what scripts, look-ups and pipes need. */
#define DESCRIPTORS_KEPT        28
#define DESCRIPTORS_KEPT_A_LANE 6
/* A lane inside a blocking connect() has nothing to finish: it is waited for this long, then left. */
#define BLOCKED_GRACE_MS 1000
/* Beyond the drain: the transport's stop step and its closing. */
#define END_MARGIN_MS 15000

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

typedef struct lane_slot {
  ps_lane *lane; /**< NULL once it has ended */
  ps_state state;
  int gave_up;
} lane_slot;

typedef struct gateway {
  const ps_gateway_options *options; /**< = &own_options, which lives as long as the lanes that read it */
  ps_gateway_options own_options;
  uv_loop_t loop;
  ps_mailbox inbox;
  ps_acceptor acceptor;
  ps_door door;
  int door_is_lent; /**< the lane takes connections in by itself */
  ps_hold hold;
  ps_desk *desk; /**< NULL if it cannot be asked */
  uv_signal_t signals[SIGNAL_COUNT];
  ps_netwatch *netwatch; /**< NULL where the system does not tell */
  uv_timer_t end;        /**< the deadline of the orderly end */
  lane_slot lanes[MAX_LANES];
  uint32_t lane_count; /**< started */
  uint32_t lanes_left; /**< not ended yet */
  uint32_t lanes_most; /**< that there will be */
  ps_launch_gate launch_gate;
  ps_state state;
  int ever_up;
  int told_serving; /**< since no lane was up the last time */
  int stopping;
  int failed; /**< `error` says why the run ends */
  penstock_error error;
  uint64_t drain_end_ns;
  size_t descriptors; /**< that the process may have */
} gateway;

/* Left behind on purpose when a lane could not be waited for: its thread still posts here. */
static gateway *abandoned;

static int serves(ps_state state) {
  return state == PS_STATE_UP || state == PS_STATE_DEGRADED;
}

static const char *setting(const gateway *self, const char *key, const char *otherwise) {
  const char *value = ps_settings_string(self->options->settings, key);
  return value ? value : otherwise;
}

/* --- lanes ------------------------------------------------------------------------------------------ */

static int is_auto(const gateway *self) {
  return strcmp(setting(self, "lanes", ""), "auto") == 0;
}

static void set_lanes_most(gateway *self) {
  unsigned cores = uv_available_parallelism();
  int64_t most = ps_settings_int(self->options->settings, "lanes", cores < AUTO_LANES ? cores : AUTO_LANES);
  self->lanes_most = self->options->check_only ? 1 : most < MAX_LANES ? (uint32_t)most : MAX_LANES;
}

/* Who takes connections in: one lane has no rival and does it by itself while it serves, so that a connection need not
 * wait until two threads have been woken, one after the other. Several must be chosen between. */
static int may_lend_door(const gateway *self) {
  return self->lanes_most == 1 && self->acceptor.socket != PENSTOCK_SOCKET_NONE;
}

static void place_door(gateway *self) {
  ps_lane *lane = self->lanes[0].lane;
  int is_lent = lane && may_lend_door(self) && !self->stopping && serves(self->lanes[0].state);
  if (is_lent == self->door_is_lent) {
    return;
  }
  if (lane && ps_lane_accept(lane, is_lent) != PENSTOCK_OK) {
    is_lent = 0; /* if it goes on, that does no harm: what it cannot serve comes back */
  }
  self->door_is_lent = is_lent;
  ps_acceptor_set(&self->acceptor, !is_lent);
}

static int start_lane(gateway *self, penstock_error *error) {
  ps_lane_options lane = {.profile = self->options->profile,
                          .transport = self->options->transport,
                          .settings = self->options->settings,
                          .check_only = self->options->check_only,
                          .no_launch = self->options->no_launch,
                          .told = self->options->told && self->lanes_most == 1,
                          .index = self->lane_count,
                          .out = &self->inbox,
                          .gate = &self->launch_gate,
                          .door = &self->door,
                          .listening = PENSTOCK_SOCKET_NONE};
  if (may_lend_door(self)) {
    lane.listening = ps_net_duplicate(self->acceptor.socket);
  }
  lane_slot *slot = &self->lanes[self->lane_count];
  slot->lane = ps_lane_start(&lane, error);
  if (!slot->lane) {
    return PENSTOCK_E_LIMIT;
  }
  self->lane_count++;
  self->lanes_left++;
  return PENSTOCK_OK;
}

/* A login may ask the user something, and a far side may allow one only: so one at a time, and none while another is in
 * trouble. */
static void add_lane(gateway *self) {
  penstock_error error;
  if (self->stopping || self->lane_count >= self->lanes_most) {
    return;
  }
  for (uint32_t i = 0; i < self->lane_count; i++) {
    const lane_slot *slot = &self->lanes[i];
    if (!slot->lane || !serves(slot->state) || ps_lane_load(slot->lane) < AUTO_LANE_BUSY) {
      return;
    }
  }
  if (start_lane(self, &error) != PENSTOCK_OK) {
    self->lanes_most = self->lane_count;
    ps_log(PENSTOCK_LOG_WARN, self->options->profile, "there will be no more lanes: %s", error.what);
  }
}

/* --- clients ------------------------------------------------------------------------------------ */

static ps_lane *least_loaded(const gateway *self) {
  ps_lane *best = NULL;
  for (uint32_t i = 0; i < self->lane_count; i++) {
    const lane_slot *slot = &self->lanes[i];
    if (slot->lane && serves(slot->state) && (!best || ps_lane_load(slot->lane) < ps_lane_load(best))) {
      best = slot->lane;
    }
  }
  return best;
}

static void wake_lanes(const gateway *self) {
  for (uint32_t i = 0; i < self->lane_count; i++) {
    if (self->lanes[i].lane && !serves(self->lanes[i].state)) {
      ps_lane_wake(self->lanes[i].lane);
    }
  }
}

static size_t each_lane(const gateway *self, void (*each)(ps_lane *lane)) {
  for (uint32_t i = 0; i < self->lane_count; i++) {
    if (self->lanes[i].lane) {
      each(self->lanes[i].lane);
    }
  }
  return self->lanes_left;
}

static void on_network_changed(void *context) {
  const gateway *self = context;
  ps_log(PENSTOCK_LOG_DEBUG, self->options->profile, "the network of this machine has changed");
  (void)each_lane(self, ps_lane_network_changed);
}

static int hopeless(const gateway *self) {
  for (uint32_t i = 0; i < self->lane_count; i++) {
    if (self->lanes[i].lane && !self->lanes[i].gave_up) {
      return 0;
    }
  }
  return 1;
}

static void hold(gateway *self, ps_client *client) {
  if (self->stopping || hopeless(self)) {
    ps_client_refuse(client);
    return;
  }
  ps_hold_add(&self->hold, client);
  wake_lanes(self);
}

static void give_out(gateway *self) {
  ps_lane *lane = least_loaded(self);
  size_t left = self->hold.count; /* those that come back meanwhile wait for the next tick */
  while (lane && left-- > 0) {
    ps_client *client = ps_hold_take(&self->hold);
    if (!client) {
      return;
    }
    ps_lane_serve(lane, client);
    lane = least_loaded(self);
  }
}

static void on_waiting(void *context) {
  gateway *self = context;
  size_t expired = ps_hold_expire(&self->hold, uv_hrtime());
  if (expired > 0) {
    ps_log(PENSTOCK_LOG_WARN, self->options->profile,
           "%zu connection%s held for %llu ms and refused: the transport is not up", expired,
           expired == 1 ? " was" : "s were", (unsigned long long)(self->door.hold_ns / 1000000));
  }
  give_out(self);
  wake_lanes(self);
}

static size_t count_streams(const gateway *self) {
  size_t streams = 0;
  for (uint32_t i = 0; i < self->lane_count; i++) {
    streams += self->lanes[i].lane ? ps_lane_load(self->lanes[i].lane) : 0;
  }
  return streams;
}

static int is_full(void *context) {
  const gateway *self = context;
  return ps_door_is_full(&self->door, count_streams(self));
}

static void set_clients_max(gateway *self) {
  size_t kept = DESCRIPTORS_KEPT + DESCRIPTORS_KEPT_A_LANE * (size_t)self->lanes_most;
  kept += self->options->control ? ps_desk_descriptors(self->descriptors) : 0;
  self->door.clients_max = self->descriptors > kept + 2 ? (self->descriptors - kept) / 2 : 1;
}

static void on_accepted(void *context, penstock_socket socket) {
  gateway *self = context;
  ps_client *client = ps_door_enter(&self->door, socket);
  if (!client) {
    return;
  }
  ps_lane *lane = least_loaded(self);
  if (lane) {
    add_lane(self);
    ps_lane_serve(lane, client);
  } else {
    hold(self, client);
  }
}

/* --- the orderly end ---------------------------------------------------------------------------- */

static void close_loop(gateway *self) {
  ps_listener_close(&self->acceptor);
  ps_hold_close(&self->hold);
  ps_desk_close(self->desk);
  self->desk = NULL;
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
  ps_mailbox_close(&self->inbox, NULL);
}

static void on_end_deadline(uv_timer_t *timer) {
  gateway *self = timer->data;
  ps_log(PENSTOCK_LOG_WARN, self->options->profile,
         "a transport did not come back in time and is left behind; the process ends without it");
  abandoned = self;
  ps_desk_abandon(self->desk);
  uv_stop(&self->loop);
}

static uint64_t drain_left_ms(const gateway *self) {
  uint64_t now = uv_hrtime();
  return now < self->drain_end_ns ? (self->drain_end_ns - now) / 1000000 : 0;
}

/* The lane that stops the solver goes last, so that no other lane's streams lose it while they may still finish. */
static void stop_lanes(gateway *self) {
  int stop_solver = strcmp(setting(self, "on_exit", "keep"), "stop") == 0 && !self->options->check_only;
  lane_slot *last = NULL;
  for (uint32_t i = 0; i < self->lane_count && stop_solver; i++) {
    lane_slot *slot = &self->lanes[i];
    if (slot->lane && (!last || (serves(slot->state) && !serves(last->state)))) {
      last = slot;
    }
  }
  int others = 0; /* a lane that is stuck in connect() has no streams, and is not waited for */
  for (uint32_t i = 0; i < self->lane_count; i++) {
    const lane_slot *slot = &self->lanes[i];
    others += slot->lane && slot != last && !ps_lane_blocked(slot->lane);
  }
  for (uint32_t i = 0; i < self->lane_count; i++) {
    lane_slot *slot = &self->lanes[i];
    if (slot->lane && (slot != last || others == 0)) {
      ps_lane_stop(slot->lane, drain_left_ms(self), slot == last);
    }
  }
}

static void begin_stop(gateway *self, uint64_t drain_ms) {
  uint64_t blocked = 0;
  self->drain_end_ns = uv_hrtime() + drain_ms * 1000000;
  if (!self->stopping) {
    self->stopping = 1;
    ps_listener_close(&self->acceptor);
    (void)ps_hold_refuse_all(&self->hold);
    if (!self->options->check_only) { /* after a check the next profile may still have a question */
      ps_prompt_cancel();
    }
  }
  for (uint32_t i = 0; i < self->lane_count; i++) {
    blocked += self->lanes[i].lane && ps_lane_blocked(self->lanes[i].lane) ? 1 : 0;
  }
  int only_blocked = blocked > 0 && blocked == self->lanes_left;
  (void)uv_timer_start(&self->end, on_end_deadline, only_blocked ? BLOCKED_GRACE_MS : drain_ms + END_MARGIN_MS, 0);
  stop_lanes(self);
}

/* The user wants it to end. `drain_ms` below 0: at first as the profile says, and at once if they ask again. */
static uint64_t end_in_order(void *context, int64_t drain) {
  gateway *self = context;
  size_t streams = count_streams(self);
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

/* --- what lanes say ----------------------------------------------------------------------------- */

static ps_state best_state(const gateway *self) {
  static const int rank[] = {[PS_STATE_DOWN] = 0,      [PS_STATE_STOPPING] = 1, [PS_STATE_CONNECTING] = 2,
                             [PS_STATE_LAUNCHING] = 3, [PS_STATE_DEGRADED] = 4, [PS_STATE_UP] = 5};
  ps_state best = PS_STATE_DOWN;
  for (uint32_t i = 0; i < self->lane_count; i++) {
    if (self->lanes[i].lane && rank[self->lanes[i].state] > rank[best]) {
      best = self->lanes[i].state;
    }
  }
  return self->stopping ? PS_STATE_STOPPING : best;
}

static void on_lane_state(gateway *self, lane_slot *slot, const ps_lane_event *event) {
  const ps_gateway_events *events = self->options->events;
  ps_state before = self->state;
  slot->state = event->state;
  slot->gave_up = event->state == PS_STATE_DOWN && event->next_try_ms == 0;
  self->state = best_state(self);
  int news = self->state != before || (event->has_error && self->state == event->state);
  if (self->state != before) {
    /* Why it is down is logged by the lane, once; each try again would be two more lines. */
    int routine = self->state == PS_STATE_DOWN || self->state == PS_STATE_CONNECTING;
    ps_log(routine ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_INFO, self->options->profile, "%s", ps_state_name(self->state));
  }
  if (news && events->state) {
    events->state(self->options->context, self->state, event->has_error ? &event->error : NULL, event->next_try_ms);
  }
  if (self->stopping) {
    return;
  }
  self->told_serving = self->told_serving && serves(self->state);
  place_door(self);
  if (serves(slot->state)) {
    self->ever_up = 1;
    give_out(self);
  } else if (hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
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

static void on_lane_serving(gateway *self, const ps_lane_event *event) {
  const ps_gateway_events *events = self->options->events;
  ps_log(PENSTOCK_LOG_INFO, self->options->profile, "serving: %s%s%s",
         event->adopted ? "found what answers at the endpoint" : "launched the solver",
         event->text[0] ? ", protocol " : "", event->text);
  if (self->told_serving) {
    return; /* another lane was faster */
  }
  self->told_serving = 1;
  check_port(self);
  if (events->serving && !self->failed) {
    events->serving(self->options->context, event->adopted, event->text);
  }
  if (self->options->check_only) {
    begin_stop(self, 0);
  }
}

static void on_lane_fatal(gateway *self, const ps_lane_event *event) {
  /* Another lane serves: this one alone is lost. */
  if (self->ever_up || self->stopping) {
    return;
  }
  self->failed = 1;
  self->error = event->error;
  begin_stop(self, 0);
}

static void on_lane_stopped(gateway *self, lane_slot *slot) {
  ps_lane_join(slot->lane);
  slot->lane = NULL;
  self->lanes_left--;
  if (self->lanes_left == 0) {
    close_loop(self);
  } else if (self->stopping) {
    stop_lanes(self);
  }
}

/* The way is the same for all lanes: the first tells it. But whichever launches or stops the solver tells how
 * that goes, from the check of what it needs. */
static int speaks(const ps_lane_event *event) {
  int checks = event->kind == PS_LANE_LEG && event->leg == PENSTOCK_LEG_EXEC;
  int launches =
      checks || (event->state == PS_STATE_LAUNCHING && (event->has_error || event->leg != PENSTOCK_LEG_ENDPOINT));
  int ends = event->state == PS_STATE_STOPPING && event->has_error;
  return ps_lane_index(event->lane) == 0 || launches || ends;
}

static void on_event(void *context, ps_list *node) {
  gateway *self = context;
  ps_lane_event *event = PS_CONTAINER(node, ps_lane_event, node);
  lane_slot *slot = &self->lanes[ps_lane_index(event->lane)];
  const ps_gateway_events *events = self->options->events;
  switch (event->kind) {
  case PS_LANE_STATE:
    on_lane_state(self, slot, event);
    break;
  case PS_LANE_LEG:
    if (speaks(event) && events->leg) {
      events->leg(self->options->context, event->leg, event->elapsed_ns, event->text[0] ? event->text : NULL,
                  event->has_error ? &event->error : NULL);
    }
    break;
  case PS_LANE_PROGRESS:
    if (events->progress) {
      events->progress(self->options->context, event->text);
    }
    break;
  case PS_LANE_SERVING:
    on_lane_serving(self, event);
    break;
  case PS_LANE_RETURNED:
    hold(self, event->client);
    break;
  case PS_LANE_FATAL:
    on_lane_fatal(self, event);
    break;
  case PS_LANE_REPORT:
    ps_desk_report(self->desk, event->report);
    break;
  case PS_LANE_STOPPED:
    on_lane_stopped(self, slot);
    break;
  }
  free(event->report);
  free(event);
}

static void on_undelivered(void *context, ps_list *node) {
  (void)context;
  ps_lane_event *event = PS_CONTAINER(node, ps_lane_event, node);
  if (event->client) {
    ps_client_refuse(event->client);
  }
  free(event->report);
  free(event);
}

/* --- what the desk asks ------------------------------------------------------------------------- */

static void on_count(void *context, ps_desk_counts *counts) {
  const gateway *self = context;
  counts->streams = count_streams(self);
  counts->held = self->hold.count;
  counts->lanes = self->lanes_left;
}

static size_t on_ask_reports(void *context, uint64_t ticket) {
  const gateway *self = context;
  for (uint32_t i = 0; i < self->lane_count; i++) {
    if (self->lanes[i].lane) {
      ps_lane_ask_report(self->lanes[i].lane, ticket);
    }
  }
  return self->lanes_left;
}

static size_t on_reconnect(void *context) {
  const gateway *self = context;
  return self->stopping ? 0 : each_lane(self, ps_lane_reconnect);
}

static void open_desk(gateway *self) {
  const ps_desk_gateway face = {self, on_count, on_ask_reports, end_in_order, on_reconnect};
  self->desk = self->options->control ? ps_desk_open(&self->loop, &self->own_options, &face, self->descriptors) : NULL;
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
  self->door.own_only = options.own_only;
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

static int start_lanes(gateway *self, penstock_error *error) {
  uint32_t at_first = is_auto(self) ? 1 : self->lanes_most;
  int result = PENSTOCK_OK;
  while (result == PENSTOCK_OK && self->lane_count < at_first) {
    result = start_lane(self, error);
  }
  return result;
}

static int open_gateway(gateway *self, penstock_error *error) {
  if (uv_loop_init(&self->loop) != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    return PENSTOCK_E_LIMIT;
  }
  (void)ps_mailbox_open(&self->inbox, &self->loop, on_event, self);
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
  }
  self->door.hold_ns = (uint64_t)ps_settings_int(self->options->settings, "hold", 20000) * 1000000;
  self->door.held = &self->hold.count;
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
  set_lanes_most(self);
  self->descriptors = ps_net_raise_limit();
  set_clients_max(self);
  int result = open_gateway(self, error);
  if (result != PENSTOCK_OK) {
    free(self);
    return result;
  }
  result = open_listener(self, error);
  if (result == PENSTOCK_OK) {
    result = start_lanes(self, error);
  }
  if (result != PENSTOCK_OK && self->lanes_left > 0) {
    self->failed = 1;
    self->error = *error;
    begin_stop(self, 0);
  } else if (result != PENSTOCK_OK) {
    close_loop(self);
  }
  (void)uv_run(&self->loop, UV_RUN_DEFAULT);
  ps_log(PENSTOCK_LOG_INFO, self->options->profile, "ended");
  if (self->failed) {
    *error = self->error;
    result = PENSTOCK_E_FAILED;
  }
  if (abandoned == self) {
    return result;
  }
  ps_mailbox_dispose(&self->inbox, on_undelivered);
  (void)uv_loop_close(&self->loop);
  free(self);
  return result;
}

int ps_gateway_abandoned(void) {
  return abandoned != NULL;
}
