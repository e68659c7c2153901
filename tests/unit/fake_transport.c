/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/signals.h"

fake_control fake;

struct penstock_instance {
  const penstock_host *host;
  const penstock_config *config;
  penstock_op *op;
  penstock_open *open; /* one that takes its time */
  int is_degraded;
  const char *words;   /* the description, as it was given at the beginning, … */
  char remembered[64]; /* … and what it was */
};

/* --- the server --------------------------------------------------------------------------------- */

static int server_fd = -1;
static struct sockaddr_in server_address;
static pthread_t server_thread;
static atomic_uint accepted_from; /* port of the last client that was accepted */

#define MUTE_MAX 64

static int mute[MUTE_MAX]; /* connections that are left open, until the server stops */
static size_t mute_count;

/* Reads to the end of input. Returns whether it was the probe's question, and no client. */
static int is_question(int fd) {
  char buffer[4096];
  size_t size = 0;
  ssize_t count;
  while (size < sizeof(buffer) && (count = recv(fd, buffer + size, sizeof(buffer) - size, 0)) > 0) {
    size += (size_t)count;
  }
  return memmem(buffer, size, "__probe__", 9) != NULL;
}

/* Waits until something comes; 0 if nothing does. */
static int is_used(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  char byte;
  fake.waiting++;
  int in_time = poll(&entry, 1, fake.patience_ms ? fake.patience_ms : -1) != 0;
  int used = in_time && recv(fd, &byte, 1, MSG_PEEK) == 1;
  if (!used) {
    (*(in_time ? &fake.unused : &fake.impatient))++;
  }
  fake.waiting--;
  return used;
}

/* Deep in work. */
static void wait_to_go_on(void) {
  fake.waits++;
  while (!fake.goes_on) {
    (void)usleep(1000);
  }
  fake.waits--;
}

static void serve_one(int fd) {
  static const char text[] = "{\"protocol_version\": \"0.18\", \"status\": \"NO_DATA\"}";
  static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  if (fake.talks) {
    (void)send(fd, "*", 1, MSG_NOSIGNAL);
  }
  if (!is_used(fd)) {
    close(fd);
    return;
  }
  int question = is_question(fd);
  int how = question ? fake.for_questions : fake.for_clients;
  if (how == FAKE_WAITS) {
    wait_to_go_on();
  }
  switch (how) {
  case FAKE_MUTE:
    if (mute_count == MUTE_MAX) {
      abort();
    }
    mute[mute_count++] = fd;
    fd = -1;
    break;
  case FAKE_RESETS:
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    break;
  case FAKE_CLOSES:
    break;
  default:
    (void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    break;
  }
  if (fd >= 0) {
    close(fd);
  }
  (*(question ? &fake.questions : &fake.clients))++;
}

static void *serve_beside(void *fd) {
  serve_one((int)(intptr_t)fd);
  fake.busy--;
  return NULL;
}

static void *serve(void *unused) {
  ps_signals_block(); /* they are the main thread's, as in the program */
  for (;;) {
    struct sockaddr_in client = {0};
    socklen_t size = sizeof(client);
    int fd = accept(server_fd, (struct sockaddr *)&client, &size);
    if (fd < 0 && errno == EMFILE) {
      (void)usleep(1000); /* a test lets nobody have a descriptor for a while, us neither */
      continue;
    }
    if (fd < 0) {
      return unused;
    }
    pthread_t thread;
    fake.busy++;
    accepted_from = ntohs(client.sin_port);
    if (!fake.side_by_side) {
      serve_one(fd);
      fake.busy--;
      continue;
    }
    if (pthread_create(&thread, NULL, serve_beside, (void *)(intptr_t)fd) != 0) {
      abort();
    }
    (void)pthread_detach(thread);
  }
}

void fake_server_start(void) {
  socklen_t size = sizeof(server_address);
  server_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  server_address.sin_family = AF_INET;
  server_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(server_fd, (struct sockaddr *)&server_address, sizeof(server_address)) != 0 || listen(server_fd, 64) != 0 ||
      getsockname(server_fd, (struct sockaddr *)&server_address, &size) != 0 ||
      pthread_create(&server_thread, NULL, serve, NULL) != 0) {
    abort();
  }
}

/* They are accepted in their order: once one of ours is, those before it are. */
void fake_server_settle(void) {
  struct sockaddr_in own;
  socklen_t size = sizeof(own);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&server_address, sizeof(server_address)) != 0 ||
      getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
    abort();
  }
  (void)shutdown(fd, SHUT_WR);
  while (accepted_from != ntohs(own.sin_port) || fake.busy > 0) {
    (void)usleep(1000);
  }
  close(fd);
}

