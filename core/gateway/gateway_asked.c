/* SPDX-License-Identifier: MIT */
/* What the desk may ask of the gateway: its figures, its lanes, another profile. */
#include "gateway/gateway_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/advice.h"
#include "net/net.h"

/* Of the first of those who wait: what has passed of its time. */
static uint64_t waited_ns(const ps_gateway *self) {
  uint64_t now_ns = uv_hrtime();
  uint64_t first_ns = ps_hold_first_ns(&self->hold);
  uint64_t left_ns = first_ns > now_ns ? first_ns - now_ns : 0;
  uint64_t hold_ns = ps_crew_door(self->crew)->hold_ns;
  return first_ns == 0 || left_ns > hold_ns ? 0 : hold_ns - left_ns;
}

static void on_count(void *context, ps_desk_counts *counts) {
  const ps_gateway *self = context;
  counts->streams = ps_crew_load(self->crew) + ps_swap_load(&self->swap);
  counts->held = self->hold.count;
  counts->held_ns = waited_ns(self);
  counts->lanes = ps_crew_lanes(self->crew) + ps_swap_lanes(&self->swap);
  counts->refused = self->hold.refused;
  counts->load_count = ps_crew_loads(self->crew, counts->loads);
}

static size_t on_ask_reports(void *context, uint64_t ticket) {
  const ps_gateway *self = context;
  return ps_crew_ask_reports(self->crew, ticket) + ps_swap_ask_reports(&self->swap, ticket);
}

int ps_gateway_refuse_busy(const ps_gateway *self, ps_control_fault *fault) {
  if (self->stopping) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it again with `penstock up`");
  } else if (ps_crew_acts(self->crew)) {
    ps_control_fault_set(fault, "solver-busy", "the solver is being stopped or started, as somebody has asked");
    ps_control_fault_next(fault, "try again when that is done; `penstock status` shows how far it is");
  } else {
    return 0;
  }
  return PENSTOCK_E_FAILED;
}

static int on_reconnect(void *context, size_t *lanes, ps_control_fault *fault) {
  const ps_gateway *self = context;
  if (ps_gateway_refuse_busy(self, fault) != 0) {
    return PENSTOCK_E_FAILED;
  }
  ps_crew_reconnect(self->crew);
  *lanes = ps_crew_lanes(self->crew);
  return PENSTOCK_OK;
}

static int on_solver(void *context, ps_solver_ask what, uint64_t drain_ms, ps_control_fault *fault) {
  ps_gateway *self = context;
  penstock_error error = {.struct_size = sizeof(error)};
  if (ps_gateway_refuse_busy(self, fault) != 0) {
    return PENSTOCK_E_FAILED;
  }
  if (self->swap.coming) {
    ps_control_fault_set(fault, "swapping", "the gateway is about to use '%s'",
                         ps_crew_options_of(self->swap.coming)->profile);
    ps_control_fault_next(fault, "try again when that has served or failed; `penstock status` shows how far it is");
    return PENSTOCK_E_FAILED;
  }
  self->told_stopped = 0;
  if (ps_crew_ask_solver(self->crew, what, drain_ms, &error) != PENSTOCK_OK) {
    ps_control_fault_set(fault, what == PS_SOLVER_START ? "not-served" : "not-stopped", "%s", error.what);
    ps_control_fault_next(fault, "%s", error.next);
    ps_control_fault_cause(fault, &error);
    return PENSTOCK_E_FAILED;
  }
  ps_gateway_place_door(self);
  if (ps_gateway_hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
  }
  return PENSTOCK_OK;
}

static json_t *on_leaving(void *context) {
  const ps_gateway *self = context;
  return ps_swap_leaving_json(&self->swap);
}

static int refuse_use(const ps_gateway *self, const char *name, ps_control_fault *fault) {
  if (self->stopping) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it with that profile: penstock up %s", name);
  } else if (ps_crew_acts(self->crew)) {
    return ps_gateway_refuse_busy(self, fault);
  } else if (self->swap.coming) {
    ps_control_fault_set(fault, "swapping", "the gateway is about to use '%s' already",
                         ps_crew_options_of(self->swap.coming)->profile);
    ps_control_fault_next(fault, "try again when that has served or failed; `penstock status` shows how far it is");
  } else if (self->swap.leaving_count >= PS_SWAP_LEAVING_MAX) {
    ps_control_fault_set(fault, "swapping", "%zu profiles that were left or have failed have not ended yet",
                         self->swap.leaving_count);
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
static int same_port(const ps_gateway *self, const ps_gateway_profile *profile, penstock_error *error) {
  const char *other = ps_settings_string(profile->settings, "listen");
  const char *ours = ps_gateway_setting(self, "listen", "127.0.0.1:9090");
  other = other ? other : "127.0.0.1:9090";
  if (strcmp(other, ours) == 0) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "profile '%s' listens on %s, this gateway on %s", profile->name, other, ours);
  penstock_next(error, "give both the same `listen`, or run it beside this one: penstock up %s", profile->name);
  return PENSTOCK_E_INVALID;
}

