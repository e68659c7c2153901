/* SPDX-License-Identifier: MIT */
#include "common/container/container_paths.h"
#include "common/container/container_report.h"

/* What the error needs to know, and how much of it is written. */
typedef struct report {
  const container_paths *paths;
  const container_view *view;
  const container_settings *settings;
  const char *where;
  const char *name; /* of the container */
  penstock_error *error;
} report;

PENSTOCK_PRINTF(3, 4)
static void append(char *text, size_t size, const char *format, ...) {
  size_t used = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text + used, size - used, format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, size);
}

static const char *engine_of(const report *self) {
  return self->view->engine[0] ? self->view->engine : self->view->is_podman ? "podman" : "docker";
}

static int is_reach(const report *self, container_reach reach) {
  return self->settings->reach == CONTAINER_REACH_AUTO || self->settings->reach == reach;
}

/* The seed's case. Who shares the host's network, or has none, is not helped by publishing. */
static int is_unpublished(const report *self) {
  const container_view *view = self->view;
  return is_reach(self, CONTAINER_REACH_PUBLISHED) && view->published.count == 0 &&
         (view->network == CONTAINER_NETWORK_OWN || view->network == CONTAINER_NETWORK_SHARED);
}

/* --- what ---------------------------------------------------------------------------------------------- */

static int has_no_shell(const container_path *path) {
  return path->way == CONTAINER_WAY_EXEC &&
         container_report_classify("exec", 0, path->why_not) == CONTAINER_FAULT_NO_SHELL;
}

/* A reason that is too long is cut, at a word if there is one; `detail` has all of it. */
static void cut(char *why, size_t length) {
  static const char mark[] = "...";
  if (strlen(why) <= length) {
    return;
  }
  size_t end = length - strlen(mark);
  size_t word = end;
  while (word > end / 2 && why[word] != ' ') {
    word--;
  }
  why[word > end / 2 ? word : end] = '\0';
  penstock_utf8_trim(why, strlen(why) + 1);
  memcpy(why + strlen(why), mark, sizeof(mark));
}

/* `length`: of the reason, at most. */
static void say_path(char *text, size_t size, const char *before, const container_path *path, size_t length) {
  char name[ADDRESS_HOST_SIZE + 64];
  char why[sizeof(path->why_not)];
  container_path_name(path, name, sizeof(name));
  (void)snprintf(why, sizeof(why), "%s",
                 has_no_shell(path) ? "the container has no /bin/sh"
                 : path->why_not[0] ? path->why_not
                                    : "not tried");
  cut(why, length);
  append(text, size, "%s%s: %s", before, name, why);
}

/* Does this path begin a kind of way? */
static int is_first(const container_paths *paths, size_t i) {
  return i == 0 || paths->items[i].way != paths->items[i - 1].way;
}

/* Each kind of way by its first path. */
static void say_what(const report *self) {
  penstock_error *error = self->error;
  const char *separator = ". ";
  size_t kinds = 0;
  for (size_t i = 0; i < self->paths->count; i++) {
    kinds += is_first(self->paths, i) ? 1 : 0;
  }
  if (is_unpublished(self)) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "%s port %u is not exposed on container '%.80s' (%.60s)%s",
                        self->view->is_podman ? "Podman" : "Docker", self->settings->port, self->name, self->where,
                        self->paths->count > 1 ? ", and no other way leads to it" : "");
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "No way leads to port %u of container '%.80s' (%.60s)", self->settings->port, self->name,
                        self->where);
  }
  for (size_t i = 0; i < self->paths->count; i++) {
    const container_path *path = &self->paths->items[i];
    if (is_first(self->paths, i)) {
      say_path(error->what, sizeof(error->what), separator, path, kinds == 1 ? 200 : 90);
      separator = "; ";
    }
  }
}

static void say_detail(const report *self) {
  for (size_t i = 0; i < self->paths->count; i++) {
    say_path(self->error->detail, sizeof(self->error->detail), i ? "\n" : "", &self->paths->items[i],
             sizeof(self->paths->items[i].why_not));
  }
}

/* --- next ---------------------------------------------------------------------------------------------- */

/* One way was asked for: the others may do. */
static void next_of_reach(const report *self) {
  const penstock_config *config = self->settings->config;
  const char *place = config->get_origin(config, "reach");
  append(self->error->next, sizeof(self->error->next),
         "%s reach = %s%s%s%s out of the profile, so that the other ways are tried, too",
         self->error->next[0] ? ". Or take" : "Take", container_reach_words[self->settings->reach], place ? " (" : "",
         place ? place : "", place ? ")" : "");
}

/* A solver that listens on the container's loopback alone is met by no way but a command in there. Who has the host's
 * network, or none, is none the worse for it. */
static int is_deaf(const report *self) {
  const container_view *view = self->view;
  return view->knows_listeners && view->listeners.count > 0 &&
         (view->network == CONTAINER_NETWORK_OWN || view->network == CONTAINER_NETWORK_SHARED) &&
         !container_view_listens_outside(view, 4) && !container_view_listens_outside(view, 6);
}

