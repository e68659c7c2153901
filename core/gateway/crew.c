/* SPDX-License-Identifier: MIT */
#include "gateway/crew_internal.h"

#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/* `lanes = auto`: the most, and how many streams each has before there is use for another. */
#define AUTO_LANES     4
#define AUTO_LANE_BUSY 2

static const char *setting(const ps_crew *self, const char *key) {
  const char *value = ps_settings_string(self->options.settings, key);
  return value ? value : "";
}

/* --- lanes -------------------------------------------------------------------------------------- */

static int is_auto(const ps_crew *self) {
  return strcmp(setting(self, "lanes"), "auto") == 0;
}

static uint32_t most_lanes(const ps_crew *self) {
  unsigned cores = uv_available_parallelism();
  int64_t most = ps_settings_int(self->options.settings, "lanes", cores < AUTO_LANES ? cores : AUTO_LANES);
  return self->options.check_only ? 1 : most < PS_CREW_LANES_MAX ? (uint32_t)most : PS_CREW_LANES_MAX;
}

static int start_lane(ps_crew *self, penstock_error *error) {
  ps_lane_options lane = {.profile = self->options.profile,
                          .transport = self->options.transport,
                          .settings = self->options.settings,
                          .edition = ps_crew_settings_number(self),
                          .check_only = self->options.check_only,
                          .no_launch = self->options.no_launch,
                          .told = self->options.told && self->most == 1,
                          .index = self->started,
                          .out = &self->inbox,
                          .gate = &self->gate,
                          .door = &self->door,
                          .listening = PENSTOCK_SOCKET_NONE};
  if (self->most == 1 && self->listening != PENSTOCK_SOCKET_NONE) {
    lane.listening = ps_net_duplicate(self->listening);
  }
  ps_crew_slot *slot = &self->slots[self->started];
  slot->lane = ps_lane_start(&lane, error);
  if (!slot->lane) {
    return PENSTOCK_E_LIMIT;
  }
  ps_crew_settings_used(self, self->started);
  self->started++;
  self->left++;
  return PENSTOCK_OK;
}

int ps_crew_start(ps_crew *self, penstock_socket listening, penstock_error *error) {
  uint32_t at_first = is_auto(self) ? 1 : self->most;
  int result = PENSTOCK_OK;
  self->listening = listening;
  while (result == PENSTOCK_OK && self->started < at_first) {
    result = start_lane(self, error);
  }
  self->listening = PENSTOCK_SOCKET_NONE;
  return result;
}

/* A login may ask the user something, and a far side may allow one only: so one at a time, and none while another is in
 * trouble. */
void ps_crew_grow(ps_crew *self) {
  penstock_error error;
  if (self->stopping || self->started >= self->most || self->solver.is_stopped || ps_crew_solver_is_busy(self)) {
    return;
  }
  for (uint32_t i = 0; i < self->started; i++) {
    const ps_crew_slot *slot = &self->slots[i];
    if (!slot->lane || !ps_state_serves(slot->state) || ps_lane_load(slot->lane) < AUTO_LANE_BUSY) {
      return;
    }
  }
  if (start_lane(self, &error) != PENSTOCK_OK) {
    self->most = self->started;
    ps_log(PENSTOCK_LOG_WARN, self->options.profile, "there will be no more lanes: %s", error.what);
  }
}

int ps_crew_lend_door(ps_crew *self, int wanted) {
  ps_lane *lane = self->slots[0].lane;
  int is_lent = wanted && self->most == 1 && lane && !self->stopping && ps_crew_serves(self) &&
                ps_state_serves(self->slots[0].state);
  if (is_lent == self->door_is_lent) {
    return is_lent;
  }
  if (lane && ps_lane_accept(lane, is_lent) != PENSTOCK_OK) {
    is_lent = 0; /* if it goes on, that does no harm: what it cannot serve comes back */
  }
  self->door_is_lent = is_lent;
  return is_lent;
}

