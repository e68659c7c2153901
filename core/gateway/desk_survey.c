/* SPDX-License-Identifier: MIT */
/* What the desk asks the lanes, for clients and for whoever watches many gateways. */
#include <stdlib.h>

#include "gateway/desk_internal.h"
#include "log/json.h"

/* How long lanes are waited for: one that is busy needs less, one that is inside a login may need minutes. */
#define REPORT_MS      300
#define REPORT_LOOK_MS 50

int ps_survey_is_whole(const ps_survey *self) {
  return self->heard_of == self->asked;
}

static void tell_figures(ps_desk *desk, const ps_survey *self) {
  ps_desk_figures figures = {.profile = desk->options.profile,
                             .transport = desk->options.transport->name,
                             .state = desk->told.state,
                             .uptime_ns = uv_hrtime() - desk->told.began.ns,
                             .times_served = desk->told.times_served,
                             .is_whole = ps_survey_is_whole(self),
                             .ended = self->carried.ended,
                             .aborted = self->carried.aborted,
                             .up_bytes = self->carried.up_bytes,
                             .down_bytes = self->carried.down_bytes,
                             .opens = self->carried.opens,
                             .first_bytes = self->carried.first_bytes};
  desk->gateway.count(desk->gateway.context, &figures.counts);
  self->heard(self->context, &figures);
}

static void finish(ps_desk *desk, ps_survey *self) {
  ps_list_remove(&self->node);
  if (self->heard) {
    tell_figures(desk, self);
  } else if (self->answer) {
    ps_control_answer(self->call, self->answer(desk, self));
  }
  json_decref(self->streams);
  json_decref(self->said);
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
    ps_survey *self = PS_CONTAINER(node, ps_survey, node);
    node = node->next;
    if (now_ns >= self->end_ns) {
      finish(desk, self);
    }
  }
}

static void send_survey(ps_desk *desk, ps_survey *self) {
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

void ps_desk_begin_survey(ps_desk *desk, ps_control_call *call,
                          json_t *(*answer)(ps_desk *desk, const ps_survey *survey)) {
  ps_survey *self = calloc(1, sizeof(*self));
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
  ps_survey *self = calloc(1, sizeof(*self));
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  self->heard = heard;
  self->context = context;
  send_survey(desk, self);
  return PENSTOCK_OK;
}

static void add_rows(ps_survey *self, const ps_lane_report *report) {
  for (size_t i = 0; i < report->listed && json_array_size(self->streams) < PS_REPORT_STREAMS; i++) {
    const ps_stream_now *row = &report->streams[i];
    (void)json_array_append_new(self->streams,
                                json_pack("{s:I, s:I, s:I, s:o}", "id", (json_int_t)row->id, "up_bytes",
                                          (json_int_t)row->up_bytes, "down_bytes", (json_int_t)row->down_bytes,
                                          "age_ms", ps_json_ms(row->age_ns)));
  }
}

static void add_totals(ps_desk_totals *sum, const ps_lane_report *report) {
  sum->ended += report->ended;
  sum->aborted += report->aborted;
  sum->up_bytes += report->up_bytes;
  sum->down_bytes += report->down_bytes;
  sum->up_rate += report->up_rate;
  sum->down_rate += report->down_rate;
  ps_histogram_merge(&sum->opens, &report->opens);
  ps_histogram_merge(&sum->first_bytes, &report->first_bytes);
}

/* Each lane asks by itself: the last answer counts. */
static void add_said(ps_survey *self, const ps_lane_report *report) {
  if (report->said_ns > self->said_ns) {
    json_decref(self->said);
    self->said_ns = report->said_ns;
    self->said = json_loads(report->said, 0, NULL);
  }
}

void ps_desk_report(ps_desk *desk, const ps_lane_report *report, int is_used) {
  if (desk && report && report->ticket == 0) {
    add_totals(&desk->past, report);
    return;
  }
  ps_list *node = desk && report ? desk->surveys.next : NULL;
  while (node && node != &desk->surveys) {
    ps_survey *self = PS_CONTAINER(node, ps_survey, node);
    node = node->next;
    if (self->ticket != report->ticket) {
      continue;
    }
    self->heard_of++;
    add_totals(&self->carried, report);
    self->count += report->count;
    add_rows(self, report);
    if (is_used) {
      add_said(self, report);
    }
    if (ps_survey_is_whole(self)) {
      finish(desk, self);
    }
    return;
  }
}

void ps_desk_finish_surveys(ps_desk *desk) {
  ps_list *node = desk->surveys.next;
  while (node != &desk->surveys) {
    ps_survey *self = PS_CONTAINER(node, ps_survey, node);
    node = node->next;
    finish(desk, self);
  }
}
