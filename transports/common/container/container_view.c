/* SPDX-License-Identifier: MIT */
#include "common/container/container_view.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/container/container_inspect.h"
#include "common/script.h"
#include "common/tcp.h"

/* Where engines that run in a virtual machine put their socket on the machine around it. */
static const char *const vm_sockets[] = {
    "/.docker/desktop/", "/.docker/run/", "/.colima/", "/.lima/", "/.rd/", "/podman-machine", NULL,
};

/* --- who listens --------------------------------------------------------------------------------------- */

/* The text of an address of /proc/net/tcp: 32-bit words, each with its lowest byte first. */
static int read_proc_host(const char *hex, size_t length, char *host, size_t size) {
  static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
  penstock_address address = {.struct_size = sizeof(address), .family = length == 8 ? 4 : 6};
  for (size_t i = 0; i < length / 2; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
    address.bytes[(i & ~(size_t)3) + 3 - (i & 3)] = (uint8_t)strtoul(pair, NULL, 16);
  }
  if (address.family == 6 && memcmp(address.bytes, mapped, sizeof(mapped)) == 0) {
    memmove(address.bytes, address.bytes + sizeof(mapped), 4);
    address.family = 4;
  }
  tcp_format(&address, host, size);
  return host[0] != '\0';
}

/* The next word of a line, and its length. */
static const char *next_word(const char **at, const char *end, size_t *length) {
  while (*at < end && isspace((unsigned char)**at)) {
    (*at)++;
  }
  const char *word = *at;
  while (*at < end && !isspace((unsigned char)**at)) {
    (*at)++;
  }
  *length = (size_t)(*at - word);
  return word;
}

static int is_hex(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (!isxdigit((unsigned char)text[i])) {
      return 0;
    }
  }
  return 1;
}

/* `local` is ADDRESS:PORT. */
static void add_listener(container_view *view, const char *local, size_t length, size_t hex_length, uint16_t port) {
  char host[ADDRESS_HOST_SIZE];
  char number[5];
  if (length != hex_length + 5 || local[hex_length] != ':' || !is_hex(local, hex_length) ||
      !is_hex(local + hex_length + 1, 4)) {
    return;
  }
  memcpy(number, local + hex_length + 1, 4);
  number[4] = '\0';
  if (strtoul(number, NULL, 16) == port && read_proc_host(local, hex_length, host, sizeof(host)) &&
      strcmp(host, "127.0.0.11") != 0) { /* the engine's own name server, which takes any port */
    (void)container_addresses_add(&view->listeners, host, port, NULL);
  }
}

/* "  0: 0100007F:2382 00000000:0000 0A …": number, local address, remote address, state (0A: listens). */
static void read_socket(container_view *view, const char *line, const char *end, size_t hex_length, uint16_t port) {
  size_t lengths[4] = {0};
  const char *words[4] = {0};
  for (size_t i = 0; i < 4; i++) {
    words[i] = next_word(&line, end, &lengths[i]);
  }
  if (lengths[0] > 1 && words[0][lengths[0] - 1] == ':' && lengths[3] == 2 && memcmp(words[3], "0A", 2) == 0) {
    add_listener(view, words[1], lengths[1], hex_length, port);
  }
}

static void read_sockets(container_view *view, const char *output, size_t size, uint16_t port) {
  for (const char *line = output, *stop = output + size; line < stop;) {
    const char *end = memchr(line, '\n', (size_t)(stop - line));
    end = end ? end : stop;
    if (end - line > 4 && memcmp(line, "tcp=", 4) == 0) {
      read_socket(view, line + 4, end, 8, port);
    } else if (end - line > 5 && memcmp(line, "tcp6=", 5) == 0) {
      read_socket(view, line + 5, end, 32, port);
    }
    line = end + 1;
  }
}

/* --- the client and its engine ------------------------------------------------------------------------- */

static void read_text(char *to, size_t to_size, const char *output, size_t size, const char *key) {
  char *value = script_value(output, size, key);
  (void)snprintf(to, to_size, "%s", value ? value : "");
  penstock_utf8_trim(to, to_size);
  to[strcspn(to, "\n\t")] = '\0';
  free(value);
}

