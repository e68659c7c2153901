/* SPDX-License-Identifier: MIT */
#include "gateway/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "control/place.h"
#include "control/server.h"
#include "gateway/swap.h"
#include "gateway/told.h"
#include "log/json.h"
#include "log/log.h"

/* How long lanes are waited for: one that is busy needs less, one that is inside a login may need minutes. */
#define REPORT_MS      300
#define REPORT_LOOK_MS 50
/* Of the descriptors that there are, one in so many is for clients of the desk. */
#define DESCRIPTORS_SHARE 16
#define CLIENTS_LEAST     2

/* What streams have carried. */
typedef struct totals {
  uint64_t ended;
  uint64_t aborted;
  uint64_t up_bytes;
  uint64_t down_bytes;
  ps_histogram opens;
} totals;

/* Something asked of all lanes, and what has come of it. */
typedef struct survey {
  ps_list node;                                                 /* in ps_desk::surveys */
  void (*heard)(void *context, const ps_desk_figures *figures); /* NULL: a client of the control socket has asked */
  void *context;
  ps_control_call *call;
  json_t *(*answer)(ps_desk *desk, const struct survey *survey);
  uint64_t ticket;
  uint64_t end_ns;
  size_t asked;
  size_t heard_of; /* lanes */
  totals carried;  /* by lanes that have ended, too */
  size_t count;    /* streams that live */
  json_t *streams; /* rows */
} survey;

struct ps_desk {
  ps_desk_gateway gateway;
  ps_gateway_options options; /* with the events that were there before */
  ps_control_limits limits;
  ps_control_server *server;
  ps_told told;
  ps_told next;           /* of the profile that comes */
  ps_swap_event coming;   /* what it is; `profile` is NULL if none comes */
  ps_control_call *using; /* waits for what becomes of it; NULL: nobody does, or it has gone */
  totals past;            /* of lanes that have ended */
  ps_list surveys;
  uv_timer_t look; /* for surveys that wait too long */
  uint64_t tickets;
  int handles; /* timer and server, that are still to be closed */
};

/* --- surveys ------------------------------------------------------------------------------------ */

static int is_whole(const survey *self) {
  return self->heard_of == self->asked;
}

static void tell_figures(ps_desk *desk, const survey *self) {
  ps_desk_figures figures = {.profile = desk->options.profile,
                             .transport = desk->options.transport->name,
                             .state = desk->told.state,
                             .uptime_ns = uv_hrtime() - desk->told.began.ns,
                             .times_served = desk->told.times_served,
                             .is_whole = is_whole(self),
                             .ended = self->carried.ended,
                             .aborted = self->carried.aborted,
                             .up_bytes = self->carried.up_bytes,
                             .down_bytes = self->carried.down_bytes,
                             .opens = self->carried.opens};
  desk->gateway.count(desk->gateway.context, &figures.counts);
  self->heard(self->context, &figures);
}

static void finish(ps_desk *desk, survey *self) {
  ps_list_remove(&self->node);
  if (self->heard) {
    tell_figures(desk, self);
  } else if (self->answer) {
    ps_control_answer(self->call, self->answer(desk, self));
  }
  json_decref(self->streams);
  free(self);
  if (ps_list_empty(&desk->surveys)) {
    (void)uv_timer_stop(&desk->look);
  }
}

static void on_look(uv_timer_t *timer) {
  ps_desk *desk = timer->data;
  uint64_t now_ns = uv_hrtime();
  ps_list *node = desk->surveys.next;
  while (node != &desk->surveys) {
    survey *self = PS_CONTAINER(node, survey, node);
    node = node->next;
    if (now_ns >= self->end_ns) {
      finish(desk, self);
    }
  }
}

static void send_survey(ps_desk *desk, survey *self) {
  self->streams = json_array();
  self->carried = desk->past;
  self->ticket = ++desk->tickets;
  self->end_ns = uv_hrtime() + REPORT_MS * UINT64_C(1000000);
  ps_list_append(&desk->surveys, &self->node);
  self->asked = desk->gateway.ask_reports(desk->gateway.context, self->ticket);
  if (self->asked == 0) {
    finish(desk, self);
  } else if (!uv_is_active((uv_handle_t *)&desk->look)) { /* started anew by each, it would never fire */
    (void)uv_timer_start(&desk->look, on_look, REPORT_LOOK_MS, REPORT_LOOK_MS);
  }
}

static void begin_survey(ps_desk *desk, ps_control_call *call, json_t *(*answer)(ps_desk *desk, const survey *survey)) {
  survey *self = calloc(1, sizeof(*self));
  if (!self) {
    ps_control_fault fault;
    ps_control_fault_set(&fault, "failed", "out of memory");
    ps_control_fault_next(&fault, "try again");
    ps_control_refuse(call, &fault);
    return;
  }
  self->call = call;
  self->answer = answer;
  send_survey(desk, self);
}

