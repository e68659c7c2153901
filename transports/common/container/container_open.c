/* SPDX-License-Identifier: MIT */
/*
 * Streams to a port of the container: the ways are tried one after another, each through the carrier below, which
 * completes an open by itself if it connects (open_done_…, passed on), and tells us if it does not (open_failed, kept).
 * The same tries choose the way for a solver that does not run yet.
 *
 * What follows from a way that has failed comes on a turn of its own: the carrier below may be in the middle of
 * something.
 */
#include <stdlib.h>

#include "common/container/container_internal.h"
#include "common/container/container_report.h"
#include "common/tcp.h"

enum {
  LOOK_MS = 10000, /* who opens may give up before */
  WAY_MS = 2000,   /* an address that is silent is not waited for any longer while there are other ways */
  WAY_SHARE = 3    /* of what is left, if that is less */
};

typedef enum phase {
  PHASE_LOOK,   /* waits for a view */
  PHASE_WAY,    /* the carrier below has it */
  PHASE_TURN,   /* waits for its turn: `then` */
  PHASE_DROPPED /* nobody wants it any more, and the carrier below still has it */
} phase;

typedef enum outcome { NOT_TRIED, SAID_NO, FAILED, IMPOSSIBLE } outcome; /* IMPOSSIBLE: no later try will do better */

struct container_try {
  container_carrier *inside;
  container_try *next;
  penstock_open *open;    /* the host's; a try to choose has none of it, and uses its own address */
  container_chosen *done; /* of a try to choose; NULL: it is for an open */
  void *context;
  uint64_t deadline_ns; /* 0 = none */
  phase phase;
  void (*then)(container_try *self);
  container_question look;
  penstock_timer *timer;
  int is_cancelled;
  int is_late; /* the way was given up for the next one */
  container_path path;
  container_paths *paths; /* NULL: the settled way was taken */
  unsigned char outcomes[CONTAINER_PATHS_MAX];
  size_t at;
};

static const penstock_host *host_of(const container_try *self) {
  return self->inside->base.host;
}

static int is_choice(const container_try *self) {
  return self->done != NULL;
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void stop_timer(container_try *self) {
  if (self->timer) {
    host_of(self)->timer_stop(host_of(self), self->timer);
    self->timer = NULL;
  }
}

static void dispose(container_try *self) {
  stop_timer(self);
  free(self->paths);
  free(self);
}

static void release(container_try *self) {
  container_try **at = &self->inside->tries;
  while (*at != self) {
    at = &(*at)->next;
  }
  *at = self->next;
  dispose(self);
}

static void fail(container_try *self, const penstock_error *error) {
  const penstock_host *host = host_of(self);
  penstock_open *open = self->open;
  container_chosen *done = self->done;
  void *context = self->context;
  release(self);
  if (done) {
    done(context, NULL, error);
  } else {
    host->open_failed(host, open, error);
  }
}

static void fail_cancelled(container_try *self) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  fail(self, &error);
}

static void choose_path(container_try *self) {
  char host[ADDRESS_HOST_SIZE];
  container_chosen *done = self->done;
  void *context = self->context;
  (void)snprintf(host, sizeof(host), "%s", container_paths_bind(&self->path, &self->inside->view));
  release(self);
  done(context, host, NULL);
}

/* --- turns ----------------------------------------------------------------------------------------- */

static uint64_t left_ms(const container_try *self) {
  return self->deadline_ns ? container_left_ms(self->inside, self->deadline_ns) : UINT64_MAX;
}

static void on_turn(void *context) {
  container_try *self = context;
  self->timer = NULL;
  self->then(self);
}

static void turn(container_try *self, void (*then)(container_try *self)) {
  stop_timer(self);
  self->phase = PHASE_TURN;
  self->then = then;
  self->timer = host_of(self)->timer_start(host_of(self), 0, 0, on_turn, self);
  if (!self->timer) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    fail(self, &error);
  }
}

/* --- a way ----------------------------------------------------------------------------------------- */

static void next_way(container_try *self);
static void find(container_try *self);

static void on_late(void *context) {
  container_try *self = context;
  carrier *below = self->inside->base.below;
  self->timer = NULL;
  self->is_late = 1;
  below->ops->open_cancel(below, self->open);
}

/* How many ways have ended like that? One that is doubted has failed before. */
static size_t count_outcomes(const container_try *self, outcome which) {
  size_t count = 0;
  for (size_t i = 0; i < self->paths->count; i++) {
    outcome each = self->paths->items[i].is_doubted ? FAILED : self->outcomes[i];
    count += each == which ? 1 : 0;
  }
  return count;
}

