/* SPDX-License-Identifier: MIT */
#include "common/container/container_inspect.h"

#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

#include "common/script.h"
#include "common/tcp.h"

enum {
  JSON_SIZE_MAX = 4 * 1024 * 1024, /* environment and labels are in it */
  ID_SIZE_MIN = 12,
  ID_SIZE_MAX = 64
};

/* --- values of any type ------------------------------------------------------------------------------- */

/* Copies a text, cut to fit and fit to be shown on one line. */
static void copy(char *to, size_t size, const char *text) {
  (void)snprintf(to, size, "%s", text ? text : "");
  penstock_utf8_trim(to, size);
  script_make_printable(to, strlen(to));
  for (char *at = to; *at; at++) {
    if (*at == '\n' || *at == '\t') {
      *at = ' ';
    }
  }
}

static void copy_text(char *to, size_t size, const json_t *object, const char *key) {
  copy(to, size, json_string_value(json_object_get(object, key)));
}

/* A number within [0, max]; 0 if it is none. */
static int64_t number_of(const json_t *object, const char *key, int64_t max) {
  json_int_t number = json_integer_value(json_object_get(object, key));
  return number >= 0 && number <= max ? number : 0;
}

static int is_true(const json_t *object, const char *key) {
  return json_is_true(json_object_get(object, key));
}

/* --- addresses ---------------------------------------------------------------------------------------- */

int container_addresses_add(container_addresses *addresses, const char *host, uint16_t port, const char *network) {
  penstock_address address;
  char text[ADDRESS_HOST_SIZE];
  if (tcp_parse(host, port, &address)) {
    return 0;
  }
  tcp_format(&address, text, sizeof(text));
  for (size_t i = 0; i < addresses->count; i++) {
    if (addresses->items[i].port == port && strcmp(addresses->items[i].host, text) == 0) {
      return 1;
    }
  }
  if (addresses->count == CONTAINER_ADDRESSES_MAX) {
    return 0;
  }
  container_address *added = &addresses->items[addresses->count++];
  (void)snprintf(added->host, sizeof(added->host), "%s", text);
  added->port = port;
  copy(added->network, sizeof(added->network), network);
  return 1;
}

/* The port of a binding: a text, and to some engines a number. 0 if it is none. */
static uint16_t host_port(const json_t *binding) {
  const json_t *value = json_object_get(binding, "HostPort");
  const char *text = json_string_value(value);
  unsigned long number = 0;
  if (json_is_integer(value)) {
    number = (unsigned long)number_of(binding, "HostPort", 65535);
  } else if (text && text[0] && strlen(text) <= 5 && text[strspn(text, "0123456789")] == '\0') {
    number = strtoul(text, NULL, 10);
  }
  return number <= 65535 ? (uint16_t)number : 0;
}

static void read_published(container_view *view, const json_t *settings, uint16_t port) {
  char key[16];
  size_t i = 0;
  const json_t *binding = NULL;
  (void)snprintf(key, sizeof(key), "%u/tcp", (unsigned)port);
  const json_t *bindings = json_object_get(json_object_get(settings, "Ports"), key);
  json_array_foreach(bindings, i, binding) {
    const char *host = json_string_value(json_object_get(binding, "HostIp"));
    uint16_t number = host_port(binding);
    if (number != 0) {
      /* No address: all interfaces. */
      (void)container_addresses_add(&view->published, host && host[0] ? host : "0.0.0.0", number, NULL);
    }
  }
}

static void add_own(container_view *view, const json_t *object, const char *key, const char *network) {
  const char *host = json_string_value(json_object_get(object, key));
  if (host && host[0]) {
    (void)container_addresses_add(&view->own, host, 0, network);
  }
}

static void read_own(container_view *view, const json_t *settings) {
  const char *name = NULL;
  json_t *network = NULL;
  json_t *networks = json_object_get(settings, "Networks");
  json_object_foreach(networks, name, network) {
    add_own(view, network, "IPAddress", name);
    add_own(view, network, "GlobalIPv6Address", name);
  }
  if (view->own.count == 0) {
    add_own(view, settings, "IPAddress", "");
    add_own(view, settings, "GlobalIPv6Address", "");
  }
}

/* An engine of a user's keeps its networks' files in that user's run-time folder. */
static int is_rootless(const json_t *settings) {
  static const char folder[] = "/run/user/";
  const char *key = json_string_value(json_object_get(settings, "SandboxKey"));
  return key && strncmp(key, folder, sizeof(folder) - 1) == 0;
}

/* --- networks ----------------------------------------------------------------------------------------- */

static const char *network_mode(const json_t *container) {
  const char *mode = json_string_value(json_object_get(json_object_get(container, "HostConfig"), "NetworkMode"));
  return mode ? mode : "";
}

