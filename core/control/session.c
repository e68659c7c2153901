/* SPDX-License-Identifier: MIT */
/* One client: lines in, lines out, and its bounds. */
#include "control/session.h"

#include <stdlib.h>

#include "log/json.h"

/* What is read at first; lines are short. */
#define ROOM_AT_FIRST 1024

/* A line on its way out. */
typedef struct line_out {
  uv_write_t request;
  ps_control_session *session;
  size_t size;
  char bytes[];
} line_out;

static const ps_control_limits *limits(const ps_control_session *session) {
  return session->server->options.limits;
}

static int is_closing(const ps_control_session *session) {
  return uv_is_closing((const uv_handle_t *)&session->pipe);
}

/* --- the end ------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle) {
  ps_control_session *session = handle->data;
  ps_control_server *server = session->server;
  ps_list_remove(&session->node);
  free(session->in);
  free(session);
  ps_control_server_released(server);
}

void ps_control_session_close(ps_control_session *session) {
  if (is_closing(session)) {
    return;
  }
  for (ps_list *node = ps_list_take(&session->calls); node; node = ps_list_take(&session->calls)) {
    PS_CONTAINER(node, ps_control_call, node)->session = NULL;
  }
  session->kinds = 0;
  session->server->count--;
  uv_close((uv_handle_t *)&session->pipe, on_closed);
}

void ps_control_session_expel(ps_control_session *session, const char *code, const char *what, const char *next) {
  ps_control_fault fault;
  ps_control_fault_set(&fault, code, "%s", what);
  ps_control_fault_next(&fault, "%s", next);
  char *text = ps_json_dump(json_pack("{s:n, s:o}", "id", "error", ps_control_fault_json(&fault)));
  if (text && !is_closing(session) && session->out_size == 0) {
    uv_buf_t parts[] = {uv_buf_init(text, (unsigned)strlen(text)), uv_buf_init("\n", 1)};
    (void)uv_try_write((uv_stream_t *)&session->pipe, parts, 2);
  }
  free(text);
  ps_control_session_close(session);
}

static void close_if_done(ps_control_session *session) {
  if (session->ended && session->call_count == 0 && session->out_size == 0) {
    ps_control_session_close(session);
  }
}

/* --- out ---------------------------------------------------------------------------------------- */

static void tell_lost(ps_control_session *session);

static void on_written(uv_write_t *request, int status) {
  line_out *line = request->data;
  ps_control_session *session = line->session;
  session->out_size -= line->size;
  session->moving_ns = uv_hrtime();
  free(line);
  if (is_closing(session)) {
    return;
  }
  if (status != 0) {
    ps_control_session_close(session);
    return;
  }
  if (session->out_size == 0 && session->lost > 0) {
    tell_lost(session);
  }
  ps_control_session_work(session);
}

/* Writes a text and the line's end, if it is not in it. */
static void write_text(ps_control_session *session, const char *text, size_t size) {
  line_out *line = is_closing(session) ? NULL : malloc(sizeof(*line) + size + 1);
  if (!line) {
    ps_control_session_close(session);
    return;
  }
  memcpy(line->bytes, text, size);
  if (size == 0 || text[size - 1] != '\n') {
    line->bytes[size++] = '\n';
  }
  line->session = session;
  line->size = size;
  line->request.data = line;
  uv_buf_t part = uv_buf_init(line->bytes, (unsigned)size);
  if (session->out_size == 0) {
    session->moving_ns = uv_hrtime();
  }
  session->out_size += size;
  if (uv_write(&line->request, (uv_stream_t *)&session->pipe, &part, 1, on_written) != 0) {
    session->out_size -= size;
    free(line);
    ps_control_session_close(session);
  }
}

void ps_control_session_write(ps_control_session *session, json_t *object) {
  char *text = ps_json_dump(object);
  if (!text) {
    ps_control_session_close(session); /* out of memory: never silence where an answer is due */
    return;
  }
  write_text(session, text, strlen(text));
  free(text);
}

static void tell_lost(ps_control_session *session) {
  json_int_t lost = (json_int_t)session->lost;
  session->lost = 0;
  ps_control_session_write(
      session, json_pack("{s:s, s:I, s:I}", "event", "lost", "seq", (json_int_t)session->lost_seq, "lost", lost));
}

void ps_control_session_tell(ps_control_session *session, const char *line, size_t size) {
  if (session->out_size + size > limits(session)->backlog) {
    session->lost++;
    session->lost_seq = session->server->last_event;
    return;
  }
  if (session->lost > 0) {
    tell_lost(session);
  }
  write_text(session, line, size);
}

/* --- in ----------------------------------------------------------------------------------------- */

static void refuse_line(ps_control_session *session, json_t *id, const ps_control_fault *fault) {
  ps_control_session_write(session, json_pack("{s:O?, s:o}", "id", id, "error", ps_control_fault_json(fault)));
}

static void handle_line(ps_control_session *session, const char *text, size_t size) {
  ps_control_server *server = session->server;
  ps_control_fault fault;
  ps_control_call *call = calloc(1, sizeof(*call));
  if (!call) {
    ps_control_session_close(session);
    return;
  }
  session->turn++;
  session->heard_ns = uv_hrtime();
  if (ps_control_request_read(&call->request, server->options.table, text, size, &fault) != 0) {
    refuse_line(session, call->request.id, &fault);
    ps_control_request_clear(&call->request);
    free(call);
    return;
  }
  call->session = session;
  ps_list_append(&session->calls, &call->node);
  session->call_count++;
  call->request.kind->handle(server->options.context, call);
}