static void read_client(container_view *view, const char *output, size_t size) {
  read_text(view->engine, sizeof(view->engine), output, size, "engine");
  read_text(view->engine_version, sizeof(view->engine_version), output, size, "version");
  read_text(view->engine_at, sizeof(view->engine_at), output, size, "at");
  view->is_remote = script_value_number(output, size, "remote") == 1;
  view->is_rootless = strstr(view->engine_at, "/run/user/") != NULL;
  for (size_t i = 0; vm_sockets[i]; i++) {
    view->is_in_vm |= strstr(view->engine_at, vm_sockets[i]) != NULL;
  }
  const char *last = strrchr(view->engine, ' ');
  const char *name = last ? last + 1 : view->engine;
  const char *slash = strrchr(name, '/');
  view->is_podman =
      strncmp(slash ? slash + 1 : name, "podman", 6) == 0 || script_value_number(output, size, "podman") == 1;
}

/* --- all of it ----------------------------------------------------------------------------------------- */

static int fail(const container_view *view, const char *why, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_INTERNAL, "%s was not understood: %s",
                      view->engine[0] ? view->engine : "The engine's client", why);
  penstock_next(error, "See what `%s inspect` prints for the container; set `engine` if that is no client of an engine",
                view->engine[0] ? view->engine : "docker");
  return PENSTOCK_E_INVALID;
}

int container_view_read(container_view *view, const char *output, size_t size, uint16_t port, penstock_error *error) {
  char why[160] = "";
  memset(view, 0, sizeof(*view));
  read_client(view, output, size);
  char *json = script_value(output, size, "container");
  if (!json) {
    return 0;
  }
  int result = container_inspect_read(view, json, strlen(json), port, why);
  free(json);
  json = result == 0 && view->network == CONTAINER_NETWORK_SHARED ? script_value(output, size, "shared") : NULL;
  if (json) {
    result = container_inspect_read_shared(view, json, strlen(json), port, why);
    free(json);
  }
  if (result) {
    view->state = CONTAINER_ABSENT;
    view->id[0] = '\0';
    return fail(view, why, error);
  }
  char *known = script_value(output, size, "listeners");
  view->knows_listeners = known && strcmp(known, "known") == 0;
  free(known);
  if (view->knows_listeners) {
    read_sockets(view, output, size, port);
  }
  return 0;
}

/* --- questions ----------------------------------------------------------------------------------------- */

int container_view_listens_at(const container_view *view, const char *host) {
  for (size_t i = 0; i < view->listeners.count; i++) {
    const char *listener = view->listeners.items[i].host;
    if (strcmp(listener, host) == 0 || strcmp(listener, "::") == 0 ||
        (strcmp(listener, "0.0.0.0") == 0 && !strchr(host, ':'))) {
      return 1;
    }
  }
  return 0;
}

int container_view_listens_outside(const container_view *view, uint16_t family) {
  int is_any = 0;
  for (size_t i = 0; i < view->own.count; i++) {
    const char *host = view->own.items[i].host;
    if ((strchr(host, ':') ? 6 : 4) == family) {
      is_any = 1;
      if (!container_view_listens_at(view, host)) {
        return 0;
      }
    }
  }
  return is_any || container_view_listens_at(view, family == 6 ? "::" : "0.0.0.0");
}

/* The engine's machine itself, and not a network that is set up for the engine? */
static int is_in_machines_network(const container_view *view) {
  return view->network == CONTAINER_NETWORK_HOST && !view->is_in_vm && (!view->is_rootless || view->is_podman);
}

const container_address *container_view_exposed(const container_view *view) {
  const container_addresses *open = is_in_machines_network(view) ? &view->listeners : &view->published;
  const container_address *found = NULL;
  for (size_t i = 0; i < open->count; i++) {
    const container_address *at = &open->items[i];
    if (address_is_wildcard(at->host)) {
      return at;
    }
    found = found || address_is_loopback(at->host) ? found : at;
  }
  return found;
}
