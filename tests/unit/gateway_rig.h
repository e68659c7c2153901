/* SPDX-License-Identifier: MIT */
/**
 * @file gateway_rig.h
 * One run of a gateway on the fake transport: a client thread acts when the gateway has reached a point, and
 * ends it.
 */
#ifndef GATEWAY_RIG_H
#define GATEWAY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/signals.h"
#include "fake_transport.h"
#include "gateway/gateway.h"

#define UNUSED __attribute__((unused))

typedef struct run {
  ps_settings *settings;
  void (*act)(struct run *run); /**< on a thread of its own, once the point is reached */
  enum { AT_LISTENING, AT_SERVING, NEVER } point;
  int check_only;
  int is_main_busy;                /**< the main thread does nothing else while it acts */
  int control;                     /**< it can be asked over a control socket */
  const ps_gateway_events *events; /**< instead of the rig's, which they call; NULL = those */
  int (*find)(void *context, const char *name, ps_gateway_profile *found, penstock_error *error); /**< gets the run */
  int (*reread)(void *context, const char *name, ps_gateway_profile *found, ps_settings **common,
                penstock_error *error); /**< likewise */
  int (*relog)(void *context, const ps_settings *common, penstock_error *error);
  const ps_settings *common; /**< [gateway] */
  pthread_t thread;
  int acting;
  uint16_t port;
  atomic_int servings;
  int adopted;
  atomic_int downs;       /**< state events DOWN with an error */
  atomic_int launchings;  /**< state events LAUNCHING */
  atomic_int not_stopped; /**< the solver's end was asked for, and failed */
  atomic_int kept;        /**< … because it is none that the transport ends */
  atomic_int limit_seen;  /**< one of them was the restart limit's */
  atomic_int stoppings;   /**< "stopping the solver" was told */
  char endpoint[300];     /**< what the leg of the endpoint says */
  char down[512];         /**< what the last DOWN was told to be */
  char ended[512];        /**< CONNECTING: how the solver had ended */
  int result;
  penstock_error error;
} run;

UNUSED static void set(run *self, const char *key, const char *value) {
  ps_problems problems = {0};
  if (!self->settings) {
    self->settings = ps_settings_defaults("test", &fake_transport);
    set(self, "transport", "fake");
    set(self, "listen", "127.0.0.1:0");
    set(self, "peers", "any");
    set(self, "prewarm", "0"); /* for tests that do not count them */
  }
  assert_int_equal(ps_settings_set(self->settings, key, value, "test", &problems), 0);
  ps_problems_clear(&problems);
}

static void *act(void *argument) {
  run *self = argument;
  ps_signals_block();
  self->act(self);
  (void)kill(getpid(), SIGTERM);
  return NULL;
}

static void reach(run *self, int point) {
  if (self->act && !self->acting && (int)self->point == point) {
    self->acting = 1;
    assert_int_equal(pthread_create(&self->thread, NULL, act, self), 0);
    if (self->is_main_busy) {
      (void)pthread_join(self->thread, NULL);
    }
  }
}

static void on_listening(void *context, const char *address) {
  run *self = context;
  self->port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
  reach(self, AT_LISTENING);
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  run *self = context;
  (void)protocol_version;
  self->servings++;
  self->adopted = adopted;
  reach(self, AT_SERVING);
}

static void on_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  run *self = context;
  (void)next_try_ms;
  self->launchings += state == PS_STATE_LAUNCHING;
  if (state == PS_STATE_CONNECTING && error) {
    (void)snprintf(self->ended, sizeof(self->ended), "%s", error->what);
  }
  if (state == PS_STATE_DOWN && error) {
    (void)snprintf(self->down, sizeof(self->down), "%s", error->what);
    self->downs++;
    if (strstr(error->what, "times within 10 minutes")) {
      self->limit_seen = 1;
    }
  }
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  run *self = context;
  (void)elapsed_ns;
  if (leg == PENSTOCK_LEG_ENDPOINT && text) {
    (void)snprintf(self->endpoint, sizeof(self->endpoint), "%s", text);
  }
  self->kept += error && fake.stops > 0 && error->error_class == PENSTOCK_CLASS_REFUSED;
  self->not_stopped += error && strstr(error->what, "was not stopped") ? 1 : 0;
}

static void on_progress(void *context, const char *text) {
  run *self = context;
  self->stoppings += strcmp(text, "stopping the solver") == 0;
}

UNUSED static void go(run *self) {
  static const ps_gateway_events events = {
      .listening = on_listening, .serving = on_serving, .state = on_state, .leg = on_leg, .progress = on_progress};
  set(self, "stop_timeout", "2s");
  ps_gateway_options options = {.profile = "test",
                                .transport = &fake_transport,
                                .settings = self->settings,
                                .check_only = self->check_only,
                                .control = self->control,
                                .events = self->events ? self->events : &events,
                                .context = self,
                                .find = self->find,
                                .reread = self->reread,
                                .relog = self->relog,
                                .common = self->common,
                                .find_context = self};
  self->result = ps_gateway_run(&options, &self->error);
  if (self->acting && !self->is_main_busy) {
    (void)pthread_join(self->thread, NULL);
  }
  ps_settings_free(self->settings);
  assert_false(ps_gateway_abandoned());
  assert_int_equal(fake.destroys, fake.connects);
}

/* Asks through the port as a client does. Returns 1 for a whole answer, 0 for a reset, -1 for anything else. */
UNUSED static int ask(const run *self) {
  char buffer[256];
  size_t size = 0;
  ssize_t count;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = 20};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  (void)send(fd, "TCMD", 4, MSG_NOSIGNAL);
  (void)shutdown(fd, SHUT_WR);
  do {
    count = recv(fd, buffer + size, sizeof(buffer) - 1 - size, 0);
    size += count > 0 ? (size_t)count : 0;
  } while (count > 0);
  int reason = errno;
  close(fd);
  buffer[size] = '\0';
  if (count < 0) {
    return reason == ECONNRESET && size == 0 ? 0 : -1;
  }
  return strstr(buffer, "0.18") && buffer[size - 1] == '}' ? 1 : -1;
}

UNUSED static void ask_once(run *self) {
  assert_int_equal(ask(self), 1);
}

/* Of a group of tests: the server that the fake transport leads to. */
static int begin_server(void **state) {
  (void)state;
  fake_server_start();
  return 0;
}

static int end_server(void **state) {
  (void)state;
  fake_server_stop();
  return 0;
}

#endif
