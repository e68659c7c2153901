/* SPDX-License-Identifier: MIT */
/* The desk's life, and the events of the gateway that pass through it. */
#include "gateway/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "control/place.h"
#include "gateway/desk_internal.h"
#include "log/json.h"
#include "log/log.h"

/* Of the descriptors that there are, one in so many is for clients of the desk. */
#define DESCRIPTORS_SHARE 16
#define CLIENTS_LEAST     2

static json_t *greet(void *context) {
  const ps_desk *desk = context;
  return json_pack("{s:o, s:s, s:s, s:I}", "profile", ps_json_text(desk->options.profile), "transport",
                   desk->options.transport->name, "listen", desk->told.listen, "pid", (json_int_t)getpid());
}

/* --- events ------------------------------------------------------------------------------------- */

static void on_listening(void *context, const char *address) {
  ps_desk *desk = context;
  char name[PS_CONTROL_NAME_SIZE];
  penstock_error error;
  ps_told_listening(&desk->told, address);
  ps_control_name(name, sizeof(name), desk->options.profile, address);
  if (ps_control_server_listen(desk->server, name, &error) != PENSTOCK_OK) {
    ps_log_error(PENSTOCK_LOG_WARN, desk->options.profile, &error);
    ps_log(PENSTOCK_LOG_WARN, desk->options.profile, "the gateway runs, but `penstock status` cannot find it");
    if (desk->options.unasked) {
      *desk->options.unasked = error;
    }
  }
  /* Only now: whoever is told that the gateway is ready may ask it something at once. */
  desk->options.events->listening(desk->options.context, address);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  ps_desk *desk = context;
  ps_told_state(&desk->told, state, error, next_try_ms);
  desk->options.events->state(desk->options.context, state, error, next_try_ms);
  ps_control_publish(desk->server, PS_DESK_STATE,
                     json_pack("{s:s, s:o, s:I}", "state", ps_state_name(state), "error", ps_json_error(error),
                               "next_try_ms", (json_int_t)next_try_ms));
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  ps_desk *desk = context;
  ps_told_leg_is(&desk->told, leg, elapsed_ns, text, error);
  desk->options.events->leg(desk->options.context, leg, elapsed_ns, text, error);
  ps_control_publish(desk->server, PS_DESK_LEG,
                     json_pack("{s:s, s:o, s:o, s:o}", "leg", ps_leg_name(leg), "ms", ps_json_ms(elapsed_ns), "text",
                               ps_json_text(text), "error", ps_json_error(error)));
}

static void on_progress(void *context, const char *text) {
  ps_desk *desk = context;
  ps_told_progress(&desk->told, text);
  desk->options.events->progress(desk->options.context, text);
  ps_control_publish(desk->server, PS_DESK_PROGRESS, json_pack("{s:o}", "text", ps_json_text(text)));
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  ps_desk *desk = context;
  ps_told_serving(&desk->told, adopted, protocol_version);
  desk->options.events->serving(desk->options.context, adopted, protocol_version);
  ps_control_publish(desk->server, PS_DESK_SERVING,
                     json_pack("{s:b, s:o}", "adopted", adopted, "protocol_version",
                               ps_json_text(protocol_version ? protocol_version : "")));
}

/* --- another profile ---------------------------------------------------------------------------- */

/* Keeps what is told of the profile that comes, and of which. */
static void note_swap(ps_desk *desk, const ps_swap_event *event) {
  switch (event->step) {
  case PS_SWAP_BEGUN:
    ps_told_begin(&desk->next);
    desk->coming = *event;
    break;
  case PS_SWAP_STATE:
    ps_told_state(&desk->next, event->state, event->error, 0);
    break;
  case PS_SWAP_LEG:
    ps_told_leg_is(&desk->next, event->leg, event->elapsed_ns, event->text, event->error);
    break;
  case PS_SWAP_PROGRESS:
    ps_told_progress(&desk->next, event->text);
    break;
  case PS_SWAP_TAKEN:
    ps_told_take(&desk->told, &desk->next);
    desk->options.profile = event->profile;
    desk->options.transport = event->transport;
    desk->options.settings = event->settings;
    desk->coming.profile = NULL;
    break;
  case PS_SWAP_FAILED:
    desk->coming.profile = NULL;
    break;
  case PS_SWAP_DRAINED:
    break;
  }
}

static void on_swap(void *context, const ps_swap_event *event) {
  ps_desk *desk = context;
  note_swap(desk, event);
  desk->options.events->swap(desk->options.context, event);
  ps_control_publish(desk->server, PS_DESK_SWAP, ps_swap_event_json(event));
  if (event->step == PS_SWAP_TAKEN || event->step == PS_SWAP_FAILED) {
    ps_desk_answer_use(desk, event);
  }
}

static void on_reload(void *context, const ps_reload_event *event) {
  ps_desk *desk = context;
  desk->options.settings = event->settings;
  desk->options.events->reload(desk->options.context, event);
  ps_control_publish(desk->server, PS_DESK_RELOAD, ps_reload_event_json(event));
}

static const ps_gateway_events desk_events = {on_listening, on_state, on_leg,   on_progress,
                                              on_serving,   on_swap,  on_reload};

/* --- its life ----------------------------------------------------------------------------------- */

static size_t clients_for(size_t descriptors) {
  size_t share = descriptors / DESCRIPTORS_SHARE;
  size_t most = ps_control_usual_limits.clients;
  return share > most ? most : share > CLIENTS_LEAST ? share : CLIENTS_LEAST;
}

size_t ps_desk_descriptors(size_t descriptors) {
  return clients_for(descriptors) + 2; /* the listener, and one that is on its way in or out */
}

static void released(ps_desk *desk) {
  if (--desk->handles == 0) {
    free(desk);
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  released(handle->data);
}

ps_desk *ps_desk_open(uv_loop_t *loop, ps_gateway_options *options, const ps_desk_gateway *gateway,
                      size_t descriptors) {
  ps_desk *desk = calloc(1, sizeof(*desk));
  if (!desk) {
    return NULL;
  }
  desk->gateway = *gateway;
  desk->options = *options;
  desk->limits = ps_control_usual_limits;
  desk->limits.clients = clients_for(descriptors);
  const ps_control_options served = {.table = &ps_desk_table,
                                     .events = ps_desk_event_kinds,
                                     .greet = greet,
                                     .context = desk,
                                     .limits = &desk->limits,
                                     .source = options->profile};
  if (ps_desk_open_log(desk, loop) != 0) {
    free(desk);
    return NULL;
  }
  desk->handles = 1;
  desk->server = ps_control_server_open(loop, &served);
  if (!desk->server) {
    ps_desk_close_log(desk, on_handle_closed);
    return NULL;
  }
  ps_list_init(&desk->surveys);
  (void)uv_timer_init(loop, &desk->look);
  desk->look.data = desk;
  desk->handles = 3;
  ps_told_begin(&desk->told);
  options->events = &desk_events;
  options->context = desk;
  return desk;
}

void ps_desk_abandon(ps_desk *desk) {
  if (desk) {
    ps_control_server_unlink(desk->server);
  }
}

static void on_server_closed(void *context) {
  released(context);
}

void ps_desk_close(ps_desk *desk) {
  if (!desk) {
    return;
  }
  ps_desk_finish_surveys(desk);
  ps_control_server_close(desk->server, on_server_closed, desk);
  ps_desk_close_log(desk, on_handle_closed);
  uv_close((uv_handle_t *)&desk->look, on_handle_closed);
}
