/* SPDX-License-Identifier: MIT */
#include "common/container/container_paths.h"

static uint16_t family_of(const char *host) {
  return strchr(host, ':') ? 6 : 4;
}

static void write_address(const container_path *path, char *text, size_t size) {
  int is_v6 = family_of(path->host) == 6;
  (void)snprintf(text, size, "%s%s%s:%u", is_v6 ? "[" : "", path->host, is_v6 ? "]" : "", (unsigned)path->port);
}

/* A gateway that took its own port for a way would talk to itself for ever. */
static void refuse_own_port(container_path *path, const container_settings *settings) {
  char address[ADDRESS_HOST_SIZE + 16];
  write_address(path, address, sizeof(address));
  if (settings->listen && address_reaches(address, settings->listen)) {
    path->is_own_port = 1;
    (void)snprintf(path->why_not, sizeof(path->why_not), "that is the gateway's own port, `listen`");
  }
}

/* Adds a way; `why_not` NULL or "" = it can be tried. The array has room for all that there can be. */
static container_path *add(container_paths *paths, const container_settings *settings, container_way way,
                           const char *host, uint16_t port, const char *why_not) {
  container_path *path = &paths->items[paths->count++];
  memset(path, 0, sizeof(*path));
  path->way = way;
  path->port = port;
  (void)snprintf(path->host, sizeof(path->host), "%s", host);
  (void)snprintf(path->why_not, sizeof(path->why_not), "%s", why_not ? why_not : "");
  if (!path->why_not[0] && way != CONTAINER_WAY_EXEC) {
    refuse_own_port(path, settings);
  }
  return path;
}

static int has_own(const container_view *view, uint16_t family) {
  for (size_t i = 0; i < view->own.count; i++) {
    if (family_of(view->own.items[i].host) == family) {
      return 1;
    }
  }
  return 0;
}

/* --- what a way cannot reach --------------------------------------------------------------------------- */

static int is_judged(const container_view *view) {
  return view->knows_listeners && view->listeners.count > 0;
}

/* "it listens on 127.0.0.1 alone, inside the container" */
static void say_listeners(const container_view *view, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "the solver listens on ");
  for (size_t i = 0; i < view->listeners.count && used < size; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " and " : "", view->listeners.items[i].host);
  }
  if (used < size) {
    (void)snprintf(text + used, size - used, " alone, inside the container");
  }
  penstock_utf8_trim(text, size);
}

static void say_remote(const container_view *view, char *text, size_t size) {
  (void)snprintf(text, size, "the engine is on another machine (%.150s), and that address is one of its own",
                 view->engine_at[0] ? view->engine_at : "its client says so");
}

/* --- published ----------------------------------------------------------------------------------------- */

/* Where to connect for a port that is published on `host`. */
static const char *published_target(const char *host) {
  return strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(host, "::") == 0 ? "::1" : host;
}

/* Loopback first, then all interfaces, then another one; IPv4 before IPv6. */
static int published_rank(const char *host) {
  int kind = address_is_loopback(host) ? 0 : address_is_wildcard(host) ? 1 : 2;
  return 2 * kind + (family_of(host) == 6);
}

/* The engine forwards to the container's address of the same family, and to the IPv4 one if there is no such. */
static void judge_published(const container_view *view, const char *host, char *why, size_t size) {
  uint16_t family = family_of(host) == 6 && has_own(view, 6) ? 6 : has_own(view, 4) || !has_own(view, 6) ? 4 : 6;
  why[0] = '\0';
  if (view->is_remote) {
    say_remote(view, why, size);
  } else if (is_judged(view) && !container_view_listens_outside(view, family)) {
    say_listeners(view, why, size);
  }
}

static void add_published(container_paths *paths, const container_view *view, const container_settings *settings) {
  char why[sizeof(paths->items[0].why_not)] = "";
  if (view->published.count == 0) {
    if (view->network == CONTAINER_NETWORK_HOST) {
      (void)snprintf(why, sizeof(why), "a container in the host's network publishes no ports");
    } else if (view->network == CONTAINER_NETWORK_NONE) {
      (void)snprintf(why, sizeof(why), "a container without a network publishes no ports");
    } else if (view->network_of[0]) {
      (void)snprintf(why, sizeof(why), "port %u is not published by container '%.150s', whose network it shares",
                     settings->port, view->network_of);
    } else {
      (void)snprintf(why, sizeof(why), "port %u is not published", settings->port);
    }
    (void)add(paths, settings, CONTAINER_WAY_PUBLISHED, "", 0, why);
    return;
  }
  for (int rank = 0; rank < 6; rank++) {
    for (size_t i = 0; i < view->published.count; i++) {
      const container_address *at = &view->published.items[i];
      if (published_rank(at->host) == rank) {
        judge_published(view, at->host, why, sizeof(why));
        (void)add(paths, settings, CONTAINER_WAY_PUBLISHED, published_target(at->host), at->port, why);
      }
    }
  }
}

/* --- the container's own addresses --------------------------------------------------------------------- */

