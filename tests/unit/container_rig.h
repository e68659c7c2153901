/* SPDX-License-Identifier: MIT */
/**
 * @file container_rig.h
 * A container carrier over a carrier that does what the test says, in a host whose clock the test moves: for the tests
 * of the container carrier and of its runtime.
 */
#ifndef CONTAINER_RIG_H
#define CONTAINER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/container/container_carrier.h"

#define RIG_ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define RIG_START "2026-11-25T03:00:00Z"

enum { RIG_TIMERS = 64, RIG_RUNS = 16, RIG_WAYS = 32, RIG_OPENS = 16 };

typedef struct rig_timer {
  int used;
  uint64_t due_ns;
  uint64_t repeat_ms;
  void (*callback)(void *context);
  void *context;
} rig_timer;

/* A script that the carrier below was given. */
typedef struct rig_run {
  char *script;
  uint64_t timeout_ms;
  void (*done)(void *context, const carrier_result *result);
  void *context;
  int is_over;
  int is_cancelled;
} rig_run;

/* An open that the carrier below was given. */
typedef struct rig_way {
  penstock_open *open;
  char to[64];  /* "host:port"; of a command "command" */
  char *script; /* of a command */
  int is_over;
  int is_cancelled;
} rig_way;

/* How an open of the host's has ended. */
typedef struct rig_open {
  int count; /* of completions */
  int is_failed;
  penstock_error error;
} rig_open;

static struct rig {
  uint64_t clock_ns;
  rig_timer timers[RIG_TIMERS];
  carrier below;
  const penstock_host *lent; /* what the carrier below was made for */
  int destroyed;
  rig_run runs[RIG_RUNS];
  size_t run_count;
  rig_way ways[RIG_WAYS];
  size_t way_count;
  int is_cancel_late; /* an open that is cancelled ends later, as over SSH; else at once */
  rig_open opens[RIG_OPENS];
  int op_dones;
  int op_failed;
  penstock_error op_error;
  char leg[400]; /* text of the last one */
  uint32_t leg_kind;
  char progress[700];
  char log[1024];
  char gone[512]; /* what was said of the solver's end */
  const char *root;
  const char *reach;
  const char *exposure;
  const char *set; /* an option that the profile sets, in x.ini:4 */
  carrier *carrier;
} rig;

static int rig_op_mark;
#define RIG_OP ((penstock_op *)(void *)&rig_op_mark)
/* The host's open number `i`. */
#define RIG_OPEN(i) ((penstock_open *)(void *)&rig.opens[i])

/* --- the host -------------------------------------------------------------------------------------- */

static uint64_t rig_now(const penstock_host *host) {
  (void)host;
  return rig.clock_ns;
}

static penstock_timer *rig_timer_start(const penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                       void (*callback)(void *context), void *context) {
  (void)host;
  for (size_t i = 0; i < RIG_TIMERS; i++) {
    if (!rig.timers[i].used) {
      rig.timers[i] = (rig_timer){1, rig.clock_ns + delay_ms * 1000000, repeat_ms, callback, context};
      return (penstock_timer *)(void *)&rig.timers[i];
    }
  }
  fail_msg("too many timers");
  return NULL;
}

static void rig_timer_stop(const penstock_host *host, penstock_timer *timer) {
  (void)host;
  rig_timer *stopped = (rig_timer *)(void *)timer;
  assert_true(stopped->used);
  stopped->used = 0;
}

/* Calls back what is due. */
static inline void rig_turn(void) {
  for (size_t i = 0, idle = 0; idle < RIG_TIMERS; i = (i + 1) % RIG_TIMERS) {
    rig_timer *timer = &rig.timers[i];
    idle++;
    if (timer->used && timer->due_ns <= rig.clock_ns) {
      timer->used = timer->repeat_ms != 0;
      timer->due_ns += timer->repeat_ms * 1000000;
      timer->callback(timer->context);
      idle = 0;
    }
  }
}

static inline void rig_pass(uint64_t ms) {
  rig.clock_ns += ms * 1000000;
  rig_turn();
}

static rig_open *rig_complete(penstock_open *open) {
  rig_open *ended = (rig_open *)(void *)open;
  assert_in_range((uintptr_t)ended, (uintptr_t)&rig.opens[0], (uintptr_t)&rig.opens[RIG_OPENS - 1]);
  ended->count++;
  assert_int_equal(ended->count, 1);
  return ended;
}