static ps_lane *least_loaded(const ps_crew *self) {
  ps_lane *best = NULL;
  for (uint32_t i = 0; i < self->started; i++) {
    const ps_crew_slot *slot = &self->slots[i];
    if (slot->lane && ps_state_serves(slot->state) && (!best || ps_lane_load(slot->lane) < ps_lane_load(best))) {
      best = slot->lane;
    }
  }
  return best;
}

int ps_crew_serve(ps_crew *self, ps_client *client) {
  ps_lane *lane = ps_crew_serves(self) ? least_loaded(self) : NULL;
  if (!lane) {
    return PENSTOCK_E_NOT_FOUND;
  }
  ps_lane_serve(lane, client);
  return PENSTOCK_OK;
}

int ps_crew_run(ps_crew *self, ps_client *client) {
  ps_lane *lane = NULL;
  for (uint32_t i = 0; i < self->started && !self->stopping; i++) {
    ps_lane *other = self->slots[i].lane;
    if (other && ps_lane_linked(other) && (!lane || ps_lane_load(other) < ps_lane_load(lane))) {
      lane = other;
    }
  }
  return lane ? ps_lane_run(lane, client) : PENSTOCK_E_NOT_FOUND;
}

static void each_lane(const ps_crew *self, void (*each)(ps_lane *lane)) {
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane) {
      each(self->slots[i].lane);
    }
  }
}

void ps_crew_wake(const ps_crew *self) {
  if (self->solver.is_stopped) { /* one look is enough */
    if (self->slots[self->solver.leader].lane) {
      ps_lane_wake(self->slots[self->solver.leader].lane);
    }
    return;
  }
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane && !ps_state_serves(self->slots[i].state)) {
      ps_lane_wake(self->slots[i].lane);
    }
  }
}

void ps_crew_network_changed(const ps_crew *self) {
  each_lane(self, ps_lane_network_changed);
}

void ps_crew_reconnect(const ps_crew *self) {
  each_lane(self, ps_lane_reconnect);
}

size_t ps_crew_ask_reports(const ps_crew *self, uint64_t ticket) {
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane) {
      ps_lane_ask_report(self->slots[i].lane, ticket);
    }
  }
  return self->left;
}

/* --- how it is ---------------------------------------------------------------------------------- */

const ps_crew_options *ps_crew_options_of(const ps_crew *self) {
  return &self->options;
}

ps_door *ps_crew_door(ps_crew *self) {
  return &self->door;
}

uint32_t ps_crew_most(const ps_crew *self) {
  return self->most;
}

uint32_t ps_crew_lanes(const ps_crew *self) {
  return self->left;
}

ps_state ps_crew_state(const ps_crew *self) {
  return self->state;
}

int ps_crew_serves(const ps_crew *self) {
  return ps_state_serves(self->state) && !ps_crew_solver_is_busy(self);
}

int ps_crew_hopeless(const ps_crew *self) {
  if (ps_crew_is_stopped(self)) {
    return 1;
  }
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane && !self->slots[i].gave_up) {
      return 0;
    }
  }
  return 1;
}

size_t ps_crew_loads(const ps_crew *self, size_t loads[PS_CREW_LANES_MAX]) {
  for (uint32_t i = 0; i < self->started; i++) {
    loads[i] = self->slots[i].lane ? ps_lane_load(self->slots[i].lane) : 0;
  }
  return self->started;
}

size_t ps_crew_load(const ps_crew *self) {
  size_t loads[PS_CREW_LANES_MAX];
  size_t count = ps_crew_loads(self, loads);
  size_t load = 0;
  for (size_t i = 0; i < count; i++) {
    load += loads[i];
  }
  return load;
}

uint32_t ps_crew_blocked(const ps_crew *self) {
  uint32_t blocked = 0;
  for (uint32_t i = 0; i < self->started; i++) {
    blocked += self->slots[i].lane && ps_lane_blocked(self->slots[i].lane) ? 1 : 0;
  }
  return blocked;
}