/* Could the container's own address be connected to, if only somebody listened on it? */
static int has_bridge(const report *self) {
  const container_view *view = self->view;
  return is_reach(self, CONTAINER_REACH_BRIDGE) && view->own.count > 0 && !view->is_in_vm && !view->is_rootless &&
         !view->is_remote;
}

/* What inspect tells of how it was made. */
static void append_run(const report *self, const char *publish) {
  const container_view *view = self->view;
  int has_command = view->arguments[0] != '\0' && strlen(view->arguments) <= 100;
  append(self->error->next, sizeof(self->error->next),
         ", so `%.60s run -d --name %.80s%s%s -p %s %.80s%s%s` with its volumes, variables and other options",
         engine_of(self), self->name, view->has_init ? " --init" : "",
         !view->has_gpus   ? ""
         : view->is_podman ? " --device nvidia.com/gpu=all"
                           : " --gpus all",
         publish, view->image[0] ? view->image : "IMAGE", has_command ? " " : "", has_command ? view->arguments : "");
}

/* Behind "Please" or ", and". */
static void append_publish(const report *self) {
  char publish[32];
  const char *owner = self->view->network_of;
  const char *service = self->settings->container ? NULL : self->settings->service;
  container_settings_publish(self->settings, publish, sizeof(publish));
  append(self->error->next, sizeof(self->error->next), " expose the port with '-p %s'", publish);
  if (service && !owner[0]) {
    append(self->error->next, sizeof(self->error->next),
           ": put `ports: [\"%s\"]` into its compose file, and bring service '%.80s' up again", publish, service);
    return;
  }
  append(self->error->next, sizeof(self->error->next),
         "%s%.80s%s: make %s anew as it was made, with that added (what is stored in it and not in a volume is lost)",
         owner[0] ? " on container '" : "", owner, owner[0] ? "'" : "", owner[0] ? "that one" : "the container");
  if (!owner[0]) {
    append_run(self, publish);
  }
}

/* It has to listen where a way leads to, whatever is published. */
static void next_listen(const report *self) {
  penstock_next(self->error, "Let the solver listen on all addresses in the container: start it with --host 0.0.0.0");
  if (self->settings->reach == CONTAINER_REACH_PUBLISHED || !has_bridge(self)) {
    if (self->view->published.count == 0) {
      append(self->error->next, sizeof(self->error->next), ", and");
      append_publish(self);
    }
  }
}

/* In there, not in the image alone: a container that runs loses nothing by it. */
static void append_helper(const report *self) {
  const container_path *last = &self->paths->items[self->paths->count - 1];
  if (has_no_shell(last)) {
    append(self->error->next, sizeof(self->error->next),
           ". Or use an image with /bin/sh, and perl, python3, socat or nc: then a command in it carries the stream");
  } else if (is_reach(self, CONTAINER_REACH_EXEC)) {
    append(self->error->next, sizeof(self->error->next),
           ". Or put perl, python3, socat or nc into the container: then a command in it carries the stream");
  }
}

/* In the host's network, gateway and solver want the same port. */
static int is_port_wanted_twice(const report *self) {
  for (size_t i = 0; i < self->paths->count; i++) {
    if (self->paths->items[i].is_own_port && self->view->network == CONTAINER_NETWORK_HOST) {
      return 1;
    }
  }
  return 0;
}

/* Did the way by a command find no fault but that its time was over? */
static int is_slow(const report *self) {
  const container_path *last = self->paths->count > 0 ? &self->paths->items[self->paths->count - 1] : NULL;
  return last && last->way == CONTAINER_WAY_EXEC && strcmp(last->why_not, CONTAINER_NO_ANSWER) == 0;
}

static void say_next(const report *self) {
  const container_view *view = self->view;
  container_reach reach = self->settings->reach;
  if (is_port_wanted_twice(self)) {
    penstock_next(self->error,
                  "Give the gateway another port with `listen`, or the solver with `endpoint`: in the host's "
                  "network both cannot have the same one");
    return;
  }
  if (is_deaf(self) && !view->is_remote && reach != CONTAINER_REACH_EXEC && !is_slow(self)) {
    next_listen(self);
    append_helper(self);
  } else if (is_unpublished(self) && !view->is_remote) {
    penstock_next(self->error, "Please");
    append_publish(self);
    append_helper(self);
  } else if (is_slow(self)) {
    penstock_next(self->error,
                  "The engine or its machine is slow: see how long `%.80s exec %.80s /bin/sh -c true` takes",
                  engine_of(self), self->name);
  } else if (reach == CONTAINER_REACH_AUTO || reach == CONTAINER_REACH_EXEC) {
    penstock_next(self->error,
                  "Put perl, python3, socat or nc into the image, so that a command in the container can carry the "
                  "stream; `%.80s exec %.80s /bin/sh` must work",
                  engine_of(self), self->name);
  }
  if (reach != CONTAINER_REACH_AUTO) {
    next_of_reach(self);
  }
}

void container_paths_report(const container_paths *paths, const container_view *view,
                            const container_settings *settings, const char *where, penstock_error *error) {
  const char *asked = settings->container ? settings->container : settings->service;
  report self = {paths, view, settings, where, view->name[0] ? view->name : asked ? asked : "", error};
  if (!error) {
    return;
  }
  say_what(&self);
  say_detail(&self);
  say_next(&self);
}
