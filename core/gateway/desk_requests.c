/* SPDX-License-Identifier: MIT */
/* What clients of the control socket ask of the gateway: a row in the table each. */
#include <unistd.h>

#include "gateway/desk_internal.h"
#include "log/json.h"
#include "log/ring.h"

/* What a lane that does not answer has of it is not known: better no figure than a wrong one. */
static json_t *total(const ps_survey *self, uint64_t value) {
  return ps_survey_is_whole(self) ? json_integer((json_int_t)value) : json_null();
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

/* What the solver says of itself, if it is known. */
static void add_said(json_t *solver, const ps_survey *self) {
  if (json_is_object(solver)) {
    (void)json_object_set_new(solver, "answer", self->said ? json_incref(self->said) : json_null());
    (void)json_object_set_new(solver, "answer_ms", self->said ? ps_json_ms(uv_hrtime() - self->said_ns) : json_null());
  }
}

static json_t *answer_status(ps_desk *desk, const ps_survey *self) {
  const char *endpoint = ps_settings_string(desk->options.settings, "endpoint");
  ps_desk_counts counts = {0};
  desk->gateway.count(desk->gateway.context, &counts);
  json_t *status = json_pack("{s:o, s:s, s:o, s:I, s:s}", "profile", ps_json_text(desk->options.profile), "transport",
                             desk->options.transport->name, "endpoint", ps_json_text(endpoint), "pid",
                             (json_int_t)getpid(), "version", PENSTOCK_VERSION);
  json_t *told = ps_told_json(&desk->told);
  json_t *traffic = json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",              /**/
                              "lanes", (json_int_t)counts.lanes,                                 /**/
                              "streams", (json_int_t)counts.streams,                             /**/
                              "held", (json_int_t)counts.held,                                   /**/
                              "held_ms", counts.held ? ps_json_ms(counts.held_ns) : json_null(), /**/
                              "streams_ended", total(self, self->carried.ended),                 /**/
                              "streams_aborted", total(self, self->carried.aborted),             /**/
                              "up_bytes", total(self, self->carried.up_bytes),                   /**/
                              "down_bytes", total(self, self->carried.down_bytes),               /**/
                              "up_rate", total(self, self->carried.up_rate),                     /**/
                              "down_rate", total(self, self->carried.down_rate));
  (void)json_object_update(status, told);
  (void)json_object_update(status, traffic);
  add_said(json_object_get(status, "solver"), self);
  (void)json_object_set_new(status, "swap", swap_json(desk));
  (void)json_object_set_new(status, "draining", desk->gateway.leaving(desk->gateway.context));
  json_decref(told);
  json_decref(traffic);
  return status;
}

static json_t *answer_streams(ps_desk *desk, const ps_survey *self) {
  (void)desk;
  return json_pack("{s:O, s:I, s:b}", "streams", self->streams, "count", (json_int_t)self->count, "complete",
                   ps_survey_is_whole(self) && json_array_size(self->streams) == self->count);
}

static void on_status(void *context, ps_control_call *call) {
  ps_desk_begin_survey(context, call, answer_status);
}

static void on_streams(void *context, ps_control_call *call) {
  ps_desk_begin_survey(context, call, answer_streams);
}

static void end(ps_desk *desk, ps_control_call *call, int64_t wanted_ms) {
  ps_desk_counts counts = {0};
  desk->gateway.count(desk->gateway.context, &counts);
  uint64_t drain_ms = desk->gateway.stop(desk->gateway.context, wanted_ms);
  ps_control_answer(call,
                    json_pack("{s:I, s:I}", "streams", (json_int_t)counts.streams, "drain_ms", (json_int_t)drain_ms));
}

static void on_stop(void *context, ps_control_call *call) {
  end(context, call, ps_control_int(call, "drain_ms", -1));
}

/* As patiently as another profile would have taken its place. */
static void on_drain(void *context, ps_control_call *call) {
  const ps_desk *desk = context;
  end(context, call, ps_control_int(call, "drain_ms", ps_settings_int(desk->options.settings, "drain", 30000)));
}

