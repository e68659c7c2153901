/* SPDX-License-Identifier: MIT */
/* Whoever does not want to hear of something gets a function that does nothing, so that nobody has to ask. */
#include "gateway/gateway.h"

static void no_listening(void *context, const char *address) {
  (void)context;
  (void)address;
}

static void no_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  (void)context;
  (void)state;
  (void)error;
  (void)next_try_ms;
}

static void no_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  (void)context;
  (void)leg;
  (void)elapsed_ns;
  (void)text;
  (void)error;
}

static void no_progress(void *context, const char *text) {
  (void)context;
  (void)text;
}

static void no_serving(void *context, int adopted, const char *protocol_version) {
  (void)context;
  (void)adopted;
  (void)protocol_version;
}

static void no_swap(void *context, const ps_swap_event *event) {
  (void)context;
  (void)event;
}

static void no_reload(void *context, const ps_reload_event *event) {
  (void)context;
  (void)event;
}

ps_gateway_events ps_gateway_events_whole(const ps_gateway_events *some) {
  ps_gateway_events whole = some ? *some : (ps_gateway_events){0};
  whole.listening = whole.listening ? whole.listening : no_listening;
  whole.state = whole.state ? whole.state : no_state;
  whole.leg = whole.leg ? whole.leg : no_leg;
  whole.progress = whole.progress ? whole.progress : no_progress;
  whole.serving = whole.serving ? whole.serving : no_serving;
  whole.swap = whole.swap ? whole.swap : no_swap;
  whole.reload = whole.reload ? whole.reload : no_reload;
  return whole;
}
