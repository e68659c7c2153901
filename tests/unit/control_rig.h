/* SPDX-License-Identifier: MIT */
/**
 * @file control_rig.h
 * A control server with a table of its own, on a loop that the test turns, and clients that are plain sockets.
 */
#ifndef CONTROL_RIG_H
#define CONTROL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/server.h"
#include "net/net.h"

#define UNUSED      __attribute__((unused))
#define PATIENCE_NS (10ull * 1000000000)

typedef struct rig {
  uv_loop_t loop;
  ps_control_server *server;
  ps_control_limits limits;
  ps_control_call *kept[64]; /**< calls of "later" */
  size_t kept_count;
  penstock_socket lent; /**< by "lend" */
  int handled;
  int closed;
} rig;

static void handle_now(void *context, ps_control_call *call) {
  rig *self = context;
  self->handled++;
  ps_control_answer(call, json_pack("{s:I}", "count", (json_int_t)ps_control_int(call, "count", -1)));
}

static void handle_later(void *context, ps_control_call *call) {
  rig *self = context;
  self->kept[self->kept_count++] = call;
}

/** Says how many words there are, and the last. */
static void handle_words(void *context, ps_control_call *call) {
  (void)context;
  size_t count = ps_control_text_count(call, "words");
  const char *last = count ? ps_control_text_at(call, "words", count - 1) : "none";
  ps_control_answer(call, json_pack("{s:I, s:s}", "count", (json_int_t)count, "last", last));
}

/** Lends the connection; the call is kept. */
static void handle_lend(void *context, ps_control_call *call) {
  rig *self = context;
  ps_control_fault fault;
  if (ps_control_lend(call, &self->lent, &fault) != 0) {
    ps_control_refuse(call, &fault);
  } else {
    self->kept[self->kept_count++] = call;
  }
}

static void handle_refuse(void *context, ps_control_call *call) {
  ps_control_fault fault;
  (void)context;
  ps_control_fault_set(&fault, "not-now", "it is closed");
  ps_control_fault_next(&fault, "come again");
  ps_control_refuse(call, &fault);
}

static void handle_subscribe(void *context, ps_control_call *call) {
  (void)context;
  uint32_t kinds = ps_control_subscribe(call, ps_control_words(call, "events", 3));
  ps_control_answer(call, json_pack("{s:I}", "kinds", (json_int_t)kinds));
}

static const char *const rig_events[] = {"state", "progress", NULL};
static const ps_control_field rig_count[] = {{"count", PS_CONTROL_INT, 0, 9, NULL, "how many"}};
static const ps_control_field rig_kinds[] = {{"events", PS_CONTROL_WORDS, 0, 0, rig_events, "which"}};
static const ps_control_field rig_words[] = {{"words", PS_CONTROL_TEXTS, 2, 12, NULL, "some words"}};
static const ps_control_kind rig_requests[] = {
    {"now", "is answered at once", rig_count, 1, handle_now},
    {"later", "is answered later", NULL, 0, handle_later},
    {"refuse", "is refused", NULL, 0, handle_refuse},
    {"subscribe", "tells of events", rig_kinds, 1, handle_subscribe},
    {"words", "says what it was given", rig_words, 1, handle_words},
    {"lend", "becomes something else", NULL, 0, handle_lend},
};
static const ps_control_table rig_table = {rig_requests, sizeof(rig_requests) / sizeof(rig_requests[0])};

static json_t *rig_greet(void *context) {
  (void)context;
  return json_pack("{s:s}", "profile", "lab");
}

UNUSED static void rig_start(rig *self) {
  const ps_control_options options = {.table = &rig_table,
                                      .events = rig_events,
                                      .greet = rig_greet,
                                      .context = self,
                                      .limits = &self->limits,
                                      .source = "test"};
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway does */
  assert_int_equal(uv_loop_init(&self->loop), 0);
  self->server = ps_control_server_open(&self->loop, &options);
  assert_non_null(self->server);
}

static void rig_on_closed(void *context) {
  ((rig *)context)->closed = 1;
}