static void rig_open_done_socket(const penstock_host *host, penstock_open *open, penstock_socket socket) {
  (void)host;
  (void)socket;
  (void)rig_complete(open);
}

static int rig_sink_mark;

static penstock_sink *rig_open_done_credit(const penstock_host *host, penstock_open *open,
                                           const penstock_credit_stream *stream) {
  (void)host;
  (void)stream;
  (void)rig_complete(open);
  return (penstock_sink *)(void *)&rig_sink_mark;
}

static void rig_open_failed(const penstock_host *host, penstock_open *open, const penstock_error *error) {
  (void)host;
  rig_open *ended = rig_complete(open);
  ended->is_failed = 1;
  ended->error = *error;
}

static void rig_op_done(const penstock_host *host, penstock_op *op, const penstock_error *error) {
  (void)host;
  assert_ptr_equal(op, RIG_OP);
  rig.op_dones++;
  assert_int_equal(rig.op_dones, 1);
  rig.op_failed = error != NULL;
  if (error) {
    rig.op_error = *error;
  }
}

static void rig_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  (void)host;
  assert_ptr_equal(op, RIG_OP);
  (void)snprintf(rig.progress, sizeof(rig.progress), "%s", text);
}

static void rig_op_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                       const char *text) {
  (void)host;
  (void)elapsed_ns;
  assert_ptr_equal(op, RIG_OP);
  rig.leg_kind = leg;
  (void)snprintf(rig.leg, sizeof(rig.leg), "%s", text ? text : "");
}

static void rig_log(const penstock_host *host, uint32_t level, const char *text) {
  (void)host;
  (void)level;
  (void)snprintf(rig.log, sizeof(rig.log), "%s", text);
}

static void rig_solver_exited(const penstock_host *host, const penstock_error *error) {
  (void)host;
  (void)snprintf(rig.gone, sizeof(rig.gone), "%s", error->what);
}

static const penstock_host rig_host = {
    .struct_size = sizeof(rig_host),
    .log = rig_log,
    .now_ns = rig_now,
    .timer_start = rig_timer_start,
    .timer_stop = rig_timer_stop,
    .op_done = rig_op_done,
    .op_progress = rig_op_progress,
    .op_leg = rig_op_leg,
    .open_done_socket = rig_open_done_socket,
    .open_done_credit = rig_open_done_credit,
    .open_failed = rig_open_failed,
    .solver_exited = rig_solver_exited,
};

/* --- the carrier below ----------------------------------------------------------------------------- */

static carrier_run *rig_run_start(carrier *self, const char *text, size_t size, uint64_t timeout_ms,
                                  void (*done)(void *context, const carrier_result *result), void *context,
                                  penstock_error *error) {
  (void)self;
  (void)error;
  assert_true(rig.run_count < RIG_RUNS);
  rig_run *run = &rig.runs[rig.run_count++];
  *run = (rig_run){strndup(text, size), timeout_ms, done, context, 0, 0};
  return (carrier_run *)(void *)run;
}

static void rig_run_cancel(carrier *self, carrier_run *run) {
  (void)self;
  ((rig_run *)(void *)run)->is_cancelled = 1;
}

static rig_way *rig_way_start(penstock_open *open) {
  assert_true(rig.way_count < RIG_WAYS);
  rig_way *way = &rig.ways[rig.way_count++];
  memset(way, 0, sizeof(*way));
  way->open = open;
  return way;
}

static void rig_way_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms) {
  (void)self;
  (void)deadline_ms;
  (void)snprintf(rig_way_start(open)->to, sizeof(rig.ways[0].to), "%s:%u", host, (unsigned)port);
}

static void rig_way_command(carrier *self, penstock_open *open, const char *text, size_t size, uint64_t deadline_ms) {
  (void)self;
  (void)deadline_ms;
  rig_way *way = rig_way_start(open);
  (void)snprintf(way->to, sizeof(way->to), "command");
  way->script = strndup(text, size);
}

