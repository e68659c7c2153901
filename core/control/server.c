/* SPDX-License-Identifier: MIT */
#include "control/server.h"

#include <stdlib.h>

#include "control/session.h"
#include "log/json.h"
#include "log/log.h"
#include "net/net.h"

#define BACKLOG       64
#define WARN_EVERY_NS (10ull * 1000000000)

const ps_control_limits ps_control_usual_limits = {.clients = 16,
                                                   .grace_ms = 50,
                                                   .backlog = (size_t)64 * 1024,
                                                   .requests = 8,
                                                   .calls = 8,
                                                   .turn_ms = 20,
                                                   .line_ms = 10000,
                                                   .quiet_ms = 60000,
                                                   .write_ms = 30000,
                                                   .look_ms = 250};

/* --- clients ------------------------------------------------------------------------------------ */

static void each_session(ps_control_server *server, void (*each)(ps_control_session *session)) {
  for (ps_list *node = server->sessions.next; node != &server->sessions; node = node->next) {
    each(PS_CONTAINER(node, ps_control_session, node));
  }
}

static void next_turn(ps_control_session *session) {
  session->turn = 0;
  ps_control_session_work(session);
}

static void look(ps_control_session *session) {
  ps_control_session_look(session, uv_hrtime());
}

static void on_look(uv_timer_t *timer) {
  ps_control_server *server = timer->data;
  each_session(server, look);
  if (server->count == 0) {
    (void)uv_timer_stop(timer);
  }
}

/* Since when somebody has had their place for no good reason: silent, or asking without end; 0: it has one. */
static uint64_t useless_since(const ps_control_session *session, const ps_control_limits *limits) {
  if (session->kinds != 0 || uv_is_closing((const uv_handle_t *)&session->pipe)) {
    return 0;
  }
  if (session->turn >= limits->requests || session->call_count >= limits->calls) {
    return session->began_ns;
  }
  return session->call_count == 0 ? session->heard_ns : 0;
}

static ps_control_session *least_useful(const ps_control_server *server, uint64_t *since) {
  ps_control_session *found = NULL;
  for (ps_list *node = server->sessions.next; node != &server->sessions; node = node->next) {
    ps_control_session *session = PS_CONTAINER(node, ps_control_session, node);
    uint64_t its = useless_since(session, server->options.limits);
    if (its != 0 && (!found || its < *since)) {
      found = session;
      *since = its;
    }
  }
  return found;
}

/* Is there a place for somebody new, or can one be made? Whoever has one keeps it for long enough to ask something. */
static int make_place(ps_control_server *server) {
  const ps_control_limits *limits = server->options.limits;
  if (server->count < limits->clients) {
    return 1;
  }
  uint64_t since = 0;
  ps_control_session *session = least_useful(server, &since);
  if (!session || uv_hrtime() - since < limits->grace_ms * 1000000) {
    return 0;
  }
  ps_control_session_expel(session, "busy", "the gateway has too many control connections, and others wait",
                           "connect when there is something to ask, and again if it was crowded out");
  return 1;
}

static void settle(ps_control_server *server, ps_control_session *session) {
  const uint64_t look_ms = server->options.limits->look_ms;
  if (!uv_is_active((uv_handle_t *)&server->look)) {
    (void)uv_timer_start(&server->look, on_look, look_ms, look_ms);
  }
  ps_control_session_begin(session);
}

static void tell_stranger(ps_control_server *server, uint32_t uid) {
  uint64_t now = uv_hrtime();
  if (server->warned_ns == 0 || now - server->warned_ns > WARN_EVERY_NS) {
    server->warned_ns = now;
    ps_log(PENSTOCK_LOG_WARN, server->options.source, "refused a control connection of user id %u", uid);
  }
}

static void take_connection(ps_control_server *server) {
  uv_stream_t *listener = (uv_stream_t *)&server->listener;
  uint32_t uid = (uint32_t)-1;
  uint32_t pid = 0;
  uv_os_fd_t fd;
  ps_control_session *session = ps_control_session_new(server);
  if (!session) {
    return;
  }
  if (uv_accept(listener, (uv_stream_t *)&session->pipe) != 0 || uv_fileno((uv_handle_t *)&session->pipe, &fd) != 0) {
    ps_control_session_close(session);
  } else if (ps_control_peer((penstock_socket)fd, &uid, &pid) != PENSTOCK_OK || !ps_control_permits(uid)) {
    tell_stranger(server, uid);
    ps_control_session_close(session);
  } else {
    settle(server, session);
  }
}

/* Without a place the connection is left with libuv, which then takes no other one: so they wait in the system, and no
 * storm of them keeps the loop. */
static void on_connection(uv_stream_t *stream, int status) {
  ps_control_server *server = stream->data;
  if (status != 0) {
    return;
  }
  server->waits = !make_place(server);
  if (server->waits) {
    ps_control_server_next_turn(server);
  } else {
    take_connection(server);
  }
}