static void on_reconnect(void *context, ps_control_call *call) {
  ps_desk *desk = context;
  ps_control_fault fault;
  size_t lanes = 0;
  if (desk->gateway.reconnect(desk->gateway.context, &lanes, &fault) != 0) {
    ps_control_refuse(call, &fault);
    return;
  }
  ps_told_wanted(&desk->told, desk->told.state != PS_STATE_CONNECTING);
  ps_control_answer(call, json_pack("{s:I}", "lanes", (json_int_t)lanes));
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

/* The answer comes at once, or, if the profile connects anew, as that of `use`. */
static void on_reload(void *context, ps_control_call *call) {
  ps_desk *desk = context;
  ps_control_fault fault;
  ps_reload changes;
  if (desk->gateway.reload(desk->gateway.context, &changes, &fault) != 0) {
    ps_control_refuse(call, &fault);
    return;
  }
  json_t *list = ps_reload_json(&changes);
  if (changes.connects) {
    desk->using = call;
    desk->changes = list;
  } else {
    ps_control_answer(call, json_pack("{s:o, s:o, s:b}", "profile", ps_json_text(desk->options.profile), "changes",
                                      list, "connected", 0));
  }
  ps_reload_free(&changes);
}

void ps_desk_answer_use(ps_desk *desk, const ps_swap_event *event) {
  ps_control_call *call = desk->using;
  json_t *changes = desk->changes;
  ps_control_fault fault;
  desk->using = NULL;
  desk->changes = NULL;
  if (!call) {
    return;
  }
  if (event->step == PS_SWAP_TAKEN) {
    json_t *answer = json_pack("{s:o, s:s, s:o, s:I, s:I}", "profile", ps_json_text(event->profile), "transport",
                               event->transport->name, "other", ps_json_text(event->other), "streams",
                               (json_int_t)event->streams, "drain_ms", (json_int_t)event->drain_ms);
    if (changes) {
      (void)json_object_set_new(answer, "changes", changes);
      (void)json_object_set_new(answer, "connected", json_true());
    }
    ps_control_answer(call, answer);
    return;
  }
  json_decref(changes);
  /* Not by the class of the error: a user who gives no pass phrase has cancelled, too. */
  ps_control_fault_set(&fault, event->is_ending ? "stopping" : "not-served", "%s", event->error->what);
  ps_control_fault_next(&fault, "%s", event->error->next);
  ps_control_fault_cause(&fault, event->error);
  ps_control_refuse(call, &fault);
}

/* --- the table ---------------------------------------------------------------------------------- */

const char *const ps_desk_event_kinds[] = {"state", "leg", "progress", "serving", "swap", "log", "reload", NULL};
#define ALL_EVENTS ((uint32_t)127)

static void on_subscribe(void *context, ps_control_call *call) {
  json_t *list = json_array();
  uint32_t kinds = ps_control_subscribe(call, ps_control_words(call, "events", ALL_EVENTS));
  if (kinds == 0) {
    ps_control_fault fault;
    ps_control_fault_set(&fault, "busy", "the gateway tells as many already as it can");
    ps_control_fault_next(&fault, "end one of those who have subscribed, or ask for `status` now and then");
    json_decref(list);
    ps_control_refuse(call, &fault);
    return;
  }
  for (unsigned i = 0; ps_desk_event_kinds[i]; i++) {
    if (kinds & (UINT32_C(1) << i)) {
      (void)json_array_append_new(list, json_string(ps_desk_event_kinds[i]));
    }
  }
  if (kinds & (UINT32_C(1) << PS_DESK_LOG)) {
    ps_desk_follow_log(context);
  }
  ps_control_answer(call, json_pack("{s:o, s:I}", "events", list, "seq", (json_int_t)ps_control_last_event(call)));
}

static void on_help(void *context, ps_control_call *call);

static const ps_control_field stop_fields[] = {
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams may go on, in milliseconds; as `stop_timeout` of the profile if it is not given"}};
static const ps_control_field drain_fields[] = {
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams may go on, in milliseconds; as `drain` of the profile if it is not given"}};
static const ps_control_field use_fields[] = {
    {"profile", PS_CONTROL_TEXT, 1, 256, NULL, "name of the profile; it must be given"},
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams of the one in use may go on, in milliseconds; as its `drain` if it is not given"}};
static const ps_control_field solver_fields[] = {
    {"drain_ms", PS_CONTROL_INT, 0, 3600000, NULL,
     "how long streams may go on before the solver is ended, in milliseconds; not at all if it is not given"}};
static const ps_control_field exec_fields[] = {
    {"command", PS_CONTROL_TEXTS, 2, 32768, NULL, "the program and its arguments; it must be given"},
    {"merge", PS_CONTROL_INT, 0, 1, NULL, "1: standard error goes where standard output goes; 0 if it is not given"}};
static const ps_control_field solver_log_fields[] = {
    {"lines", PS_CONTROL_INT, 0, 1000000, NULL, "how many of its last lines come first; 100 if it is not given"},
    {"follow", PS_CONTROL_INT, 0, 1, NULL, "1: go on with what is added to it; 0 if it is not given"}};
static const ps_control_field subscribe_fields[] = {
    {"events", PS_CONTROL_WORDS, 0, 0, ps_desk_event_kinds, "kinds of events; all if it is not given"}};

static const ps_control_field logs_fields[] = {
    {"lines", PS_CONTROL_INT, 0, PS_LOG_RING_RECORDS, NULL, "how many, at most; 100 if it is not given"}};

static const ps_control_kind requests[] = {
    {"status", "how the gateway is", NULL, 0, on_status},
    {"streams", "the streams that it carries now", NULL, 0, on_streams},
    {"subscribe", "tells of events from now on, until the connection is closed", subscribe_fields, 1, on_subscribe},
    {"logs", "the last lines of the gateway's log", logs_fields, 1, ps_desk_answer_logs},
    {"use", "connects another profile beside the one in use, and uses it once it serves", use_fields, 2, on_use},
    {"reload", "reads the files anew, and applies what they say otherwise", NULL, 0, on_reload},
    {"reconnect", "gives up the link, with the streams on it, and connects anew at once", NULL, 0, on_reconnect},
    {"exec", "runs a command where the solver lives; the connection becomes its input and output", exec_fields, 2,
     ps_desk_on_exec},
    {"solver_log", "shows the end of the solver's log; the connection becomes its stream", solver_log_fields, 2,
     ps_desk_on_solver_log},
    {"solver_start", "has the solver launched if none serves, also after it was stopped", NULL, 0,
     ps_desk_on_solver_start},
    {"solver_stop", "ends the solver, and leaves it so; the gateway goes on", solver_fields, 1, ps_desk_on_solver_stop},
    {"solver_restart", "ends the solver and launches it again; connections wait", solver_fields, 1,
     ps_desk_on_solver_restart},
    {"stop", "ends the gateway in order, as SIGTERM does; a second one hurries", stop_fields, 1, on_stop},
    {"drain", "takes no connections in any more, and ends when the streams have ended", drain_fields, 1, on_drain},
    {"help", "what can be asked", NULL, 0, on_help},
};
const ps_control_table ps_desk_table = {requests, sizeof(requests) / sizeof(requests[0])};

static void on_help(void *context, ps_control_call *call) {
  (void)context;
  ps_control_answer(call, json_pack("{s:o}", "requests", ps_control_table_json(&ps_desk_table)));
}