/* Way number `i` ends. */
static inline void rig_way_fails(size_t i, uint32_t leg, uint32_t error_class, const char *what) {
  penstock_error error = {.struct_size = sizeof(error)};
  assert_true(i < rig.way_count && !rig.ways[i].is_over);
  rig.ways[i].is_over = 1;
  (void)penstock_fail(&error, leg, error_class, "%s", what);
  rig.lent->open_failed(rig.lent, rig.ways[i].open, &error);
  rig_turn();
}

static inline void rig_way_refused(size_t i) {
  rig_way_fails(i, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "nobody there");
}

static inline penstock_sink *rig_way_opens(size_t i) {
  penstock_credit_stream stream = {.struct_size = sizeof(stream)};
  assert_true(i < rig.way_count && !rig.ways[i].is_over);
  rig.ways[i].is_over = 1;
  penstock_sink *sink = rig.lent->open_done_credit(rig.lent, rig.ways[i].open, &stream);
  rig_turn();
  return sink;
}

static void rig_way_cancel(carrier *self, penstock_open *open) {
  (void)self;
  for (size_t i = 0; i < rig.way_count; i++) {
    if (rig.ways[i].open == open && !rig.ways[i].is_over) {
      rig.ways[i].is_cancelled = 1;
      if (!rig.is_cancel_late) {
        penstock_error error = {.struct_size = sizeof(error)};
        rig.ways[i].is_over = 1;
        (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
        rig.lent->open_failed(rig.lent, open, &error);
      }
      return;
    }
  }
  fail_msg("an open was cancelled that is not there");
}

static void rig_destroy_below(carrier *self) {
  (void)self;
  rig.destroyed++;
}

static const carrier_ops rig_below_ops = {
    .destroy = rig_destroy_below,
    .run = rig_run_start,
    .run_cancel = rig_run_cancel,
    .open = rig_way_open,
    .open_command = rig_way_command,
    .open_cancel = rig_way_cancel,
};

static carrier *rig_make_below(const penstock_host *host, void *context, penstock_error *error) {
  (void)error;
  assert_ptr_equal(context, &rig);
  rig.lent = host;
  rig.below = (carrier){.ops = &rig_below_ops, .host = host, .where = "gpu01"};
  return &rig.below;
}

/* --- the profile ----------------------------------------------------------------------------------- */

static const char *rig_string(const penstock_config *config, const char *key) {
  (void)config;
  return strcmp(key, "container") == 0        ? "ppf"
         : strcmp(key, "endpoint") == 0       ? "127.0.0.1:9090"
         : strcmp(key, "listen") == 0         ? "127.0.0.1:9090"
         : strcmp(key, "transport") == 0      ? "docker-ssh"
         : strcmp(key, "root") == 0           ? rig.root
         : strcmp(key, "reach") == 0          ? rig.reach
         : strcmp(key, "expose_warning") == 0 ? rig.exposure
                                              : NULL;
}

static int64_t rig_int(const penstock_config *config, const char *key, int64_t otherwise) {
  (void)config;
  (void)key;
  return otherwise;
}

static const char *rig_item(const penstock_config *config, const char *key, uint32_t index) {
  (void)config;
  (void)key;
  (void)index;
  return NULL;
}

static const char *rig_origin(const penstock_config *config, const char *key) {
  (void)config;
  return rig.set && strcmp(key, rig.set) == 0 ? "x.ini:4" : NULL;
}

static const penstock_config rig_config = {
    .struct_size = sizeof(rig_config),
    .profile = "lab",
    .get_string = rig_string,
    .get_int = rig_int,
    .get_item = rig_item,
    .get_origin = rig_origin,
};

/* --- what the engine says -------------------------------------------------------------------------- */

/* Script number `i` ends with this output. */
static inline void rig_says(size_t i, const char *output) {
  carrier_result result = {NULL, 0, output, strlen(output), ""};
  assert_true(i < rig.run_count && !rig.runs[i].is_over);
  rig.runs[i].is_over = 1;
  rig.runs[i].done(rig.runs[i].context, &result);
  rig_turn();
}

/* Script number `i`, one that runs inside, ends with this: between marks, as it would print them. */
static inline void rig_says_inside(size_t i, const char *output, int code) {
  char *at = strstr(rig.runs[i].script, "penstock-begin ");
  assert_non_null(at);
  char text[256];
  char mark[SCRIPT_NONCE_SIZE] = "";
  memcpy(mark, at + strlen("penstock-begin "), SCRIPT_NONCE_SIZE - 1);
  (void)snprintf(text, sizeof(text), "\npenstock-begin-%s\n%s\npenstock-end-%s %d\n", mark, output, mark, code);
  rig_says(i, text);
}

static inline void rig_says_error(size_t i, uint32_t leg, uint32_t error_class, const char *what) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, leg, error_class, "%s", what);
  carrier_result result = {&error, -1, "", 0, ""};
  assert_true(i < rig.run_count && !rig.runs[i].is_over);
  rig.runs[i].is_over = 1;
  rig.runs[i].done(rig.runs[i].context, &result);
  rig_turn();
}