static void release(const ps_gateway_profile *profile) {
  if (profile->release) {
    profile->release(profile->owner);
  }
}

int ps_gateway_begin_swap(ps_gateway *self, ps_gateway_profile *profile, int64_t drain_ms, penstock_error *error) {
  ps_crew *crew = ps_gateway_open_crew(self, profile);
  if (!crew) {
    release(profile);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    penstock_next(error, "try again when there are fewer streams");
    return PENSTOCK_E_LIMIT;
  }
  ps_gateway_set_clients_max(self, crew);
  return ps_swap_begin(&self->swap, crew, self->crew, self->acceptor.socket, drain_ms, error);
}

static int begin_use(ps_gateway *self, const char *name, int64_t drain_ms, penstock_error *error) {
  ps_gateway_profile profile = {0};
  int result = self->options->find(self->options->find_context, name, &profile, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  result = same_port(self, &profile, error);
  if (result != PENSTOCK_OK) {
    release(&profile);
    return result;
  }
  result = ps_gateway_begin_swap(self, &profile, drain_ms, error);
  if (result == PENSTOCK_OK) {
    ps_swap_tell_begun(&self->swap);
  }
  return result;
}

static int on_use(void *context, const char *name, int64_t drain_ms, ps_control_fault *fault) {
  ps_gateway *self = context;
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

/* Why a command cannot be run. */
static void refuse_run(const ps_gateway *self, int code, ps_control_fault *fault) {
  if (self->stopping) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it again with `penstock up`");
  } else if (code == PENSTOCK_E_NOT_FOUND) {
    ps_control_fault_set(fault, "not-connected", "there is no connection to the solver's machine now (%s)",
                         ps_state_name(ps_crew_state(self->crew)));
    ps_control_fault_next(fault, "`penstock status` shows how it is, and why");
  } else if (code == PENSTOCK_E_LIMIT) {
    ps_control_fault_set(fault, "busy", "the gateway has as many streams as it can");
    ps_control_fault_next(fault, "try again when some have ended, or %s", ps_advice_descriptors);
  } else {
    ps_control_fault_set(fault, "failed", "out of memory");
    ps_control_fault_next(fault, "try again");
  }
}

static int on_run(void *context, ps_command *command, penstock_socket socket, ps_control_fault *fault) {
  ps_gateway *self = context;
  ps_door *door = ps_crew_door(self->crew);
  int is_full = ps_door_is_full(door, ps_crew_load(self->crew) + ps_swap_load(&self->swap));
  ps_client *client = ps_door_enter(door, socket);
  int code = !client ? PENSTOCK_E_NOMEM : self->stopping ? PENSTOCK_E_FAILED : is_full ? PENSTOCK_E_LIMIT : PENSTOCK_OK;
  if (!client) {
    ps_command_free(command);
  } else {
    client->command = command;
  }
  if (code == PENSTOCK_OK) {
    code = ps_crew_run(self->crew, client);
    client = code == PENSTOCK_E_NOT_FOUND ? client : NULL;
  }
  if (client) {
    ps_net_close(client->socket); /* the desk has another descriptor, to say why */
    ps_client_free(client);
  }
  if (code != PENSTOCK_OK) {
    refuse_run(self, code, fault);
  }
  return code;
}

/* The one that was to come has not: the one in use goes on, nobody else is to be waited for, and what was put off for
 * it is not any more. */
void ps_gateway_on_swap(void *context, const ps_swap_event *event) {
  ps_gateway *self = context;
  if (event->step == PS_SWAP_TAKEN || event->step == PS_SWAP_FAILED) {
    ps_gateway_reload_settle(self, event->step == PS_SWAP_TAKEN);
  }
  self->options->events->swap(self->options->context, event);
  if (event->step != PS_SWAP_FAILED || self->stopping) {
    return;
  }
  if (ps_gateway_hopeless(self)) {
    (void)ps_hold_refuse_all(&self->hold);
  }
  ps_crew_look_at_hang(self->crew);
}

void ps_gateway_open_desk(ps_gateway *self) {
  const ps_desk_gateway face = {.context = self,
                                .count = on_count,
                                .ask_reports = on_ask_reports,
                                .stop = ps_gateway_end,
                                .reconnect = on_reconnect,
                                .use = on_use,
                                .run = on_run,
                                .solver = on_solver,
                                .reload = ps_gateway_reload,
                                .leaving = on_leaving};
  self->desk = self->options->control ? ps_desk_open(&self->loop, &self->own_options, &face, self->descriptors) : NULL;
  if (self->desk && self->options->metrics) {
    self->metrics = ps_metrics_open(&self->loop, self->options->metrics, self->options->profile, self->desk);
  }
}