/* Where a listener is met by whoever is in the same network. */
static const char *inside_target(const container_view *view) {
  static const char *const preferred[] = {"127.0.0.1", "0.0.0.0", "::", "::1"};
  for (size_t i = 0; i < sizeof(preferred) / sizeof(preferred[0]); i++) {
    for (size_t n = 0; n < view->listeners.count; n++) {
      if (strcmp(view->listeners.items[n].host, preferred[i]) == 0) {
        return strcmp(preferred[i], "::1") == 0 ? "::1" : "127.0.0.1";
      }
    }
  }
  return is_judged(view) ? view->listeners.items[0].host : "127.0.0.1";
}

static void add_host_network(container_paths *paths, const container_view *view, const container_settings *settings) {
  char why[sizeof(paths->items[0].why_not)] = "";
  if (view->is_remote) {
    say_remote(view, why, sizeof(why));
  } else if (view->is_in_vm) {
    (void)snprintf(why, sizeof(why), "the engine runs in a virtual machine, whose network that is");
  } else if (view->is_rootless && !view->is_podman) {
    (void)snprintf(why, sizeof(why), "the engine is rootless, and has a network of its own");
  }
  add(paths, settings, CONTAINER_WAY_BRIDGE, inside_target(view), settings->port, why)->is_host_network = 1;
}

/* Why no address of the container means anything on the engine's machine; NULL if they do. */
static const char *hidden(const container_view *view) {
  return view->network == CONTAINER_NETWORK_NONE ? "the container has no network (--network none)"
         : view->is_in_vm      ? "the engine runs in a virtual machine, where the container's addresses are"
         : view->is_rootless   ? "the engine is rootless: the container's addresses are in a network of its own"
         : view->own.count > 0 ? NULL
         : view->network == CONTAINER_NETWORK_SHARED ? "the container whose network it shares has no address of its own"
                                                     : "the container has no address of its own";
}

static void add_bridge(container_paths *paths, const container_view *view, const container_settings *settings) {
  char why[sizeof(paths->items[0].why_not)] = "";
  if (view->network == CONTAINER_NETWORK_HOST) {
    add_host_network(paths, view, settings);
    return;
  }
  if (view->is_remote) {
    say_remote(view, why, sizeof(why));
  } else if (hidden(view)) {
    (void)snprintf(why, sizeof(why), "%s", hidden(view));
  }
  if (view->own.count == 0) {
    (void)add(paths, settings, CONTAINER_WAY_BRIDGE, "", 0, why);
    return;
  }
  int is_useless = why[0] != '\0';
  for (uint16_t family = 4; family <= 6; family = (uint16_t)(family + 2)) {
    for (size_t i = 0; i < view->own.count; i++) {
      const char *host = view->own.items[i].host;
      if (family_of(host) != family) {
        continue;
      }
      if (!is_useless) {
        why[0] = '\0';
        if (is_judged(view) && !container_view_listens_at(view, host)) {
          say_listeners(view, why, sizeof(why));
        }
      }
      (void)add(paths, settings, CONTAINER_WAY_BRIDGE, host, settings->port, why);
    }
  }
}

/* --- all of them --------------------------------------------------------------------------------------- */

void container_paths_find(container_paths *paths, const container_view *view, const container_settings *settings) {
  container_reach reach = settings->reach;
  paths->count = 0;
  if (reach == CONTAINER_REACH_AUTO || reach == CONTAINER_REACH_PUBLISHED) {
    add_published(paths, view, settings);
  }
  if (reach == CONTAINER_REACH_AUTO || reach == CONTAINER_REACH_BRIDGE) {
    add_bridge(paths, view, settings);
  }
  if (reach == CONTAINER_REACH_AUTO || reach == CONTAINER_REACH_EXEC) {
    container_path *path = add(paths, settings, CONTAINER_WAY_EXEC, inside_target(view), settings->port, NULL);
    if (view->network == CONTAINER_NETWORK_HOST && !view->is_remote && !view->is_in_vm) {
      refuse_own_port(path, settings);
    }
  }
}

const char *container_paths_bind(const container_path *path, const container_view *view) {
  if (path->way == CONTAINER_WAY_PUBLISHED) {
    return has_own(view, 6) && !has_own(view, 4) ? "::" : "0.0.0.0";
  }
  return path->way == CONTAINER_WAY_BRIDGE && !path->is_host_network && path->host[0] ? path->host : "127.0.0.1";
}

void container_path_name(const container_path *path, char *text, size_t size) {
  char address[ADDRESS_HOST_SIZE + 16] = "";
  if (path->host[0]) {
    write_address(path, address, sizeof(address));
  }
  if (path->way == CONTAINER_WAY_EXEC) {
    (void)snprintf(text, size, "exec (%s)", address);
  } else if (path->is_host_network) {
    (void)snprintf(text, size, "the host's own network (%s)", address);
  } else {
    (void)snprintf(text, size, "%s%s%s", path->way == CONTAINER_WAY_PUBLISHED ? "published port" : "container address",
                   address[0] ? " " : "", address);
  }
}