static int has_exec_said_no(const container_try *self) {
  const container_paths *paths = self->paths;
  for (size_t i = 0; i < paths->count; i++) {
    if (paths->items[i].way == CONTAINER_WAY_EXEC && self->outcomes[i] == SAID_NO) {
      return 1;
    }
  }
  return 0;
}

/* All ways are through: is it the solver that is missing, or the way? */
static void all_failed(container_try *self) {
  container_carrier *inside = self->inside;
  penstock_error error = {.struct_size = sizeof(error)};
  size_t no = count_outcomes(self, SAID_NO);
  size_t failed = count_outcomes(self, FAILED);
  /* Where it is known that somebody listens, a refusal tells of the way, or of a solver that ends at this moment. */
  if (!inside->view.knows_listeners &&
      (has_exec_said_no(self) || (no && !failed && !count_outcomes(self, IMPOSSIBLE)))) {
    container_say_nobody(inside, &error);
  } else {
    container_paths_report(self->paths, &inside->view, &inside->settings, inside->base.below->where, &error);
    int is_hopeless = !no && !failed && self->at == self->paths->count;
    error.error_class = is_hopeless ? PENSTOCK_CLASS_CONFIG : PENSTOCK_CLASS_TRANSIENT;
  }
  container_lessons_forget_doubts(&inside->lessons); /* all that was known is told: the next try begins afresh */
  fail(self, &error);
}

static void open_command(container_try *self, uint64_t deadline_ms) {
  container_carrier *inside = self->inside;
  carrier *below = inside->base.below;
  penstock_error error = {.struct_size = sizeof(error)};
  size_t size = 0;
  if (!below->ops->open_command) {
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG,
                        "the way to %s carries no streams of commands", below->where);
    below->host->open_failed(below->host, self->open, &error);
    return;
  }
  script *command = container_ask_stream(inside->ask, &inside->view, self->path.host, self->path.port);
  const char *text = script_text(command, &size);
  if (text) {
    below->ops->open_command(below, self->open, text, size, deadline_ms);
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    below->host->open_failed(below->host, self->open, &error);
  }
  script_destroy(command);
}

static int is_last(const container_try *self) {
  for (size_t i = self->at + 1; self->paths && i < self->paths->count; i++) {
    if (self->paths->items[i].why_not[0] == '\0') {
      return 0;
    }
  }
  return self->paths != NULL;
}

/* How long the way may take. A command that is slow says that the machine is, and not that the way leads nowhere: one
 * that cannot run ends. */
static uint64_t limit_ms(const container_try *self, uint64_t left) {
  uint64_t share = left / WAY_SHARE;
  if (is_last(self) || (self->path.way == CONTAINER_WAY_EXEC && left == UINT64_MAX)) {
    return left;
  }
  return self->path.way == CONTAINER_WAY_EXEC ? left - share / 2 : share < WAY_MS ? share : WAY_MS;
}

/* The last thing: the carrier below may end it at once. */
static void take_way(container_try *self) {
  carrier *below = self->inside->base.below;
  uint64_t left = left_ms(self);
  uint64_t limit = limit_ms(self, left);
  self->phase = PHASE_WAY;
  self->is_late = 0;
  stop_timer(self);
  if (limit != UINT64_MAX) {
    self->timer = host_of(self)->timer_start(host_of(self), limit, 0, on_late, self);
  }
  if (self->path.way == CONTAINER_WAY_EXEC) {
    open_command(self, left == UINT64_MAX ? 0 : left);
  } else {
    below->ops->open(below, self->open, self->path.host, self->path.port, left == UINT64_MAX ? 0 : left);
  }
}

static void next_way(container_try *self) {
  const container_paths *paths = self->paths;
  while (self->at < paths->count && paths->items[self->at].why_not[0]) {
    self->at++;
  }
  if (self->at == paths->count || left_ms(self) == 0) {
    all_failed(self);
    return;
  }
  self->path = paths->items[self->at];
  if (is_choice(self) && self->path.way == CONTAINER_WAY_EXEC) {
    choose_path(self);
  } else {
    take_way(self);
  }
}

/* An error of the way, or of what all ways have in common: the link, this machine's limits. */
static int is_of_way(const penstock_error *error) {
  return error->leg == PENSTOCK_LEG_ENDPOINT || error->leg == PENSTOCK_LEG_EXEC || error->leg == PENSTOCK_LEG_CONTAINER;
}

static int said_no(const penstock_error *error) {
  return error->leg == PENSTOCK_LEG_ENDPOINT && error->error_class == PENSTOCK_CLASS_REFUSED;
}

/* The engine's client says so on either of its outputs. */
static int has_no_shell(const container_path *path, const penstock_error *error) {
  return path->way == CONTAINER_WAY_EXEC &&
         (container_report_classify("exec", 1, error->detail) == CONTAINER_FAULT_NO_SHELL ||
          container_report_classify("exec", 1, error->what) == CONTAINER_FAULT_NO_SHELL);
}

