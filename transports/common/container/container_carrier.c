/* SPDX-License-Identifier: MIT */
/* Life and connect of the container carrier. */
#include <ctype.h>
#include <stdlib.h>

#include "common/container/container_internal.h"

const container_settings *container_carrier_settings(const carrier *self) {
  return &((const container_carrier *)self)->settings;
}

const container_view *container_carrier_view(const carrier *self) {
  const container_carrier *inside = (const container_carrier *)self;
  return inside->has_view ? &inside->view : NULL;
}

void container_carrier_way(const carrier *self, char *text, size_t size) {
  const container_carrier *inside = (const container_carrier *)self;
  text[0] = '\0';
  if (inside->is_settled) {
    container_path_name(&inside->settled, text, size);
  }
}

int container_carrier_has_run(const carrier *self) {
  return ((const container_carrier *)self)->has_run;
}

void container_title(const container_carrier *self, char *text, size_t size) {
  (void)snprintf(text, size, "%s", self->name);
  penstock_utf8_trim(text, size);
  text[0] = (char)toupper((unsigned char)text[0]);
}

uint64_t container_now_ns(const container_carrier *self) {
  return self->base.host->now_ns(self->base.host);
}

uint64_t container_left_ms(const container_carrier *self, uint64_t deadline_ns) {
  uint64_t now = container_now_ns(self);
  return deadline_ns > now ? (deadline_ns - now) / 1000000 : 0;
}

void container_carrier_log(carrier *self, const penstock_error *error, carrier_done *done, void *context) {
  container_carrier *inside = (container_carrier *)self;
  container_ask_log(inside->ask, &inside->view, error, done, context);
}

/* --- connect --------------------------------------------------------------------------------------- */

static void finish_connect(container_carrier *self, const penstock_error *error) {
  carrier_done *done = self->connected;
  self->op = NULL;
  self->connected = NULL;
  done(self->connected_context, error);
}

static void on_up(void *context, const container_view *view, const penstock_error *error) {
  container_carrier *self = context;
  char text[900];
  if (error) {
    finish_connect(self, error);
    return;
  }
  (void)snprintf(text, sizeof(text), "%s%s%s: %s runs%s%s%s", view->engine, view->engine_version[0] ? " " : "",
                 view->engine_version, self->name, view->image[0] ? " (image " : "", view->image,
                 view->image[0] ? ")" : "");
  penstock_utf8_trim(text, sizeof(text));
  self->base.host->op_leg(self->base.host, self->op, PENSTOCK_LEG_CONTAINER, container_now_ns(self) - self->begun_ns,
                          text);
  finish_connect(self, NULL);
}

static void on_connected_below(void *context, const penstock_error *error) {
  container_carrier *self = context;
  self->is_connecting_below = 0;
  if (error) {
    finish_connect(self, error);
    return;
  }
  if (!self->base.below->ops->connect) { /* so that who watches it does not think that it waits for the network */
    char text[400];
    const char *shell = self->base.below->shell;
    (void)snprintf(text, sizeof(text), "no link needed%s%s", shell ? "; scripts run by " : "", shell ? shell : "");
    penstock_utf8_trim(text, sizeof(text));
    self->base.host->op_leg(self->base.host, self->op, PENSTOCK_LEG_LOCAL, 0, text);
  }
  self->begun_ns = container_now_ns(self);
  container_carrier_up(&self->base, &self->up, self->op, container_left_ms(self, self->deadline_ns), on_up, self);
}

static void container_connect(carrier *carried, penstock_op *op, uint64_t deadline_ms, carrier_done *done,
                              void *context) {
  container_carrier *self = (container_carrier *)carried;
  carrier *below = self->base.below;
  self->op = op;
  self->deadline_ns = container_now_ns(self) + deadline_ms * 1000000;
  self->connected = done;
  self->connected_context = context;
  self->is_connecting_below = 1;
  if (below->ops->connect) {
    below->ops->connect(below, op, deadline_ms, on_connected_below, self);
  } else {
    on_connected_below(self, NULL);
  }
}

static void container_connect_cancel(carrier *carried, penstock_op *op) {
  container_carrier *self = (container_carrier *)carried;
  carrier *below = self->base.below;
  penstock_error error = {.struct_size = sizeof(error)};
  if (self->op != op) {
    return;
  }
  if (self->is_connecting_below) {
    if (below->ops->connect_cancel) {
      below->ops->connect_cancel(below, op);
    }
    return;
  }
  container_carrier_forget(carried, &self->up);
  (void)penstock_fail(&error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  finish_connect(self, &error);
}

/* --- life ------------------------------------------------------------------------------------------ */

static void container_destroy(carrier *carried) {
  container_carrier *self = (container_carrier *)carried;
  container_run_clear(self);
  container_open_clear(self);
  if (self->ask) {
    container_ask_destroy(self->ask);
  }
  if (self->base.below) {
    self->base.below->ops->destroy(self->base.below);
  }
  container_settings_clear(&self->settings);
  free(self);
}

/* A command is a process or three; and what way it will be is not known before one has connected. */
static int container_streams_cost(const carrier *carried) {
  const container_carrier *self = (const container_carrier *)carried;
  return !self->is_settled || self->settled.way == CONTAINER_WAY_EXEC;
}

static const carrier_ops container_ops = {
    .connect = container_connect,
    .connect_cancel = container_connect_cancel,
    .destroy = container_destroy,
    .run = container_run,
    .run_cancel = container_run_cancel,
    .open = container_open,
    .open_command = container_open_command,
    .open_cancel = container_open_cancel,
    .streams_cost = container_streams_cost,
};

static void fill_names(container_carrier *self) {
  const char *below = self->base.below->where;
  container_settings_name(&self->settings, self->name, sizeof(self->name));
  if (strcmp(below, "this machine") == 0) {
    (void)snprintf(self->where, sizeof(self->where), "%s", self->name);
  } else {
    (void)snprintf(self->where, sizeof(self->where), "%s on %s", self->name, below);
  }
  penstock_utf8_trim(self->name, sizeof(self->name));
  penstock_utf8_trim(self->where, sizeof(self->where));
  self->base.where = self->where;
}

/* Without `root` nothing is launched, and so these would have no effect without a word. */
static void warn_of_useless(const container_carrier *self) {
  static const char *const keys[] = {"gpu", "env", "venv", "program", "args", "debug"};
  const penstock_config *config = self->settings.config;
  for (size_t i = 0; !self->settings.has_root && i < sizeof(keys) / sizeof(keys[0]); i++) {
    const char *origin = config->get_origin(config, keys[i]);
    if (origin) {
      penstock_logf(self->base.host, PENSTOCK_LOG_WARN,
                    "%s: `%s` has no effect: without `root`, the solver is the own command of %s", origin, keys[i],
                    self->name);
    }
  }
}

carrier *container_carrier_create(const penstock_host *host, const penstock_config *config, container_below *make_below,
                                  void *context, penstock_error *error) {
  container_carrier *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  self->base.ops = &container_ops;
  self->base.host = host;
  host_table_init(&self->table, host, self);
  container_open_fill_table(&self->table);
  if (container_settings_read(&self->settings, config, error)) {
    free(self);
    return NULL;
  }
  self->base.below = make_below(&self->table.host, context, error);
  if (!self->base.below) {
    container_destroy(&self->base);
    return NULL;
  }
  fill_names(self);
  warn_of_useless(self);
  self->ask = container_ask_create(self->base.below, &self->settings);
  if (!self->ask) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    container_destroy(&self->base);
    return NULL;
  }
  return &self->base;
}