int ps_desk_ask(ps_desk *desk, void (*heard)(void *context, const ps_desk_figures *figures), void *context) {
  survey *self = calloc(1, sizeof(*self));
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  self->heard = heard;
  self->context = context;
  send_survey(desk, self);
  return PENSTOCK_OK;
}

static void add_rows(survey *self, const ps_lane_report *report) {
  for (size_t i = 0; i < report->listed && json_array_size(self->streams) < PS_REPORT_STREAMS; i++) {
    const ps_stream_now *row = &report->streams[i];
    (void)json_array_append_new(self->streams,
                                json_pack("{s:I, s:I, s:I, s:o}", "id", (json_int_t)row->id, "up_bytes",
                                          (json_int_t)row->up_bytes, "down_bytes", (json_int_t)row->down_bytes,
                                          "age_ms", ps_json_ms(row->age_ns)));
  }
}

static void add_totals(totals *sum, const ps_lane_report *report) {
  sum->ended += report->ended;
  sum->aborted += report->aborted;
  sum->up_bytes += report->up_bytes;
  sum->down_bytes += report->down_bytes;
  ps_histogram_merge(&sum->opens, &report->opens);
}

void ps_desk_report(ps_desk *desk, const ps_lane_report *report) {
  if (desk && report && report->ticket == 0) {
    add_totals(&desk->past, report);
    return;
  }
  ps_list *node = desk && report ? desk->surveys.next : NULL;
  while (node && node != &desk->surveys) {
    survey *self = PS_CONTAINER(node, survey, node);
    node = node->next;
    if (self->ticket != report->ticket) {
      continue;
    }
    self->heard_of++;
    add_totals(&self->carried, report);
    self->count += report->count;
    add_rows(self, report);
    if (is_whole(self)) {
      finish(desk, self);
    }
    return;
  }
}

/* --- requests ----------------------------------------------------------------------------------- */

/* What a lane that does not answer has of it is not known: better no figure than a wrong one. */
static json_t *total(const survey *self, uint64_t value) {
  return is_whole(self) ? json_integer((json_int_t)value) : json_null();
}

static json_t *swap_json(const ps_desk *desk) {
  if (!desk->coming.profile) {
    return json_null();
  }
  json_t *swap =
      json_pack("{s:o, s:s}", "profile", ps_json_text(desk->coming.profile), "transport", desk->coming.transport->name);
  json_t *told = ps_told_swap_json(&desk->next);
  (void)json_object_update(swap, told);
  json_decref(told);
  return swap;
}

static json_t *answer_status(ps_desk *desk, const survey *self) {
  const char *endpoint = ps_settings_string(desk->options.settings, "endpoint");
  ps_desk_counts counts = {0};
  desk->gateway.count(desk->gateway.context, &counts);
  json_t *status = json_pack("{s:o, s:s, s:o, s:I, s:s}", "profile", ps_json_text(desk->options.profile), "transport",
                             desk->options.transport->name, "endpoint", ps_json_text(endpoint), "pid",
                             (json_int_t)getpid(), "version", PENSTOCK_VERSION);
  json_t *told = ps_told_json(&desk->told);
  json_t *traffic =
      json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "lanes", (json_int_t)counts.lanes, "streams",
                (json_int_t)counts.streams, "held", (json_int_t)counts.held, "streams_ended",
                total(self, self->carried.ended), "streams_aborted", total(self, self->carried.aborted), "up_bytes",
                total(self, self->carried.up_bytes), "down_bytes", total(self, self->carried.down_bytes));
  (void)json_object_update(status, told);
  (void)json_object_update(status, traffic);
  (void)json_object_set_new(status, "swap", swap_json(desk));
  (void)json_object_set_new(status, "draining", desk->gateway.leaving(desk->gateway.context));
  json_decref(told);
  json_decref(traffic);
  return status;
}

static json_t *answer_streams(ps_desk *desk, const survey *self) {
  (void)desk;
  return json_pack("{s:O, s:I, s:b}", "streams", self->streams, "count", (json_int_t)self->count, "complete",
                   is_whole(self) && json_array_size(self->streams) == self->count);
}

static void on_status(void *context, ps_control_call *call) {
  begin_survey(context, call, answer_status);
}

static void on_streams(void *context, ps_control_call *call) {
  begin_survey(context, call, answer_streams);
}

static void on_stop(void *context, ps_control_call *call) {
  ps_desk *desk = context;
  ps_desk_counts counts = {0};
  desk->gateway.count(desk->gateway.context, &counts);
  uint64_t drain_ms = desk->gateway.stop(desk->gateway.context, ps_control_int(call, "drain_ms", -1));
  ps_control_answer(call,
                    json_pack("{s:I, s:I}", "streams", (json_int_t)counts.streams, "drain_ms", (json_int_t)drain_ms));
}

