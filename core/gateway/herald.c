/* SPDX-License-Identifier: MIT */
#include "gateway/herald.h"

#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "log/log.h"
#include "service/manager.h"

struct ps_herald {
  ps_manager *manager;
  ps_gateway_options options; /* with the events that were there before */
  uv_timer_t alive;
  ps_state state;   /* the last one told */
  int is_reloading; /* the manager waits to be told that it has been done */
  char listen[128];
  char reason[512]; /* why it is not up; "" = nothing was said */
};

static void tell(const ps_herald *herald, const char *lines, int is_needed) {
  if (ps_manager_tell(herald->manager, lines, is_needed) != PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_DEBUG, herald->options.profile, "the service manager could not be told: %s", lines);
  }
}

/* One line of STATUS, whatever is in the names and the reason. */
static void tell_state(ps_herald *herald, const char *first, ps_state state, const char *more) {
  ps_text lines = {0};
  herald->state = state;
  ps_text_addf(&lines, "%sSTATUS=", first);
  ps_text_add_safe(&lines, herald->options.profile);
  ps_text_addf(&lines, " (%s) on %s: %s", herald->options.transport->name, herald->listen, ps_state_name(state));
  if (herald->reason[0]) {
    ps_text_adds(&lines, state == PS_STATE_CONNECTING || state == PS_STATE_LAUNCHING ? " anew, since " : ": ");
    ps_text_add_safe(&lines, herald->reason);
  }
  ps_text_adds(&lines, more);
  if (lines.data && !lines.no_memory) {
    tell(herald, lines.data, first[0] != '\0');
  }
  free(lines.data);
}

static void on_listening(void *context, const char *address) {
  ps_herald *herald = context;
  (void)snprintf(herald->listen, sizeof(herald->listen), "%s", address);
  /* Whoever connects from now on is served, or held until a solver serves: others may start what needs the port. */
  tell_state(herald, "READY=1\n", PS_STATE_CONNECTING, "");
  herald->options.events->listening(herald->options.context, address);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  ps_herald *herald = context;
  if (error) {
    (void)snprintf(herald->reason, sizeof(herald->reason), "%s", error->what);
  } else if (state == PS_STATE_UP || state == PS_STATE_STOPPED || state == PS_STATE_STOPPING) {
    herald->reason[0] = '\0';
  }
  tell_state(herald, "", state,
             state == PS_STATE_DOWN && next_try_ms == 0 ? "; no further try before `penstock reconnect`"
             : state == PS_STATE_STOPPED                ? " as it was asked for, until `penstock start`"
                                                        : "");
  herald->options.events->state(herald->options.context, state, error, next_try_ms);
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  const ps_herald *herald = context;
  herald->options.events->leg(herald->options.context, leg, elapsed_ns, text, error);
}

static void on_progress(void *context, const char *text) {
  const ps_herald *herald = context;
  herald->options.events->progress(herald->options.context, text);
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  const ps_herald *herald = context;
  herald->options.events->serving(herald->options.context, adopted, protocol_version);
}

static void on_swap(void *context, const ps_swap_event *event) {
  ps_herald *herald = context;
  if (event->step == PS_SWAP_TAKEN) {
    herald->options.profile = event->profile;
    herald->options.transport = event->transport;
    herald->reason[0] = '\0';
    tell_state(herald, "", event->state, "");
  }
  if (event->step == PS_SWAP_TAKEN || event->step == PS_SWAP_FAILED) {
    ps_herald_reloaded(herald);
  }
  herald->options.events->swap(herald->options.context, event);
}

static void on_reload(void *context, const ps_reload_event *event) {
  const ps_herald *herald = context;
  herald->options.events->reload(herald->options.context, event);
}

static const ps_gateway_events herald_events = {on_listening, on_state, on_leg,   on_progress,
                                                on_serving,   on_swap,  on_reload};

static void on_alive(uv_timer_t *timer) {
  tell(timer->data, "WATCHDOG=1", 0);
}

ps_herald *ps_herald_open(uv_loop_t *loop, ps_gateway_options *options) {
  ps_manager *manager = ps_manager_find();
  ps_herald *herald = manager ? calloc(1, sizeof(*herald)) : NULL;
  if (!herald) {
    ps_manager_free(manager);
    return NULL;
  }
  herald->manager = manager;
  herald->options = *options;
  (void)uv_timer_init(loop, &herald->alive);
  herald->alive.data = herald;
  uint64_t half_ms = ps_manager_watchdog_ms(manager) / 2;
  if (ps_manager_watchdog_ms(manager) > 0) {
    (void)uv_timer_start(&herald->alive, on_alive, 0, half_ms > 0 ? half_ms : 1);
  }
  options->events = &herald_events;
  options->context = herald;
  return herald;
}

/* When it began is for Type=notify-reload, which takes no older answer for the one that it waits for. */
void ps_herald_reloading(ps_herald *herald) {
  char lines[96];
  struct timespec now;
  if (herald && clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
    herald->is_reloading = 1;
    (void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    tell(herald, lines, 1);
  }
}

void ps_herald_reloaded(ps_herald *herald) {
  if (herald && herald->is_reloading) {
    herald->is_reloading = 0;
    tell_state(herald, "READY=1\n", herald->state, "");
  }
}

void ps_herald_stopping(ps_herald *herald, uint64_t most_ms) {
  char lines[96];
  if (herald) {
    /* The profile says how long streams may go on, which the unit's TimeoutStopSec cannot know. */
    (void)snprintf(lines, sizeof(lines), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu", (unsigned long long)most_ms * 1000);
    tell(herald, lines, 1);
  }
}

static void on_closed(uv_handle_t *handle) {
  ps_herald *herald = handle->data;
  ps_manager_free(herald->manager);
  free(herald);
}

void ps_herald_close(ps_herald *herald) {
  if (herald) {
    uv_close((uv_handle_t *)&herald->alive, on_closed);
  }
}