/* What does not depend on whose network it is: the kind, the ports and the addresses. */
static void read_network(container_view *view, const json_t *container, uint16_t port) {
  const char *mode = network_mode(container);
  const json_t *settings = json_object_get(container, "NetworkSettings");
  view->network = strcmp(mode, "host") == 0              ? CONTAINER_NETWORK_HOST
                  : strcmp(mode, "none") == 0            ? CONTAINER_NETWORK_NONE
                  : strncmp(mode, "container:", 10) == 0 ? CONTAINER_NETWORK_SHARED
                                                         : CONTAINER_NETWORK_OWN;
  view->published.count = 0;
  view->own.count = 0;
  view->is_rootless |= is_rootless(settings);
  if (view->network == CONTAINER_NETWORK_HOST || view->network == CONTAINER_NETWORK_NONE) {
    return;
  }
  read_published(view, settings, port);
  /* These two give the container an address that only it can use, or that is this machine's. */
  if (strncmp(mode, "slirp4netns", 11) != 0 && strncmp(mode, "pasta", 5) != 0) {
    read_own(view, settings);
  }
}

/* --- the container itself ------------------------------------------------------------------------------ */

static container_state state_of(const char *status) {
  static const struct {
    const char *word;
    container_state state;
  } states[] = {
      {"running", CONTAINER_RUNNING},    {"paused", CONTAINER_PAUSED},       {"restarting", CONTAINER_RESTARTING},
      {"exited", CONTAINER_EXITED},      {"stopped", CONTAINER_EXITED},      {"created", CONTAINER_CREATED},
      {"configured", CONTAINER_CREATED}, {"initialized", CONTAINER_CREATED}, {"removing", CONTAINER_REMOVING},
      {"dead", CONTAINER_DEAD},
  };
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    if (strcasecmp(states[i].word, status) == 0) {
      return states[i].state;
    }
  }
  return CONTAINER_OTHER;
}

static void read_state(container_view *view, const json_t *container) {
  const json_t *state = json_object_get(container, "State");
  copy_text(view->status, sizeof(view->status), state, "Status");
  copy_text(view->fault, sizeof(view->fault), state, "Error");
  copy_text(view->started_at, sizeof(view->started_at), state, "StartedAt");
  view->state = state_of(view->status);
  view->pid =
      view->state == CONTAINER_RUNNING || view->state == CONTAINER_PAUSED ? number_of(state, "Pid", INT32_MAX) : 0;
  view->exit_code = (int)number_of(state, "ExitCode", INT32_MAX);
  view->is_out_of_memory = is_true(state, "OOMKilled");
  view->restart_count = (int)number_of(container, "RestartCount", INT32_MAX);
  view->is_podman |= json_object_get(state, "ConmonPid") != NULL;
}

static void read_command(container_view *view, const json_t *container) {
  char text[sizeof(view->command)];
  size_t i = 0;
  const json_t *argument = NULL;
  const char *path = json_string_value(json_object_get(container, "Path"));
  size_t used = (size_t)snprintf(text, sizeof(text), "%s", path ? path : "");
  json_array_foreach(json_object_get(container, "Args"), i, argument) {
    const char *word = json_string_value(argument);
    if (word && used < sizeof(text)) {
      used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", word);
    }
  }
  copy(view->command, sizeof(view->command), text);
}

/* Adds to a text of which `used` bytes are there, or would be if it were longer. */
PENSTOCK_PRINTF(4, 5)
static size_t append(char *text, size_t size, size_t used, const char *format, ...) {
  va_list arguments;
  if (used >= size) {
    return used;
  }
  va_start(arguments, format);
  int added = vsnprintf(text + used, size - used, format, arguments);
  va_end(arguments);
  return used + (added > 0 ? (size_t)added : 0);
}

/* One word as a shell reads it. */
static size_t append_word(char *text, size_t size, size_t used, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";
  used = append(text, size, used, "%s", used ? " " : "");
  if (word[0] && word[strspn(word, plain)] == '\0') {
    return append(text, size, used, "%s", word);
  }
  used = append(text, size, used, "'");
  for (; *word && used < size; word++) {
    used = *word == '\'' ? append(text, size, used, "'\\''") : append(text, size, used, "%c", *word);
  }
  return append(text, size, used, "'");
}

/* What was asked for, where `command` is what an entrypoint of the image has made of it. */
static void read_arguments(container_view *view, const json_t *config) {
  char text[sizeof(view->arguments)] = "";
  size_t used = 0;
  size_t i = 0;
  const json_t *argument = NULL;
  json_array_foreach(json_object_get(config, "Cmd"), i, argument) {
    const char *word = json_string_value(argument);
    used = append_word(text, sizeof(text), used, word ? word : "");
  }
  copy(view->arguments, sizeof(view->arguments), used < sizeof(text) ? text : "");
}