static void on_turn(uv_timer_t *timer) {
  ps_control_server *server = timer->data;
  each_session(server, next_turn);
  if (server->waits) {
    on_connection((uv_stream_t *)&server->listener, 0);
  }
}

void ps_control_server_next_turn(ps_control_server *server) {
  if (!uv_is_active((uv_handle_t *)&server->turn)) {
    (void)uv_timer_start(&server->turn, on_turn, server->options.limits->turn_ms, 0);
  }
}

void ps_control_server_adopt(ps_control_server *server, penstock_socket connected) {
  ps_control_session *session = make_place(server) ? ps_control_session_new(server) : NULL;
  if (session && uv_pipe_open(&session->pipe, (uv_file)connected) == 0) {
    settle(server, session);
    return;
  }
  ps_net_close(connected);
  if (session) {
    ps_control_session_close(session);
  }
}

size_t ps_control_server_clients(const ps_control_server *server) {
  return server->count;
}

/* --- events ------------------------------------------------------------------------------------- */

/* An event begins with its kind and number, so that it reads well. */
static json_t *event_json(const ps_control_server *server, unsigned kind, json_t *fields) {
  struct timespec when = {0};
  (void)timespec_get(&when, TIME_UTC);
  json_t *event = json_pack("{s:s, s:I, s:o}", "event", server->options.events[kind], "seq",
                            (json_int_t)server->last_event, "time", ps_json_time(&when));
  (void)json_object_update(event, fields);
  json_decref(fields);
  return event;
}

int ps_control_server_tells(const ps_control_server *server, unsigned kind) {
  uint32_t kinds = 0;
  for (const ps_list *node = server->sessions.next; node != &server->sessions; node = node->next) {
    kinds |= PS_CONTAINER(node, ps_control_session, node)->kinds;
  }
  return (kinds >> kind & 1) != 0;
}

void ps_control_publish(ps_control_server *server, unsigned kind, json_t *fields) {
  uint32_t bit = UINT32_C(1) << kind;
  server->last_event++;
  if (!ps_control_server_tells(server, kind)) {
    json_decref(fields);
    return;
  }
  char *line = ps_json_dump(event_json(server, kind, fields));
  for (ps_list *node = server->sessions.next; line && node != &server->sessions; node = node->next) {
    ps_control_session *session = PS_CONTAINER(node, ps_control_session, node);
    if (session->kinds & bit) {
      ps_control_session_tell(session, line, strlen(line));
    }
  }
  free(line);
}

/* --- calls -------------------------------------------------------------------------------------- */

int64_t ps_control_int(const ps_control_call *call, const char *field, int64_t otherwise) {
  const json_t *value = json_object_get(call->request.fields, field);
  return value ? (int64_t)json_integer_value(value) : otherwise;
}

const char *ps_control_text(const ps_control_call *call, const char *field) {
  return json_string_value(json_object_get(call->request.fields, field));
}

size_t ps_control_text_count(const ps_control_call *call, const char *field) {
  return json_array_size(json_object_get(call->request.fields, field));
}

const char *ps_control_text_at(const ps_control_call *call, const char *field, size_t place) {
  return json_string_value(json_array_get(json_object_get(call->request.fields, field), place));
}

static const ps_control_field *find_field(const ps_control_kind *kind, const char *name) {
  for (size_t i = 0; i < kind->field_count; i++) {
    if (strcmp(kind->fields[i].name, name) == 0) {
      return &kind->fields[i];
    }
  }
  return NULL;
}

uint32_t ps_control_words(const ps_control_call *call, const char *field, uint32_t otherwise) {
  const json_t *list = json_object_get(call->request.fields, field);
  const ps_control_field *known = find_field(call->request.kind, field);
  uint32_t bits = 0;
  if (!list || !known) {
    return otherwise;
  }
  for (size_t i = 0; i < json_array_size(list); i++) {
    for (unsigned place = 0; known->words[place]; place++) {
      if (strcmp(known->words[place], json_string_value(json_array_get(list, i))) == 0) {
        bits |= UINT32_C(1) << place;
      }
    }
  }
  return bits;
}

uint32_t ps_control_subscribe(ps_control_call *call, uint32_t kinds) {
  ps_control_session *session = call->session;
  if (!session) {
    return 0;
  }
  const ps_control_server *server = session->server;
  size_t subscribed = 0;
  for (const ps_list *node = server->sessions.next; node != &server->sessions; node = node->next) {
    const ps_control_session *other = PS_CONTAINER(node, ps_control_session, node);
    subscribed += other != session && other->kinds != 0;
  }
  if (subscribed < server->options.limits->clients / 2) {
    session->kinds |= kinds;
  }
  return session->kinds;
}

