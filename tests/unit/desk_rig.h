/* SPDX-License-Identifier: MIT */
/**
 * @file desk_rig.h
 * A gateway's desk, before a gateway that the test plays, and a client of it.
 */
#ifndef DESK_RIG_H
#define DESK_RIG_H

#include "control_rig.h"

#include "control/place.h"
#include "gateway/desk.h"

static char folder[64];

/* The gateway. */
typedef struct played {
  rig rig; /* its loop */
  ps_desk *desk;
  ps_gateway_options options;
  ps_gateway_events told;
  ps_settings *settings;
  size_t asked; /* lanes that are asked for a report */
  uint64_t ticket;
  int64_t drain_ms; /* of the last stop; -2 = none */
  int reconnects;
  size_t lanes; /* that connect anew */
  int heard;    /* events that got through */
  penstock_error unasked;
  enum { RELOAD_FAILS, RELOAD_IS_LIVE, RELOAD_CONNECTS } reloads;
} played;

static const penstock_transport transport = {.name = "fake"};

static void count(void *context, ps_desk_counts *counts) {
  (void)context;
  counts->streams = 3;
  counts->held = 2;
  counts->lanes = 1;
}

static size_t ask_reports(void *context, uint64_t ticket) {
  played *self = context;
  self->ticket = ticket;
  return self->asked;
}

static uint64_t stop(void *context, int64_t drain_ms) {
  played *self = context;
  self->drain_ms = drain_ms;
  return drain_ms < 0 ? 10000 : (uint64_t)drain_ms;
}

static int reconnect(void *context, size_t *lanes, ps_control_fault *fault) {
  played *self = context;
  self->reconnects++;
  *lanes = self->lanes;
  if (self->lanes == 0) {
    ps_control_fault_set(fault, "stopping", "the gateway is ending");
    ps_control_fault_next(fault, "start it again");
  }
  return self->lanes > 0 ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

/* Refuses every start; what is stopped was stopped already; a restart is answered later. */
static int solver(void *context, ps_solver_ask what, uint64_t drain_ms, ps_control_fault *fault) {
  played *self = context;
  self->drain_ms = (int64_t)drain_ms;
  if (what == PS_SOLVER_START) {
    ps_control_fault_set(fault, "solver-busy", "somebody has asked");
    ps_control_fault_next(fault, "try again");
    return PENSTOCK_E_FAILED;
  }
  if (what == PS_SOLVER_STOP) {
    const ps_solver_outcome outcome = {.what = what, .is_already = 1};
    ps_desk_answer_solver(self->desk, &outcome);
  }
  return PENSTOCK_OK;
}

static int use(void *context, const char *name, int64_t drain_ms, ps_control_fault *fault) {
  played *self = context;
  if (strcmp(name, "bad") == 0) {
    penstock_error error;
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "no profile 'bad'");
    ps_control_fault_set(fault, "bad-profile", "%s", error.what);
    ps_control_fault_next(fault, "name another one");
    ps_control_fault_cause(fault, &error);
    return PENSTOCK_E_FAILED;
  }
  self->drain_ms = drain_ms;
  return 0;
}

static int run(void *context, ps_command *command, penstock_socket socket, ps_control_fault *fault) {
  (void)context;
  (void)command;
  (void)socket;
  (void)fault;
  return PENSTOCK_E_FAILED;
}

/* Of the kind that `connects` says. */
static int reload(void *context, ps_reload *changes, ps_control_fault *fault) {
  played *self = context;
  memset(changes, 0, sizeof(*changes));
  if (self->reloads == RELOAD_FAILS) {
    ps_control_fault_set(fault, "bad-profile", "penstock.ini:7: `hold` is wrong");
    ps_control_fault_next(fault, "mend it");
    return PENSTOCK_E_FAILED;
  }
  changes->keys = calloc(1, sizeof(*changes->keys));
  assert_non_null(changes->keys);
  changes->count = 1;
  changes->connects = self->reloads == RELOAD_CONNECTS;
  changes->keys[0].when = changes->connects ? PS_RELOAD_SERVED : PS_RELOAD_NOW;
  (void)snprintf(changes->keys[0].key, sizeof(changes->keys[0].key), "hold");
  self->reloads = RELOAD_FAILS; /* the next one */
  return 0;
}

static json_t *leaving(void *context) {
  (void)context;
  return json_pack("[{s:s, s:i}]", "profile", "old", "streams", 1);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  (void)state;
  (void)error;
  (void)next_try_ms;
  ((played *)context)->heard++;
}

static int begin(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-desk-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
}

static int end(void **state) {
  (void)state;
  return rmdir(folder); /* which shows that nothing was left in it */
}

static void open_desk(played *self) {
  static const ps_gateway_events events = {.state = on_state};
  const ps_desk_gateway gateway = {.context = self,
                                   .count = count,
                                   .ask_reports = ask_reports,
                                   .stop = stop,
                                   .reconnect = reconnect,
                                   .use = use,
                                   .run = run,
                                   .solver = solver,
                                   .reload = reload,
                                   .leaving = leaving};
  memset(self, 0, sizeof(*self));
  (void)signal(SIGPIPE, SIG_IGN);
  assert_int_equal(uv_loop_init(&self->rig.loop), 0);
  self->lanes = 1;
  self->drain_ms = -2;
  self->settings = ps_settings_defaults("test", &transport);
  self->told = ps_gateway_events_whole(&events);
  self->options = (ps_gateway_options){.profile = "lab",
                                       .transport = &transport,
                                       .settings = self->settings,
                                       .unasked = &self->unasked,
                                       .events = &self->told,
                                       .context = self};
  self->desk = ps_desk_open(&self->rig.loop, &self->options, &gateway, 1024);
  assert_non_null(self->desk);
  self->options.events->listening(self->options.context, "127.0.0.1:4711");
}

static void close_desk(played *self) {
  ps_desk_close(self->desk);
  (void)uv_run(&self->rig.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&self->rig.loop), 0);
  ps_settings_free(self->settings);
}

/* A client that was greeted. */
static int client(played *self) {
  penstock_socket socket;
  penstock_error error;
  char path[PS_CONTROL_PATH_SIZE];
  (void)snprintf(path, sizeof(path), "%s/lab@4711.sock", folder);
  assert_int_equal(ps_control_dial(path, 1000, &socket, &error), 0);
  json_t *greeting = rig_hear(&self->rig, (int)socket);
  json_t *gateway = json_object_get(greeting, "gateway");
  assert_string_equal(json_string_value(json_object_get(gateway, "profile")), "lab");
  assert_string_equal(json_string_value(json_object_get(gateway, "transport")), "fake");
  assert_string_equal(json_string_value(json_object_get(gateway, "listen")), "127.0.0.1:4711");
  assert_int_equal(json_integer_value(json_object_get(gateway, "pid")), getpid());
  json_decref(greeting);
  return (int)socket;
}

static json_t *result_of(played *self, int fd, json_t **line) {
  *line = rig_hear(&self->rig, fd);
  json_t *result = json_object_get(*line, "result");
  assert_non_null(result);
  return result;
}

#endif