void fake_server_stop(void) {
  (void)shutdown(server_fd, SHUT_RDWR);
  (void)pthread_join(server_thread, NULL);
  close(server_fd);
  while (mute_count > 0) {
    close(mute[--mute_count]);
  }
}

void fake_reset(void) {
  memset(&fake, 0, sizeof(fake));
  fake.listening = 1;
  fake.stop = FAKE_LATER;
  fake.end = -1;
}

/* --- steps -------------------------------------------------------------------------------------- */

static void fill_error(penstock_error *error) {
  penstock_fail(error, fake.error_leg, fake.error_class, "the fake fails as it was told");
  penstock_next(error, "nothing");
}

static void on_later(void *context) {
  penstock_instance *self = context;
  penstock_op *op = self->op;
  self->op = NULL;
  self->host->op_done(self->host, op, NULL);
}

static void answer(penstock_instance *self, penstock_op *op, int how) {
  penstock_error error;
  switch (how) {
  case FAKE_OK:
    self->host->op_done(self->host, op, NULL);
    break;
  case FAKE_LATER:
    self->op = op;
    (void)self->host->timer_start(self->host, 20, 0, on_later, self);
    break;
  case FAKE_TWICE:
    self->host->op_done(self->host, op, NULL);
    self->host->op_done(self->host, op, NULL);
    break;
  case FAKE_FAIL:
    fill_error(&error);
    self->host->op_done(self->host, op, &error);
    break;
  case FAKE_LINK_LOST:
    penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the fake lost its link");
    self->host->link_lost(self->host, &error);
    break;
  default:
    self->op = op;
    break;
  }
}

static int32_t fake_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                           penstock_error *error) {
  (void)error;
  *instance = calloc(1, sizeof(**instance));
  (*instance)->host = host;
  (*instance)->config = config;
  const char *words = fake.keeps_words ? config->get_string(config, "description") : NULL;
  (*instance)->words = words ? words : "";
  (void)snprintf((*instance)->remembered, sizeof((*instance)->remembered), "%s", (*instance)->words);
  return PENSTOCK_OK;
}

static void fake_destroy(penstock_instance *self) {
  fake.destroys++;
  fake.words_lost += strcmp(self->words, self->remembered) != 0;
  free(self);
}

static void fake_connect(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.connects++;
  while (fake.login) {
    (void)usleep(1000);
  }
  answer(self, op, fake.connect);
}

static void fake_validate(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.validates++;
  if (fake.tells_end) {
    penstock_error error;
    penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "the solver has ended");
    penstock_next(&error, "nothing");
    fake.tells_end = 0;
    self->host->solver_exited(self->host, &error);
  }
  answer(self, op, fake.fail_validates > 0 ? FAKE_FAIL : FAKE_OK);
  fake.fail_validates -= fake.fail_validates > 0;
}

static void fake_launch(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.launches++;
  answer(self, op, fake.launch);
  if (fake.launch != FAKE_FAIL) {
    fake.for_clients = FAKE_ANSWERS;
    fake.for_questions = fake.after_launch;
    fake.listening = 1;
  }
}

static void fake_ready(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.readies++;
  answer(self, op, fake.ready);
}

static void fake_identify(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  fake.identify_limit = deadline_ms;
  fake.identifies++;
  answer(self, op, fake.identify);
}

/* Tells how the link is, if that has changed. */
static void tell_health(penstock_instance *self) {
  penstock_error error;
  if (self->is_degraded != fake.degraded) {
    self->is_degraded = fake.degraded;
    penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the fake is silent");
    penstock_next(&error, "nothing");
    self->host->link_degraded(self->host, self->is_degraded ? &error : NULL);
  }
}

static void fake_stop(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.stops++;
  tell_health(self);
  fake.listening = fake.stop_ends ? 0 : (int)fake.listening;
  answer(self, op, fake.stop);
}

static void fake_cancel(penstock_instance *self, penstock_op *op) {
  penstock_error error;
  fake.cancels++;
  if (self->op == op && fake.connect != FAKE_STUBBORN) {
    self->op = NULL;
    penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "cancelled");
    self->host->op_done(self->host, op, &error);
  }
}

/* --- streams ------------------------------------------------------------------------------------ */

static void fail_open(penstock_instance *self, penstock_open *open, uint32_t leg, uint32_t error_class) {
  penstock_error error;
  penstock_fail(&error, leg, error_class, "the fake does not open");
  self->host->open_failed(self->host, open, &error);
}

static void on_late_open(void *context) {
  penstock_instance *self = context;
  penstock_open *open = self->open;
  self->open = NULL;
  fail_open(self, open, fake.late_leg ? (uint32_t)fake.late_leg : PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT);
}