static void note(container_try *self, const penstock_error *error) {
  container_path *path = &self->paths->items[self->at];
  int is_impossible = error->error_class == PENSTOCK_CLASS_CONFIG;
  self->outcomes[self->at] = said_no(error) ? SAID_NO : FAILED;
  if (self->is_late) {
    (void)snprintf(path->why_not, sizeof(path->why_not), "%s", CONTAINER_NO_ANSWER);
  } else if (said_no(error) && path->way != CONTAINER_WAY_EXEC) {
    (void)snprintf(path->why_not, sizeof(path->why_not), "connection refused");
  } else if (has_no_shell(path, error)) {
    is_impossible = 1;
    (void)snprintf(path->why_not, sizeof(path->why_not),
                   "the container has no \"/bin/sh\""); /* as the report knows it */
  } else {
    (void)snprintf(path->why_not, sizeof(path->why_not), "%.255s", error->what);
    penstock_utf8_trim(path->why_not, sizeof(path->why_not));
  }
  if (is_impossible && !self->is_late) {
    self->outcomes[self->at] = IMPOSSIBLE;
  }
  if (is_choice(self)) { /* later it is where the solver listens then that rules it out */
    container_lessons_keep(&self->inside->lessons, &self->inside->view, path);
  }
  self->at++;
}

static void way_failed(container_try *self, const penstock_error *error) {
  container_carrier *inside = self->inside;
  stop_timer(self);
  if (self->phase == PHASE_DROPPED) {
    release(self);
  } else if (self->is_cancelled) {
    fail_cancelled(self);
  } else if (!self->is_late && !is_of_way(error)) {
    fail(self, error);
  } else if (is_choice(self) && !self->is_late && said_no(error)) {
    turn(self, choose_path); /* it leads there */
  } else if (self->paths) {
    note(self, error);
    turn(self, next_way);
  } else {
    inside->is_settled = 0;
    inside->fresh_until_ns = 0;
    turn(self, find);
  }
}

/* --- the ways -------------------------------------------------------------------------------------- */

static void on_view(container_try *self) {
  container_carrier *inside = self->inside;
  penstock_error error = {.struct_size = sizeof(error)};
  int is_vain = !is_choice(self) && container_is_vain(inside, &inside->view, &error);
  if (is_vain) {
    container_lessons_forget_doubts(&inside->lessons); /* that nobody is there explains them */
  }
  /* It may be another container by now, which the profile forbids. */
  if (is_vain || (!is_choice(self) && container_refuse(inside, &inside->view, &error))) {
    fail(self, &error);
    return;
  }
  self->paths = self->paths ? self->paths : malloc(sizeof(*self->paths));
  if (!self->paths) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    fail(self, &error);
    return;
  }
  container_carrier_paths(&inside->base, &inside->view, self->paths);
  self->at = 0;
  next_way(self);
}

static void on_looked(void *context, const container_view *view, const penstock_error *error) {
  container_try *self = context;
  (void)view;
  stop_timer(self);
  if (error) {
    fail(self, error);
  } else {
    on_view(self);
  }
}

static void on_look_late(void *context) {
  container_try *self = context;
  penstock_error error = {.struct_size = sizeof(error)};
  self->timer = NULL;
  container_carrier_forget(&self->inside->base, &self->look);
  (void)penstock_fail(&error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT,
                      "The engine on %s did not tell in time how to reach %s", self->inside->base.below->where,
                      self->inside->name);
  penstock_next(&error, "See whether `docker ps` answers there; the machine may be overloaded");
  fail(self, &error);
}

static void find(container_try *self) {
  container_carrier *inside = self->inside;
  uint64_t left = left_ms(self);
  if (inside->has_view && container_now_ns(inside) < inside->fresh_until_ns) {
    turn(self, on_view);
    return;
  }
  self->phase = PHASE_LOOK;
  if (left != UINT64_MAX) {
    self->timer = host_of(self)->timer_start(host_of(self), left, 0, on_look_late, self);
  }
  container_carrier_look(&inside->base, &self->look, LOOK_MS, on_looked, self);
}

/* --- what the carrier below tells ------------------------------------------------------------------ */

static container_try *try_of(const penstock_host *host, const penstock_open *open) {
  container_carrier *inside = host_table_of(host)->context;
  container_try *found = inside->tries;
  while (found && found->open != open) {
    found = found->next;
  }
  return found;
}