static ps_state best_state(const ps_crew *self) {
  /* They have one solver: one that has found out that it hangs speaks for all. */
  static const int rank[] = {
      [PS_STATE_DOWN] = 0,    [PS_STATE_STOPPING] = 1, [PS_STATE_CONNECTING] = 2, [PS_STATE_LAUNCHING] = 3,
      [PS_STATE_STOPPED] = 4, [PS_STATE_DEGRADED] = 5, [PS_STATE_UP] = 6,         [PS_STATE_HUNG] = 7};
  ps_state best = PS_STATE_DOWN;
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane && rank[self->slots[i].state] > rank[best]) {
      best = self->slots[i].state;
    }
  }
  return self->stopping ? PS_STATE_STOPPING : best;
}

/* --- the orderly end ---------------------------------------------------------------------------- */

static uint64_t drain_left_ms(const ps_crew *self) {
  uint64_t now = uv_hrtime();
  return now < self->drain_end_ns ? (self->drain_end_ns - now) / 1000000 : 0;
}

/* The lane that stops the solver goes last, so that no other lane's streams lose it while they may still finish. */
static void stop_lanes(ps_crew *self) {
  ps_crew_slot *last = NULL;
  for (uint32_t i = 0; i < self->started && self->stop_solver; i++) {
    ps_crew_slot *slot = &self->slots[i];
    if (slot->lane && (!last || (ps_state_serves(slot->state) && !ps_state_serves(last->state)))) {
      last = slot;
    }
  }
  int others = self->waits; /* a lane that is stuck in connect() has no streams, and is not waited for */
  for (uint32_t i = 0; i < self->started; i++) {
    const ps_crew_slot *slot = &self->slots[i];
    others += slot->lane && slot != last && !ps_lane_blocked(slot->lane);
  }
  for (uint32_t i = 0; i < self->started; i++) {
    ps_crew_slot *slot = &self->slots[i];
    if (slot->lane && (slot != last || others == 0)) {
      ps_lane_stop(slot->lane, drain_left_ms(self), slot == last);
    }
  }
}

void ps_crew_stop(ps_crew *self, uint64_t drain_ms, int stop_solver, int waits) {
  self->stopping = 1;
  ps_crew_solver_stop(self);
  self->waits = waits;
  self->stop_solver = stop_solver;
  self->drain_end_ns = uv_hrtime() + drain_ms * 1000000;
  stop_lanes(self);
  if (waits && self->state != PS_STATE_STOPPING) { /* no lane says so yet */
    self->state = PS_STATE_STOPPING;
    self->options.events->state(self->options.context, self, 1, NULL, 0);
  }
}

void ps_crew_wait_no_more(ps_crew *self) {
  self->waits = 0;
  stop_lanes(self);
}

/* --- what lanes say ----------------------------------------------------------------------------- */

static void on_lane_state(ps_crew *self, ps_crew_slot *slot, const ps_lane_event *event) {
  ps_state before = self->state;
  slot->state = event->state;
  slot->gave_up = event->state == PS_STATE_DOWN && event->next_try_ms == 0;
  self->state = best_state(self);
  int is_news = self->state != before || (event->has_error && self->state == event->state);
  if (self->state != before) {
    /* Why it is down is logged by the lane, once; each try again would be two more lines. */
    int routine = self->state == PS_STATE_DOWN || self->state == PS_STATE_CONNECTING;
    ps_log(routine ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_INFO, self->options.profile, "%s", ps_state_name(self->state));
  }
  self->told_serving = self->told_serving && (self->stopping || ps_state_serves(self->state));
  self->options.events->state(self->options.context, self, is_news, event->has_error ? &event->error : NULL,
                              event->next_try_ms);
}

void ps_crew_look_at_state(ps_crew *self) {
  ps_state before = self->state;
  self->state = best_state(self);
  self->told_serving = self->told_serving && (self->stopping || ps_state_serves(self->state));
  if (self->state != before) {
    ps_log(PENSTOCK_LOG_INFO, self->options.profile, "%s", ps_state_name(self->state));
    self->options.events->state(self->options.context, self, 1, NULL, 0);
  }
}

