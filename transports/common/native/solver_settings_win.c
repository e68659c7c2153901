/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/address.h"
#include "common/native/solver_win.h"

static char *copy(const char *text) {
  return text && text[0] ? strdup(text) : NULL;
}

/* Items of a LIST or ENV with `more` (may be NULL) in front. NULL if memory is out. */
static char **copy_items(const penstock_config *config, const char *key, const char *more) {
  size_t count = 0;
  while (config->get_item(config, key, (uint32_t)count)) {
    count++;
  }
  char **items = calloc(count + 2, sizeof(*items));
  size_t used = 0;
  int failed = !items;
  if (!failed && more) {
    items[used] = strdup(more);
    failed = !items[used++];
  }
  for (size_t i = 0; !failed && i < count; i++) {
    items[used] = strdup(config->get_item(config, key, (uint32_t)i));
    failed = !items[used++];
  }
  if (failed) {
    for (size_t i = 0; items && i < used; i++) {
      free(items[i]);
    }
    free(items);
    return NULL;
  }
  return items;
}

solver_settings *solver_settings_read(const penstock_config *config, int is_plain, penstock_error *error) {
  char host[ADDRESS_HOST_SIZE];
  char gpu[512];
  uint16_t port = 0;
  const char *endpoint = config->get_string(config, "endpoint");
  const char *device = config->get_string(config, "gpu");
  const char *on_exit = config->get_string(config, "on_exit");
  solver_settings *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    return NULL;
  }
  if (address_split(endpoint, host, &port) || port == 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "`endpoint` is no address to connect to: %s",
                        endpoint ? endpoint : "(unset)");
    penstock_next(error, "Write it as host:port");
    free(self);
    return NULL;
  }
  (void)snprintf(gpu, sizeof(gpu), "CUDA_VISIBLE_DEVICES=%s", device ? device : "");
  self->is_plain = is_plain;
  self->venv = is_plain ? copy(config->get_string(config, "venv")) : NULL;
  self->root = copy(config->get_string(config, "root"));
  self->program = copy(config->get_string(config, "program"));
  /* A number, since not every solver looks names up. */
  self->host = strdup(_stricmp(host, "localhost") == 0 ? "127.0.0.1" : host);
  self->port = port;
  self->env = copy_items(config, "env", device && device[0] ? gpu : NULL);
  self->args = copy_items(config, "args", NULL);
  self->debug = config->get_int(config, "debug", 0) != 0;
  self->keep = !on_exit || strcmp(on_exit, "stop") != 0;
  self->root_origin = copy(config->get_origin(config, "root"));
  self->endpoint_origin = copy(config->get_origin(config, "endpoint"));
  if (!self->host || !self->env || !self->args) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    solver_settings_free(self);
    return NULL;
  }
  return self;
}

static void free_items(char **items) {
  for (size_t i = 0; items && items[i]; i++) {
    free(items[i]);
  }
  free(items);
}

void solver_settings_free(solver_settings *settings) {
  if (settings) {
    free(settings->root);
    free(settings->venv);
    free(settings->program);
    free(settings->host);
    free_items(settings->env);
    free_items(settings->args);
    free(settings->root_origin);
    free(settings->endpoint_origin);
    free(settings);
  }
}
