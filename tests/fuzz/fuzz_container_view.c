/* SPDX-License-Identifier: MIT */
/* Looks at a container: whatever the engine's client says, what is read can be shown, is asked again by nothing but a
 * hexadecimal id, and gives ways that name an address each. */
#include <stdlib.h>
#include <string.h>

#include "common/container/container_paths.h"
#include "common/tcp.h"
#include "fuzz.h"

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

static const char *no_string(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

/* Ends within its room, and holds nothing that a terminal acts on. */
static void check_text(const char *text, size_t size) {
  must(memchr(text, '\0', size) != NULL);
  for (; *text; text++) {
    must((unsigned char)*text >= 0x20 && *text != 0x7F);
  }
}

#define CHECK_TEXT(member) check_text(member, sizeof(member))

static void check_addresses(const container_addresses *addresses, int has_port) {
  penstock_address address;
  must(addresses->count <= CONTAINER_ADDRESSES_MAX);
  for (size_t i = 0; i < addresses->count; i++) {
    must(tcp_parse(addresses->items[i].host, 0, &address) == 0);
    must((addresses->items[i].port != 0) == has_port);
    CHECK_TEXT(addresses->items[i].network);
  }
}

static void check_view(const container_view *view) {
  CHECK_TEXT(view->name);
  CHECK_TEXT(view->image);
  CHECK_TEXT(view->command);
  CHECK_TEXT(view->arguments);
  CHECK_TEXT(view->status);
  CHECK_TEXT(view->fault);
  CHECK_TEXT(view->started_at);
  CHECK_TEXT(view->network_of);
  must(view->id[strspn(view->id, "0123456789abcdefABCDEF")] == '\0');
  must((view->id[0] == '\0') == (view->state == CONTAINER_ABSENT));
  must(view->pid >= 0 && view->exit_code >= 0 && view->restart_count >= 0);
  check_addresses(&view->published, 1);
  check_addresses(&view->own, 0);
  check_addresses(&view->listeners, 1);
}

static void check_paths(const container_view *view, container_reach reach) {
  const penstock_config config = {.get_string = no_string, .get_origin = no_string};
  const container_settings settings = {.config = &config, .container = "ppf", .port = 9090, .reach = reach};
  container_paths paths;
  penstock_error error;
  container_paths_find(&paths, view, &settings);
  must(paths.count >= 1 && paths.count <= CONTAINER_PATHS_MAX);
  for (size_t i = 0; i < paths.count; i++) {
    const container_path *path = &paths.items[i];
    penstock_address address;
    must(path->why_not[0] || (path->port != 0 && tcp_parse(path->host, 0, &address) == 0));
    must(tcp_parse(container_paths_bind(path, view), 0, &address) == 0);
  }
  container_paths_report(&paths, view, &settings, "gpu01", &error);
  must(error.what[0] && error.next[0] && error.detail[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static container_view view;
  penstock_error error;
  if (container_view_read(&view, (const char *)data, size, 9090, &error)) {
    must(error.what[0] && view.id[0] == '\0');
  }
  CHECK_TEXT(view.engine);
  CHECK_TEXT(view.engine_at);
  check_view(&view);
  for (int reach = CONTAINER_REACH_AUTO; reach <= CONTAINER_REACH_EXEC; reach++) {
    check_paths(&view, (container_reach)reach);
  }
  return 0;
}