/* From now on that way is taken at once. */
static void settle(container_carrier *inside, const container_path *path) {
  char name[ADDRESS_HOST_SIZE + 64];
  if (!inside->is_settled) {
    container_path_name(path, name, sizeof(name));
    penstock_logf(inside->base.host, PENSTOCK_LOG_INFO, "%s is reached by: %s", inside->name, name);
  }
  inside->settled = *path;
  inside->is_settled = 1;
}

/* Is the stream one to hand on? One of a try to choose is not. */
static int has_connected(container_try *self) {
  stop_timer(self);
  if (self->phase == PHASE_DROPPED) {
    release(self);
    return 0;
  }
  if (is_choice(self)) {
    turn(self, choose_path);
    return 0;
  }
  settle(self->inside, &self->path);
  release(self);
  return 1;
}

static void keep_done_socket(const penstock_host *host, penstock_open *open, penstock_socket socket) {
  const penstock_host *behind = host_table_of(host)->behind;
  container_try *found = try_of(host, open);
  if (found && !has_connected(found)) {
    tcp_close(socket);
    return;
  }
  behind->open_done_socket(behind, open, socket);
}

static penstock_sink *keep_done_credit(const penstock_host *host, penstock_open *open,
                                       const penstock_credit_stream *stream) {
  const penstock_host *behind = host_table_of(host)->behind;
  container_try *found = try_of(host, open);
  if (found && !has_connected(found)) {
    return NULL;
  }
  return behind->open_done_credit(behind, open, stream);
}

static void keep_failed(const penstock_host *host, penstock_open *open, const penstock_error *error) {
  const penstock_host *behind = host_table_of(host)->behind;
  container_try *found = try_of(host, open);
  if (found) {
    way_failed(found, error);
  } else {
    behind->open_failed(behind, open, error);
  }
}

void container_open_fill_table(host_table *table) {
  table->host.open_done_socket = keep_done_socket;
  table->host.open_done_credit = keep_done_credit;
  table->host.open_failed = keep_failed;
}

/* --- slots ----------------------------------------------------------------------------------------- */

static container_try *create(container_carrier *inside, uint64_t deadline_ms) {
  container_try *self = calloc(1, sizeof(*self));
  if (self) {
    self->inside = inside;
    self->deadline_ns = deadline_ms ? container_now_ns(inside) + deadline_ms * 1000000 : 0;
    self->next = inside->tries;
    inside->tries = self;
  }
  return self;
}

void container_open(carrier *carried, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms) {
  container_carrier *inside = (container_carrier *)carried;
  container_try *self = create(inside, deadline_ms);
  (void)host; /* which address of the container's: found out */
  (void)port; /* that of the settings */
  if (!self) {
    penstock_error error = {.struct_size = sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    carried->host->open_failed(carried->host, open, &error);
    return;
  }
  self->open = open;
  if (inside->is_settled) {
    self->path = inside->settled;
    container_check_settled(inside);
    take_way(self);
  } else {
    find(self);
  }
}

/* Takes it from whoever has it; 0 if that is the carrier below, which gives it back soon. */
static int take_back(container_try *self) {
  carrier *below = self->inside->base.below;
  if (self->phase == PHASE_LOOK) {
    container_carrier_forget(&self->inside->base, &self->look);
    return 1;
  }
  if (self->phase == PHASE_TURN) {
    return 1;
  }
  below->ops->open_cancel(below, self->open); /* may end it at once */
  return 0;
}

void container_open_cancel(carrier *carried, penstock_open *open) {
  container_carrier *inside = (container_carrier *)carried;
  container_try *self = try_of(&inside->table.host, open);
  if (!self) { /* a command's: it is the carrier below that has it, and nobody else */
    carried->below->ops->open_cancel(carried->below, open);
    return;
  }
  if (!self->is_cancelled) {
    self->is_cancelled = 1;
    if (take_back(self)) {
      fail_cancelled(self);
    }
  }
}

int container_carrier_choose(carrier *carried, uint64_t timeout_ms, container_chosen *done, void *context) {
  container_try *self = create((container_carrier *)carried, timeout_ms);
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  self->open = (penstock_open *)(void *)self;
  self->done = done;
  self->context = context;
  find(self);
  return 0;
}

void container_carrier_unchoose(carrier *carried, const void *context) {
  container_carrier *inside = (container_carrier *)carried;
  container_try *self = inside->tries;
  while (self && !(self->done && self->context == context && self->phase != PHASE_DROPPED)) {
    self = self->next;
  }
  if (!self) {
    return;
  }
  if (self->phase == PHASE_WAY) {
    self->phase = PHASE_DROPPED;
    (void)take_back(self);
  } else if (take_back(self)) {
    release(self);
  }
}

void container_open_clear(container_carrier *self) {
  while (self->tries) {
    container_try *each = self->tries;
    self->tries = each->next;
    dispose(each);
  }
}