static void on_lane_serving(ps_crew *self, const ps_lane_event *event) {
  ps_log(PENSTOCK_LOG_INFO, self->options.profile, "serving: %s%s%s",
         event->adopted ? "found what answers at the endpoint" : "launched the solver",
         event->text[0] ? ", protocol " : "", event->text);
  if (!self->told_serving) { /* else another lane was faster */
    self->told_serving = 1;
    self->options.events->serving(self->options.context, self, event->adopted, event->text);
  }
}

static void on_lane_stopped(ps_crew *self, ps_crew_slot *slot, const ps_lane_report *last) {
  self->options.events->report(self->options.context, self, last);
  ps_crew_settings_unused(self, ps_lane_index(slot->lane), UINT64_MAX, 1);
  ps_lane_join(slot->lane);
  slot->lane = NULL;
  self->left--;
  if (self->left == 0) {
    self->options.events->ended(self->options.context, self);
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
  ps_crew *self = context;
  ps_lane_event *event = PS_CONTAINER(node, ps_lane_event, node);
  ps_crew_slot *slot = &self->slots[ps_lane_index(event->lane)];
  const ps_crew_events *events = self->options.events;
  switch (event->kind) {
  case PS_LANE_STATE:
    on_lane_state(self, slot, event);
    ps_crew_solver_heard(self, slot, event);
    break;
  case PS_LANE_LEG:
    if (speaks(event)) {
      events->leg(self->options.context, self, event->leg, event->elapsed_ns, event->text[0] ? event->text : NULL,
                  event->has_error ? &event->error : NULL);
    }
    break;
  case PS_LANE_PROGRESS:
    events->progress(self->options.context, self, event->text);
    break;
  case PS_LANE_SERVING:
    on_lane_serving(self, event);
    ps_crew_solver_heard(self, slot, event);
    break;
  case PS_LANE_QUIET:
  case PS_LANE_ENDED:
    ps_crew_solver_heard(self, slot, event);
    break;
  case PS_LANE_RETURNED:
    events->returned(self->options.context, self, event->client);
    break;
  case PS_LANE_COMMAND:
    events->command(self->options.context, self, event->call, event->has_error ? &event->error : NULL);
    break;
  case PS_LANE_FATAL:
    events->fatal(self->options.context, self, &event->error);
    break;
  case PS_LANE_REPORT:
    events->report(self->options.context, self, event->report);
    break;
  case PS_LANE_UNUSED:
    ps_crew_settings_unused(self, ps_lane_index(event->lane), event->edition, event->and_before);
    break;
  case PS_LANE_STOPPED:
    on_lane_stopped(self, slot, event->report);
    break;
  }
  free(event->report);
  free(event);
}

/* --- its life ----------------------------------------------------------------------------------- */

ps_crew *ps_crew_open(uv_loop_t *loop, const ps_crew_options *options) {
  ps_crew *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->options = *options;
  self->listening = PENSTOCK_SOCKET_NONE;
  self->most = most_lanes(self);
  self->door.own_only = strcmp(setting(self, "peers"), "any") != 0;
  ps_crew_read_hold(self);
  self->door.held = options->held;
  self->door.count = options->count;
  if (ps_mailbox_open(&self->inbox, loop, on_event, self) != PENSTOCK_OK) {
    free(self);
    return NULL;
  }
  return self;
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

static void on_inbox_closed(void *context) {
  ps_crew *self = context;
  ps_mailbox_dispose(&self->inbox, on_undelivered);
  ps_crew_settings_free(self);
  if (self->options.release) {
    self->options.release(self->options.owner);
  }
  free(self);
}

void ps_crew_close(ps_crew *self) {
  ps_mailbox_close(&self->inbox, on_inbox_closed);
}