uint64_t ps_control_last_event(const ps_control_call *call) {
  return call->session ? call->session->server->last_event : 0;
}

/* Sends `what` as a member of the answer. The line that asked is still being looked at if the answer comes at once; if
 * it comes later, the client may go on now. */
static void finish(ps_control_call *call, const char *member, json_t *what) {
  ps_control_session *session = call->session;
  if (session) {
    ps_list_remove(&call->node);
    session->call_count--;
    session->is_lent = 0;
    ps_control_session_write(session, json_pack("{s:O?, s:o}", "id", call->request.id, member, what));
    /* on_written goes on with it, on a later turn */
  } else {
    json_decref(what);
  }
  ps_control_request_clear(&call->request);
  free(call);
}

void ps_control_answer(ps_control_call *call, json_t *result) {
  finish(call, "result", result);
}

void ps_control_refuse(ps_control_call *call, const ps_control_fault *fault) {
  finish(call, "error", ps_control_fault_json(fault));
}

/* --- lending ------------------------------------------------------------------------------------ */

int ps_control_lend(ps_control_call *call, penstock_socket *socket, ps_control_fault *fault) {
  ps_control_session *session = call->session;
  uv_os_fd_t fd;
  *socket = PENSTOCK_SOCKET_NONE;
  if (!session || uv_fileno((uv_handle_t *)&session->pipe, &fd) != 0) {
    ps_control_fault_set(fault, "failed", "the client has gone");
    return PENSTOCK_E_FAILED;
  }
  if (session->call_count > 1 || session->out_size > 0 || session->kinds != 0 || session->in_behind > 0 ||
      ps_control_has_more((penstock_socket)fd)) {
    ps_control_fault_set(fault, "not-alone", "the connection cannot become a stream: there is something else on it");
    ps_control_fault_next(fault, "%s",
                          "ask for it on a connection without events and without other requests that are not answered, "
                          "and send nothing more before its answer");
    return PENSTOCK_E_FAILED;
  }
  int code = ps_control_as_socket((penstock_socket)fd, socket, fault);
  session->is_lent = code == PENSTOCK_OK;
  if (session->is_lent && session->reading) { /* from now on what comes is another one's */
    session->reading = 0;
    (void)uv_read_stop((uv_stream_t *)&session->pipe);
  }
  return code;
}

char *ps_control_line(const ps_control_call *call, json_t *result) {
  char *text = ps_json_dump(json_pack("{s:O?, s:o}", "id", call->request.id, "result", result));
  char *line = text ? realloc(text, strlen(text) + 2) : NULL;
  if (!line) {
    free(text);
    return NULL;
  }
  memcpy(line + strlen(line), "\n", 2);
  return line;
}

void ps_control_taken(ps_control_call *call) {
  ps_control_session *session = call->session;
  if (session) {
    ps_control_session_close(session); /* takes the call off */
  }
  ps_control_request_clear(&call->request);
  free(call);
}

/* --- its life ----------------------------------------------------------------------------------- */

ps_control_server *ps_control_server_open(uv_loop_t *loop, const ps_control_options *options) {
  ps_control_server *server = calloc(1, sizeof(*server));
  if (!server) {
    return NULL;
  }
  server->loop = loop;
  server->options = *options;
  ps_list_init(&server->sessions);
  (void)uv_pipe_init(loop, &server->listener, 0);
  (void)uv_timer_init(loop, &server->turn);
  (void)uv_timer_init(loop, &server->look);
  server->listener.data = server;
  server->turn.data = server;
  server->look.data = server;
  server->handles = 3;
  return server;
}

int ps_control_server_listen(ps_control_server *server, const char *name, penstock_error *error) {
  int result = ps_control_bind(&server->listener, name, &server->file, error);
  if (result == PENSTOCK_OK && uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection) != 0) {
    ps_control_unbind(&server->file);
    result = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "cannot listen for control connections");
  }
  return result;
}

void ps_control_server_unlink(ps_control_server *server) {
  ps_control_unbind(&server->file);
}

void ps_control_server_released(ps_control_server *server) {
  if (--server->handles == 0) {
    void (*closed)(void *) = server->closed;
    void *context = server->closed_context;
    ps_control_settle();
    free(server);
    if (closed) {
      closed(context);
    }
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  ps_control_server_released(handle->data);
}

void ps_control_server_close(ps_control_server *server, void (*closed)(void *context), void *context) {
  server->closed = closed;
  server->closed_context = context;
  ps_control_unbind(&server->file);
  each_session(server, ps_control_session_close);
  uv_close((uv_handle_t *)&server->listener, on_handle_closed);
  uv_close((uv_handle_t *)&server->turn, on_handle_closed);
  uv_close((uv_handle_t *)&server->look, on_handle_closed);
}