/* May it be given a turn? */
static int may_ask(const ps_control_session *session) {
  return !is_closing(session) && !session->is_lent && session->turn < limits(session)->requests &&
         session->call_count < limits(session)->calls && session->out_size < limits(session)->backlog;
}

static void end_with(ps_control_session *session, const char *code, const char *what) {
  ps_control_fault fault;
  ps_control_fault_set(&fault, code, "%s", what);
  ps_control_fault_next(&fault, "a line ends with a new line, and has at most %zu bytes before it",
                        PS_CONTROL_LINE_MAX);
  session->ended = 1;
  session->in_size = 0;
  refuse_line(session, NULL, &fault);
}

/* Takes the lines that are whole, as long as it may ask. */
static void take_lines(ps_control_session *session) {
  size_t at = 0;
  while (session->in_size > at && may_ask(session)) {
    char *start = session->in + at;
    size_t left = session->in_size - at;
    char *end = left > session->in_seen ? memchr(start + session->in_seen, '\n', left - session->in_seen) : NULL;
    if (!end) {
      session->in_seen = left;
      break;
    }
    session->in_seen = 0;
    at = (size_t)(end - session->in) + 1;
    session->in_behind = session->in_size - at;
    handle_line(session, start, (size_t)(end - start));
  }
  if (at > 0) {
    session->in_size -= at;
    memmove(session->in, session->in + at, session->in_size);
    session->line_ns = session->in_size > 0 ? uv_hrtime() : 0;
  }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  ps_control_session *session = handle->data;
  const size_t most = PS_CONTROL_LINE_MAX + 1;
  (void)suggested;
  if (session->in_size == session->in_room && session->in_room < most) {
    size_t room = session->in_room ? session->in_room * 4 : ROOM_AT_FIRST;
    room = room < most ? room : most;
    char *more = realloc(session->in, room);
    if (more) {
      session->in = more;
      session->in_room = room;
    }
  }
  *buffer = uv_buf_init(session->in + session->in_size, (unsigned)(session->in_room - session->in_size));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  ps_control_session *session = stream->data;
  (void)buffer;
  if (count > 0) {
    session->line_ns = session->in_size > 0 ? session->line_ns : uv_hrtime();
    session->in_size += (size_t)count;
  } else if (count == UV_EOF) {
    session->ended = 1;
  } else if (count < 0) {
    ps_control_session_close(session);
    return;
  }
  ps_control_session_work(session);
}

/* A whole buffer without an end is a line that is too long; a rest without one, at the end, was cut short. */
static void judge_rest(ps_control_session *session) {
  int is_whole = session->in_seen == session->in_size;
  if (session->in_size > PS_CONTROL_LINE_MAX && is_whole) {
    end_with(session, "too-long", "the line is too long; nothing more is read");
  } else if (session->ended && session->in_size > 0 && is_whole) {
    end_with(session, "malformed", "the last line does not end");
  }
}

void ps_control_session_work(ps_control_session *session) {
  take_lines(session);
  if (is_closing(session)) {
    return;
  }
  judge_rest(session);
  if (!is_closing(session) && session->in_size == 0) {
    close_if_done(session);
  }
  if (is_closing(session)) {
    return;
  }
  if (session->in_size == 0) { /* idle clients hold no buffer */
    free(session->in);
    session->in = NULL;
    session->in_room = 0;
    session->in_seen = 0;
  }
  int wants = !session->ended && may_ask(session);
  if (wants && !session->reading) {
    session->reading = uv_read_start((uv_stream_t *)&session->pipe, on_room, on_read) == 0;
  } else if (!wants && session->reading) {
    session->reading = 0;
    (void)uv_read_stop((uv_stream_t *)&session->pipe);
  }
  if (session->turn >= limits(session)->requests) {
    ps_control_server_next_turn(session->server);
  }
}

/* --- its life ----------------------------------------------------------------------------------- */

ps_control_session *ps_control_session_new(ps_control_server *server) {
  ps_control_session *session = calloc(1, sizeof(*session));
  if (!session) {
    return NULL;
  }
  session->server = server;
  (void)uv_pipe_init(server->loop, &session->pipe, 0);
  session->pipe.data = session;
  ps_list_init(&session->calls);
  session->began_ns = uv_hrtime();
  session->heard_ns = session->began_ns;
  ps_list_append(&server->sessions, &session->node);
  server->count++;
  server->handles++;
  return session;
}

void ps_control_session_begin(ps_control_session *session) {
  const ps_control_options *options = &session->server->options;
  ps_control_session_write(session, json_pack("{s:s, s:i, s:o}", "penstock", PENSTOCK_VERSION, "protocol",
                                              PS_CONTROL_PROTOCOL, "gateway", options->greet(options->context)));
  if (!is_closing(session)) {
    ps_control_session_work(session);
  }
}

void ps_control_session_look(ps_control_session *session, uint64_t now_ns) {
  const ps_control_limits *bounds = limits(session);
  if (is_closing(session)) {
    return;
  }
  int asks = session->call_count > 0 || session->kinds != 0 || session->out_size > 0;
  if (session->out_size > 0 && now_ns - session->moving_ns > bounds->write_ms * 1000000) {
    ps_control_session_close(session);
  } else if (session->line_ns && session->reading && now_ns - session->line_ns > bounds->line_ms * 1000000) {
    ps_control_session_expel(session, "too-slow", "the line was not ended in time",
                             "write a request in one piece, with a new line after it");
  } else if (!asks && now_ns - session->heard_ns > bounds->quiet_ms * 1000000) {
    ps_control_session_expel(session, "too-slow", "nothing was asked for too long",
                             "connect when there is something to ask, or subscribe to events");
  }
}