/* docker lists what it asks the engine for; podman keeps the words of the `run`. */
static int has_gpus(const json_t *container) {
  size_t i = 0;
  size_t n = 0;
  const json_t *request = NULL;
  const json_t *either = NULL;
  json_array_foreach(json_object_get(json_object_get(container, "HostConfig"), "DeviceRequests"), i, request) {
    json_array_foreach(json_object_get(request, "Capabilities"), n, either) {
      const char *first = json_string_value(json_array_get(either, 0));
      if (first && strcmp(first, "gpu") == 0) {
        return 1;
      }
    }
  }
  json_array_foreach(json_object_get(json_object_get(container, "Config"), "CreateCommand"), i, request) {
    const char *word = json_string_value(request);
    if (word && strstr(word, "nvidia.com/gpu")) {
      return 1;
    }
  }
  return 0;
}

static void read_making(container_view *view, const json_t *container) {
  read_arguments(view, json_object_get(container, "Config"));
  view->has_init = is_true(json_object_get(container, "HostConfig"), "Init");
  view->has_gpus = has_gpus(container);
}

static void read_image(container_view *view, const json_t *container) {
  copy_text(view->image, sizeof(view->image), json_object_get(container, "Config"), "Image");
  if (view->image[0] == '\0') {
    copy_text(view->image, sizeof(view->image), container, "ImageName");
  }
  if (view->image[0] == '\0') {
    copy_text(view->image, sizeof(view->image), container, "Image");
  }
}

static int read_id(container_view *view, const json_t *container) {
  const char *id = json_string_value(json_object_get(container, "Id"));
  size_t length = id ? strlen(id) : 0;
  if (length < ID_SIZE_MIN || length > ID_SIZE_MAX || id[strspn(id, "0123456789abcdefABCDEF")] != '\0') {
    return PENSTOCK_E_INVALID;
  }
  memcpy(view->id, id, length + 1);
  return 0;
}

static void read_name(char *to, size_t size, const json_t *container) {
  const char *name = json_string_value(json_object_get(container, "Name"));
  copy(to, size, name && name[0] == '/' ? name + 1 : name);
}

/* --- the answer ---------------------------------------------------------------------------------------- */

/* The one object that an answer holds; to json_decref(). NULL with `why` if that is not what it is. */
static json_t *parse(const char *text, size_t size, char why[160]) {
  json_error_t error;
  if (size > JSON_SIZE_MAX) {
    (void)snprintf(why, 160, "its answer has more than %d MiB", JSON_SIZE_MAX / 1024 / 1024);
    return NULL;
  }
  /* jansson itself limits the depth. */
  json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (!root) {
    char problem[100];
    copy(problem, sizeof(problem), error.text);
    (void)snprintf(why, 160, "its answer is no JSON: %s", problem);
    return NULL;
  }
  json_t *found = json_is_array(root) && json_array_size(root) == 1 ? json_array_get(root, 0) : root;
  if (!json_is_object(found) || !json_is_object(json_object_get(found, "State")) ||
      !json_is_object(json_object_get(found, "NetworkSettings"))) {
    (void)snprintf(why, 160, "its answer describes no container");
    json_decref(root);
    return NULL;
  }
  json_incref(found);
  json_decref(root);
  return found;
}

int container_inspect_read(container_view *view, const char *json, size_t size, uint16_t port, char why[160]) {
  json_t *container = parse(json, size, why);
  if (!container) {
    return PENSTOCK_E_INVALID;
  }
  int result = read_id(view, container);
  if (result == 0) {
    read_state(view, container);
    read_name(view->name, sizeof(view->name), container);
    read_image(view, container);
    read_command(view, container);
    read_making(view, container);
    read_network(view, container, port);
    if (view->network == CONTAINER_NETWORK_SHARED) {
      copy(view->network_of, sizeof(view->network_of), network_mode(container) + strlen("container:"));
    }
  } else {
    (void)snprintf(why, 160, "its answer has no id that is one");
  }
  json_decref(container);
  return result;
}

int container_inspect_read_shared(container_view *view, const char *json, size_t size, uint16_t port, char why[160]) {
  json_t *container = parse(json, size, why);
  if (!container) {
    return PENSTOCK_E_INVALID;
  }
  char name[sizeof(view->network_of)];
  read_name(name, sizeof(name), container);
  if (name[0]) {
    (void)snprintf(view->network_of, sizeof(view->network_of), "%s", name);
  }
  read_network(view, container, port);
  if (view->network == CONTAINER_NETWORK_OWN) {
    view->network = CONTAINER_NETWORK_SHARED;
  }
  json_decref(container);
  return 0;
}