typedef struct rig_look {
  const char *status;    /* NULL = "running" */
  const char *started;   /* NULL = RIG_START */
  const char *published; /* JSON of the bindings; NULL = not published */
  const char *address;   /* NULL = 172.17.0.2 */
  const char *mode;      /* of the network; NULL = "default" */
  const char *listener;  /* hexadecimal, as in /proc/net/tcp: "00000000", "0100007F"; NULL = nobody */
  int is_unknown;        /* nobody could be asked who listens */
  int exit_code;
} rig_look;

#define RIG_PUBLISHED "[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"19090\"}]"
#define RIG_EXPOSED   "[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"19090\"}]"

/* Script number `i`, a look, ends with this. */
static inline void rig_looks(size_t i, rig_look look) {
  char text[4096];
  const char *status = look.status ? look.status : "running";
  int is_running = strcmp(status, "running") == 0;
  int used =
      snprintf(text, sizeof(text),
               "engine=docker\nversion=20.10.24\nat=unix:///var/run/docker.sock\nremote=0\n"
               "container={\"Id\":\"" RIG_ID "\",\"Name\":\"/ppf\",\"Path\":\"/solver\",\"Args\":[],\"RestartCount\":0,"
               "\"State\":{\"Status\":\"%s\",\"Running\":%s,\"Pid\":%d,\"ExitCode\":%d,\"StartedAt\":\"%s\"},"
               "\"Config\":{\"Image\":\"demo:1\"},\"HostConfig\":{\"NetworkMode\":\"%s\"},"
               "\"NetworkSettings\":{\"Ports\":{\"9090/tcp\":%s},\"Networks\":{\"bridge\":{\"IPAddress\":\"%s\"}}}}\n",
               status, is_running ? "true" : "false", is_running ? 77 : 0, look.exit_code,
               look.started ? look.started : RIG_START, look.mode ? look.mode : "default",
               look.published ? look.published : "null", look.address ? look.address : "172.17.0.2");
  used += snprintf(text + used, sizeof(text) - (size_t)used, "%s", look.is_unknown ? "" : "listeners=known\n");
  if (look.listener) {
    used +=
        snprintf(text + used, sizeof(text) - (size_t)used, "tcp=   0: %s:2382 00000000:0000 0A 0 0 0\n", look.listener);
  }
  (void)snprintf(text + used, sizeof(text) - (size_t)used, "outcome=ok\n");
  rig_says(i, text);
}

/* Script number `i`, a look, finds no container of that name. */
static inline void rig_looks_absent(size_t i) {
  rig_says(i, "engine=docker\nversion=20.10.24\nremote=0\nfailed=inspect\ncode=1\n"
              "said=Error: No such container: ppf\noutcome=failed\n");
}

/* --- life ------------------------------------------------------------------------------------------ */

static inline int rig_setup(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  rig.clock_ns = 1000000000;
  rig.carrier = container_carrier_create(&rig_host, &rig_config, rig_make_below, &rig, &error);
  assert_non_null(rig.carrier);
  return 0;
}

static inline int rig_teardown(void **state) {
  (void)state;
  rig.carrier->ops->destroy(rig.carrier);
  assert_int_equal(rig.destroyed, 1);
  for (size_t i = 0; i < RIG_TIMERS; i++) {
    assert_false(rig.timers[i].used);
  }
  for (size_t i = 0; i < rig.run_count; i++) {
    free(rig.runs[i].script);
  }
  for (size_t i = 0; i < rig.way_count; i++) {
    free(rig.ways[i].script);
  }
  memset(&rig, 0, sizeof(rig));
  return 0;
}

#endif