static void on_reconnect(void *context, ps_control_call *call) {
  ps_desk *desk = context;
  size_t lanes = desk->gateway.reconnect(desk->gateway.context);
  if (lanes > 0) {
    ps_control_answer(call, json_pack("{s:I}", "lanes", (json_int_t)lanes));
    return;
  }
  ps_control_fault fault;
  ps_control_fault_set(&fault, "stopping", "the gateway is ending");
  ps_control_fault_next(&fault, "start it again with `penstock up`");
  ps_control_refuse(call, &fault);
}

/* The answer comes with the event that says what has become of it. */
static void on_use(void *context, ps_control_call *call) {
  ps_desk *desk = context;
  ps_control_fault fault;
  const char *name = ps_control_text(call, "profile");
  if (!name) {
    ps_control_fault_set(&fault, "bad-value", "`profile` is missing");
    ps_control_fault_next(&fault, "name the profile that is to be used; `penstock profiles` lists them");
    ps_control_refuse(call, &fault);
  } else if (desk->gateway.use(desk->gateway.context, name, ps_control_int(call, "drain_ms", -1), &fault) != 0) {
    ps_control_refuse(call, &fault);
  } else {
    desk->using = call;
  }
}

/* Kinds of events, in the order of these numbers. */
enum { EVENT_STATE, EVENT_LEG, EVENT_PROGRESS, EVENT_SERVING, EVENT_SWAP };
static const char *const event_kinds[] = {"state", "leg", "progress", "serving", "swap", NULL};
#define ALL_EVENTS ((uint32_t)31)

static void on_subscribe(void *context, ps_control_call *call) {
  json_t *list = json_array();
  (void)context;
  uint32_t kinds = ps_control_subscribe(call, ps_control_words(call, "events", ALL_EVENTS));
  if (kinds == 0) {
    ps_control_fault fault;
    ps_control_fault_set(&fault, "busy", "the gateway tells as many already as it can");
    ps_control_fault_next(&fault, "end one of those who have subscribed, or ask for `status` now and then");
    json_decref(list);
    ps_control_refuse(call, &fault);
    return;
  }
  for (unsigned i = 0; event_kinds[i]; i++) {
    if (kinds & (UINT32_C(1) << i)) {
      (void)json_array_append_new(list, json_string(event_kinds[i]));
    }
  }
  ps_control_answer(call, json_pack("{s:o, s:I}", "events", list, "seq", (json_int_t)ps_control_last_event(call)));
}

static void on_help(void *context, ps_control_call *call);