static void on_dead_open(void *context) {
  penstock_instance *self = context;
  penstock_open *open = self->open;
  int pair[2];
  self->open = NULL;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    abort();
  }
  close(pair[1]);
  self->host->open_done_socket(self->host, open, pair[0]);
}

static void fake_open_stream(penstock_instance *self, penstock_open *open, uint64_t deadline_ms) {
  tell_health(self);
  if (fake.opens < (int)(sizeof(fake.open_limits) / sizeof(fake.open_limits[0]))) {
    fake.open_limits[fake.opens] = deadline_ms;
  }
  fake.opens++;
  fake.depth = (int)self->config->get_int(self->config, "depth", 0);
  if (fake.late_opens > 0) {
    fake.late_opens--;
    self->open = open;
    (void)self->host->timer_start(self->host, 2100, 0, on_late_open, self);
    return;
  }
  if (fake.dead_opens > 0) {
    fake.dead_opens--;
    self->open = open;
    (void)self->host->timer_start(self->host, 200, 0, on_dead_open, self);
    return;
  }
  if (fake.stuck_opens > 0) {
    fake.stuck_opens--;
    self->open = open;
    return;
  }
  if (!fake.listening) {
    fail_open(self, open, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED);
    return;
  }
  if (fake.fail_opens > 0) {
    fake.fail_opens--;
    fail_open(self, open, fake.fail_leg ? (uint32_t)fake.fail_leg : PENSTOCK_LEG_STREAM,
              fake.fail_class ? (uint32_t)fake.fail_class : PENSTOCK_CLASS_TRANSIENT);
    return;
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&server_address, sizeof(server_address)) != 0) {
    abort();
  }
  (void)fcntl(fd, F_SETFL, O_NONBLOCK);
  self->host->open_done_socket(self->host, open, fd);
}

static void fake_cancel_open(penstock_instance *self, penstock_open *open) {
  if (self->open == open) {
    self->open = NULL;
    fail_open(self, open, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED);
  }
}

static void fake_describe(penstock_instance *self, char *text, size_t size) {
  (void)self;
  (void)snprintf(text, size, "%s", fake.way);
}

static uint32_t fake_is_free(penstock_instance *self) {
  (void)self;
  return !fake.costs;
}

static int32_t fake_doubt(penstock_instance *self, uint32_t what, penstock_error *error) {
  (void)self;
  fake.doubts++;
  fake.doubted = (int)what;
  if (fake.dead_ways > 0) {
    if (--fake.dead_ways == 0) {
      fake.for_questions = FAKE_ANSWERS;
    }
    return 1;
  }
  if (fake.has_words) {
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "the fake's only way leads nowhere");
    penstock_next(error, "make another one");
  }
  return 0;
}

static void fake_end_look(penstock_instance *self, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  fake.end_looks++;
  answer(self, op, fake.end_look);
}

static uint32_t fake_end_how(penstock_instance *self, penstock_error *error) {
  (void)self;
  penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "the fake's solver ended as it was told");
  (void)snprintf(error->detail, sizeof(error->detail), "its last words");
  return (uint32_t)fake.end;
}

static const void *fake_extension(penstock_instance *self, const char *name) {
  static const penstock_way_ext way = {
      .struct_size = (uint32_t)sizeof(way), .describe = fake_describe, .doubt = fake_doubt};
  static const penstock_ahead_ext ahead = {.struct_size = (uint32_t)sizeof(ahead), .is_free = fake_is_free};
  static const penstock_end_ext end = {
      .struct_size = (uint32_t)sizeof(end), .look = fake_end_look, .how = fake_end_how};
  (void)self;
  if (strcmp(name, PENSTOCK_EXT_END) == 0) {
    return fake.end >= 0 ? &end : NULL;
  }
  if (strcmp(name, PENSTOCK_EXT_AHEAD) == 0) {
    return &ahead;
  }
  return fake.way && strcmp(name, PENSTOCK_EXT_WAY) == 0 ? &way : NULL;
}

static const penstock_option options[] = {
    {sizeof(penstock_option), PENSTOCK_OPTION_INT, PENSTOCK_OPTION_LIVE, 0, "depth", "3", "How deep.", 1, 999, NULL},
};

const penstock_transport fake_transport = {
    .options = options,
    .option_count = 1,
    .struct_size = sizeof(penstock_transport),
    .name = "fake",
    .summary = "for tests",
    .create = fake_create,
    .destroy = fake_destroy,
    .connect = fake_connect,
    .validate = fake_validate,
    .launch = fake_launch,
    .ready = fake_ready,
    .stop = fake_stop,
    .identify = fake_identify,
    .cancel = fake_cancel,
    .open_stream = fake_open_stream,
    .cancel_open = fake_cancel_open,
    .get_extension = fake_extension,
};
