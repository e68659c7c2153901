/* SPDX-License-Identifier: MIT */
/* What a look at the container means for the profile, and for who wants to open a stream. */
#include <ctype.h>

#include "common/container/container_internal.h"

/* " (penstock.ini:12)", or nothing for a default. */
static const char *place(const container_carrier *self, const char *key, char text[300]) {
  const penstock_config *config = self->settings.config;
  const char *origin = config->get_origin(config, key);
  text[0] = '\0';
  if (origin) {
    (void)snprintf(text, 300, " (%.290s)", origin);
  }
  return text;
}

/* --- a port that anybody can reach ----------------------------------------------------------------- */

static void say_exposed(const container_carrier *self, const container_view *view, const container_address *at,
                        char text[700]) {
  char title[300];
  char address[ADDRESS_HOST_SIZE + 16];
  const char *where = self->base.below->where;
  int is_v6 = strchr(at->host, ':') != NULL;
  container_title(self, title, sizeof(title));
  (void)snprintf(address, sizeof(address), "%s%s%s:%u", is_v6 ? "[" : "", at->host, is_v6 ? "]" : "",
                 (unsigned)at->port);
  if (view->network == CONTAINER_NETWORK_HOST) {
    (void)snprintf(text, 700,
                   "%s is in the network of %s itself, and %s is listened to there: whoever reaches that machine "
                   "reaches the solver",
                   title, where, address);
  } else if (address_is_wildcard(at->host)) {
    (void)snprintf(text, 700,
                   "%s publishes its port %u on all interfaces of %s (%s): whoever reaches that machine reaches the "
                   "solver",
                   title, (unsigned)self->settings.port, where, address);
  } else {
    (void)snprintf(text, 700,
                   "%s publishes its port %u on %s of %s, which is no loopback address: whoever reaches that one "
                   "reaches the solver",
                   title, (unsigned)self->settings.port, address, where);
  }
}

static void say_remedy(const container_carrier *self, const container_view *view, const container_address *at,
                       char text[100]) {
  if (view->network == CONTAINER_NETWORK_HOST) {
    (void)snprintf(text, 100, "start the solver with --host 127.0.0.1");
  } else {
    (void)snprintf(text, 100, "make it anew with -p 127.0.0.1:%u:%u", (unsigned)at->port,
                   (unsigned)self->settings.port);
  }
}

void container_warn(container_carrier *self, const container_view *view) {
  char text[700];
  char remedy[100];
  const container_address *at = container_view_exposed(view);
  if (!at || self->settings.exposure != CONTAINER_EXPOSURE_WARN || strcmp(self->warned_of, view->started_at) == 0) {
    return;
  }
  (void)snprintf(self->warned_of, sizeof(self->warned_of), "%s", view->started_at);
  say_exposed(self, view, at, text);
  say_remedy(self, view, at, remedy);
  penstock_logf(self->base.host, PENSTOCK_LOG_WARN, "%s; %s (or set expose_warning = off if that is meant)", text,
                remedy);
}

static int refuse_exposed(const container_carrier *self, const container_view *view, const container_address *at,
                          penstock_error *error) {
  char text[700];
  char remedy[100];
  char origin[300];
  say_exposed(self, view, at, text);
  say_remedy(self, view, at, remedy);
  remedy[0] = (char)toupper((unsigned char)remedy[0]);
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "%s", text);
  penstock_next(error, "%s; `expose_warning = error`%s is what refuses it", remedy,
                place(self, "expose_warning", origin));
  return PENSTOCK_E_FAILED;
}

/* --- the gateway's own port ------------------------------------------------------------------------ */

static int refuse_own_port(const container_carrier *self, penstock_error *error) {
  char title[300];
  char listener_place[300];
  char endpoint_place[300];
  const penstock_config *config = self->settings.config;
  container_title(self, title, sizeof(title));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "%s is in this machine's own network, where port %u%s is the gateway's, `listen` %s%s", title,
                      (unsigned)self->settings.port, place(self, "endpoint", endpoint_place),
                      config->get_string(config, "listen"), place(self, "listen", listener_place));
  penstock_next(error, "Give one of them another port, such as `listen = 127.0.0.1:%u` for the gateway",
                (unsigned)self->settings.port + (self->settings.port < 65535 ? 1u : (unsigned)-1));
  return PENSTOCK_E_FAILED;
}

/* In the host's network, gateway and solver are neighbours. */
static int wants_own_port(const container_carrier *self, const container_view *view) {
  container_paths paths;
  int is_wanted = 0;
  container_paths_find(&paths, view, &self->settings);
  for (size_t i = 0; i < paths.count; i++) {
    is_wanted |= paths.items[i].is_own_port && view->network == CONTAINER_NETWORK_HOST;
  }
  return is_wanted;
}

int container_refuse(const container_carrier *self, const container_view *view, penstock_error *error) {
  const container_address *exposed = container_view_exposed(view);
  if (exposed && self->settings.exposure == CONTAINER_EXPOSURE_ERROR) {
    return refuse_exposed(self, view, exposed, error);
  }
  return wants_own_port(self, view) ? refuse_own_port(self, error) : 0;
}

/* --- nobody to talk to ----------------------------------------------------------------------------- */

void container_say_nobody(const container_carrier *self, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Nobody listens on port %u in %s",
                      (unsigned)self->settings.port, self->where);
  penstock_next(error, "Start the solver there, or let the profile launch it");
}

int container_is_vain(const container_carrier *self, const container_view *view, penstock_error *error) {
  char title[300];
  container_title(self, title, sizeof(title));
  if (view->state == CONTAINER_ABSENT) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s does not exist", title);
    penstock_next(error, "Make it, or set `container` to one that is there: `%s ps -a` shows them", view->engine);
    return PENSTOCK_E_FAILED;
  }
  if (view->state != CONTAINER_RUNNING) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s does not run: it %s%s", title,
                        view->state == CONTAINER_EXITED ? "has " : "is ",
                        view->status[0] ? view->status : "not running");
    if (view->state == CONTAINER_PAUSED || view->state == CONTAINER_EXITED || view->state == CONTAINER_CREATED) {
      penstock_next(error, "Start it: `%s %s %s`", view->engine, view->state == CONTAINER_PAUSED ? "unpause" : "start",
                    view->name);
    }
    return PENSTOCK_E_FAILED;
  }
  if (view->knows_listeners && view->listeners.count == 0) {
    container_say_nobody(self, error);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}