static const ps_control_field stop_fields[] = {
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams may go on, in milliseconds; as `stop_timeout` of the profile if it is not given"}};
static const ps_control_field use_fields[] = {
    {"profile", PS_CONTROL_TEXT, 1, 256, NULL, "name of the profile; it must be given"},
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams of the one in use may go on, in milliseconds; as its `drain` if it is not given"}};
static const ps_control_field subscribe_fields[] = {
    {"events", PS_CONTROL_WORDS, 0, 0, event_kinds, "kinds of events; all if it is not given"}};

static const ps_control_kind requests[] = {
    {"status", "how the gateway is", NULL, 0, on_status},
    {"streams", "the streams that it carries now", NULL, 0, on_streams},
    {"subscribe", "tells of events from now on, until the connection is closed", subscribe_fields, 1, on_subscribe},
    {"use", "connects another profile beside the one in use, and uses it once it serves", use_fields, 2, on_use},
    {"reconnect", "gives up the link, with the streams on it, and connects anew at once", NULL, 0, on_reconnect},
    {"stop", "ends the gateway in order, as SIGTERM does; a second one hurries", stop_fields, 1, on_stop},
    {"help", "what can be asked", NULL, 0, on_help},
};
static const ps_control_table table = {requests, sizeof(requests) / sizeof(requests[0])};

static void on_help(void *context, ps_control_call *call) {
  (void)context;
  ps_control_answer(call, json_pack("{s:o}", "requests", ps_control_table_json(&table)));
}

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
  if (desk->options.events->listening) {
    desk->options.events->listening(desk->options.context, address);
  }
  ps_control_name(name, sizeof(name), desk->options.profile, address);
  if (ps_control_server_listen(desk->server, name, &error) != PENSTOCK_OK) {
    ps_log_error(PENSTOCK_LOG_WARN, desk->options.profile, &error);
    ps_log(PENSTOCK_LOG_WARN, desk->options.profile, "the gateway runs, but `penstock status` cannot find it");
  }
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  ps_desk *desk = context;
  ps_told_state(&desk->told, state, error, next_try_ms);
  if (desk->options.events->state) {
    desk->options.events->state(desk->options.context, state, error, next_try_ms);
  }
  ps_control_publish(desk->server, EVENT_STATE,
                     json_pack("{s:s, s:o, s:I}", "state", ps_state_name(state), "error", ps_json_error(error),
                               "next_try_ms", (json_int_t)next_try_ms));
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  ps_desk *desk = context;
  ps_told_leg_is(&desk->told, leg, elapsed_ns, text, error);
  if (desk->options.events->leg) {
    desk->options.events->leg(desk->options.context, leg, elapsed_ns, text, error);
  }
  ps_control_publish(desk->server, EVENT_LEG,
                     json_pack("{s:s, s:o, s:o, s:o}", "leg", ps_leg_name(leg), "ms", ps_json_ms(elapsed_ns), "text",
                               ps_json_text(text), "error", ps_json_error(error)));
}

static void on_progress(void *context, const char *text) {
  ps_desk *desk = context;
  ps_told_progress(&desk->told, text);
  if (desk->options.events->progress) {
    desk->options.events->progress(desk->options.context, text);
  }
  ps_control_publish(desk->server, EVENT_PROGRESS, json_pack("{s:o}", "text", ps_json_text(text)));
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  ps_desk *desk = context;
  ps_told_serving(&desk->told, adopted, protocol_version);
  if (desk->options.events->serving) {
    desk->options.events->serving(desk->options.context, adopted, protocol_version);
  }
  ps_control_publish(desk->server, EVENT_SERVING,
                     json_pack("{s:b, s:o}", "adopted", adopted, "protocol_version",
                               ps_json_text(protocol_version ? protocol_version : "")));
}

/* --- another profile ---------------------------------------------------------------------------- */

static void answer_use(ps_desk *desk, const ps_swap_event *event) {
  ps_control_call *call = desk->using;
  ps_control_fault fault;
  desk->using = NULL;
  if (!call) {
    return;
  }
  if (event->step == PS_SWAP_TAKEN) {
    ps_control_answer(call, json_pack("{s:o, s:s, s:o, s:I, s:I}", "profile", ps_json_text(event->profile), "transport",
                                      event->transport->name, "other", ps_json_text(event->other), "streams",
                                      (json_int_t)event->streams, "drain_ms", (json_int_t)event->drain_ms));
    return;
  }
  int is_ending = event->error->error_class == PENSTOCK_CLASS_CANCELLED;
  ps_control_fault_set(&fault, is_ending ? "stopping" : "not-served", "%s", event->error->what);
  ps_control_fault_next(&fault, "%s", event->error->next);
  ps_control_fault_cause(&fault, event->error);
  ps_control_refuse(call, &fault);
}

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
  if (desk->options.events->swap) {
    desk->options.events->swap(desk->options.context, event);
  }
  ps_control_publish(desk->server, EVENT_SWAP, ps_swap_event_json(event));
  if (event->step == PS_SWAP_TAKEN || event->step == PS_SWAP_FAILED) {
    answer_use(desk, event);
  }
}

static const ps_gateway_events desk_events = {on_listening, on_state, on_leg, on_progress, on_serving, on_swap};

/* --- its life ----------------------------------------------------------------------------------- */

static size_t clients_for(size_t descriptors) {
  size_t share = descriptors / DESCRIPTORS_SHARE;
  size_t most = ps_control_usual_limits.clients;
  return share > most ? most : share > CLIENTS_LEAST ? share : CLIENTS_LEAST;
}

size_t ps_desk_descriptors(size_t descriptors) {
  return clients_for(descriptors) + 2; /* the listener, and one that is on its way in or out */
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
  const ps_control_options served = {.table = &table,
                                     .events = event_kinds,
                                     .greet = greet,
                                     .context = desk,
                                     .limits = &desk->limits,
                                     .source = options->profile};
  desk->server = ps_control_server_open(loop, &served);
  if (!desk->server) {
    free(desk);
    return NULL;
  }
  ps_list_init(&desk->surveys);
  (void)uv_timer_init(loop, &desk->look);
  desk->look.data = desk;
  desk->handles = 2;
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

static void released(ps_desk *desk) {
  if (--desk->handles == 0) {
    free(desk);
  }
}

static void on_server_closed(void *context) {
  released(context);
}

static void on_timer_closed(uv_handle_t *handle) {
  released(handle->data);
}

void ps_desk_close(ps_desk *desk) {
  if (!desk) {
    return;
  }
  ps_list *node = desk->surveys.next;
  while (node != &desk->surveys) {
    survey *self = PS_CONTAINER(node, survey, node);
    node = node->next;
    finish(desk, self);
  }
  ps_control_server_close(desk->server, on_server_closed, desk);
  uv_close((uv_handle_t *)&desk->look, on_timer_closed);
}
