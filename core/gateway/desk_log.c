/* SPDX-License-Identifier: MIT */
/* The gateway's log for clients: its last lines, and new ones as events while somebody listens. */
#include "gateway/desk_internal.h"
#include "log/ring.h"

#define LINES_USUAL 100

static json_t *line_json(uint64_t number, const ps_log_record *record) {
  json_t *line = json_pack("{s:I}", "number", (json_int_t)number);
  json_t *said = ps_log_record_json(record);
  (void)json_object_update(line, said);
  json_decref(said);
  return line;
}

static void add_line(void *context, uint64_t number, const ps_log_record *record) {
  (void)json_array_append_new(context, line_json(number, record));
}

void ps_desk_answer_logs(void *context, ps_control_call *call) {
  (void)context;
  json_t *lines = json_array();
  ps_log_ring_each(0, (size_t)ps_control_int(call, "lines", LINES_USUAL), add_line, lines);
  ps_control_answer(call, json_pack("{s:o, s:I}", "lines", lines, "last", (json_int_t)ps_log_ring_last()));
}

/* Any thread logs. */
static void on_news(void *context) {
  (void)uv_async_send(&((ps_desk *)context)->logged);
}

/* Collected first: to publish may have to log. */
static void on_logged(uv_async_t *async) {
  ps_desk *desk = async->data;
  size_t index;
  json_t *line;
  json_t *lines = json_array();
  if (!ps_control_server_tells(desk->server, PS_DESK_LOG)) {
    ps_log_ring_follow(NULL, NULL); /* nobody listens any more */
    desk->follows_log = 0;
  } else {
    ps_log_ring_each(desk->last_logged, PS_LOG_RING_RECORDS, add_line, lines);
  }
  json_array_foreach(lines, index, line) {
    desk->last_logged = (uint64_t)json_integer_value(json_object_get(line, "number"));
    ps_control_publish(desk->server, PS_DESK_LOG, json_incref(line));
  }
  json_decref(lines);
}

void ps_desk_follow_log(ps_desk *desk) {
  if (!desk->follows_log) {
    desk->follows_log = 1;
    desk->last_logged = ps_log_ring_last();
    ps_log_ring_follow(on_news, desk);
  }
}

int ps_desk_open_log(ps_desk *desk, uv_loop_t *loop) {
  desk->logged.data = desk;
  return uv_async_init(loop, &desk->logged, on_logged);
}

void ps_desk_close_log(ps_desk *desk, uv_close_cb closed) {
  ps_log_ring_follow(NULL, NULL);
  uv_close((uv_handle_t *)&desk->logged, closed);
}