UNUSED static void rig_end(rig *self) {
  ps_control_server_close(self->server, rig_on_closed, self);
  (void)uv_run(&self->loop, UV_RUN_DEFAULT);
  assert_int_equal(self->closed, 1);
  assert_int_equal(uv_loop_close(&self->loop), 0);
}

/** A client whose other end the server has. */
UNUSED static int rig_client(rig *self) {
  penstock_socket pair[2];
  assert_int_equal(ps_net_pair(pair), 0);
  ps_control_server_adopt(self->server, pair[1]);
  return (int)pair[0];
}

UNUSED static void rig_turn(rig *self) {
  (void)uv_run(&self->loop, UV_RUN_NOWAIT);
  (void)usleep(200);
}

/** Sends bytes; turns the loop while they do not fit. */
UNUSED static void rig_send(rig *self, int fd, const char *bytes, size_t size) {
  uint64_t end = uv_hrtime() + PATIENCE_NS;
  while (size > 0) {
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    assert_true(count > 0 || errno == EAGAIN);
    assert_true(uv_hrtime() < end);
    bytes += count > 0 ? count : 0;
    size -= count > 0 ? (size_t)count : 0;
    if (count < 0) {
      rig_turn(self);
    }
  }
}

UNUSED static void rig_say(rig *self, int fd, const char *line) {
  rig_send(self, fd, line, strlen(line));
  rig_send(self, fd, "\n", 1);
}

/** The next line as JSON, a new reference; NULL if the server has closed the connection. */
UNUSED static json_t *rig_hear(rig *self, int fd) {
  char line[PS_CONTROL_LINE_MAX];
  size_t size = 0;
  uint64_t end = uv_hrtime() + PATIENCE_NS;
  for (;;) {
    ssize_t count = recv(fd, line + size, 1, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno == ECONNRESET)) {
      assert_int_equal(size, 0);
      return NULL;
    }
    assert_true(uv_hrtime() < end);
    if (count < 0) {
      rig_turn(self);
    } else if (line[size] == '\n') {
      return json_loadb(line, size, 0, NULL);
    } else {
      size++;
      assert_true(size < sizeof(line));
    }
  }
}

/** Hears a line and compares it with one, whose keys may be in any order. */
UNUSED static void rig_expect(rig *self, int fd, const char *expected) {
  json_t *heard = rig_hear(self, fd);
  json_t *wanted = json_loads(expected, 0, NULL);
  assert_non_null(wanted);
  char *text = json_dumps(heard, JSON_COMPACT);
  if (!json_equal(heard, wanted)) {
    fail_msg("%s instead of %s", text ? text : "the end", expected);
  }
  free(text);
  json_decref(heard);
  json_decref(wanted);
}

/** Hears an error, and checks its code and that it says so much. */
UNUSED static void rig_expect_error(rig *self, int fd, const char *code, const char *words) {
  json_t *heard = rig_hear(self, fd);
  json_t *error = json_object_get(heard, "error");
  char *text = json_dumps(heard, JSON_COMPACT);
  if (!error || strcmp(json_string_value(json_object_get(error, "code")), code) != 0 || !strstr(text, words)) {
    fail_msg("%s instead of %s, %s", text ? text : "the end", code, words);
  }
  assert_true(json_string_length(json_object_get(error, "what")) > 0);
  assert_true(json_string_length(json_object_get(error, "next")) > 0);
  free(text);
  json_decref(heard);
}

UNUSED static void rig_expect_end(rig *self, int fd) {
  json_t *heard = rig_hear(self, fd);
  if (heard) {
    char *text = json_dumps(heard, JSON_COMPACT);
    fail_msg("%s instead of the end", text);
  }
}

UNUSED static void rig_greeted(rig *self, int fd) {
  json_t *heard = rig_hear(self, fd);
  assert_int_equal(json_integer_value(json_object_get(heard, "protocol")), PS_CONTROL_PROTOCOL);
  assert_non_null(json_object_get(heard, "penstock"));
  assert_non_null(json_object_get(heard, "gateway"));
  json_decref(heard);
}

/** A client that was greeted. */
UNUSED static int rig_guest(rig *self) {
  int fd = rig_client(self);
  rig_greeted(self, fd);
  return fd;
}

#endif
