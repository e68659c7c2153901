/* SPDX-License-Identifier: MIT */
#include "cli/gateways.h"

#include <stdlib.h>

#include <uv.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/value.h"

/* A gateway answers within a turn of its loop, or a third of a second with its lanes; longer if many crowd there. */
#define PATIENCE_MS 5000
/* One that was crowded out tries again after so long. */
#define PAUSE_MS 100

static const char *greeted(const ps_gateway_found *gateway, const char *key) {
  return json_string_value(json_object_get(json_object_get(gateway->client.greeting, "gateway"), key));
}

const char *ps_gateway_name(const ps_gateway_found *gateway) {
  const char *profile = greeted(gateway, "profile");
  return profile ? profile : gateway->label;
}

const char *ps_gateway_listens(const ps_gateway_found *gateway) {
  return greeted(gateway, "listen");
}

/* By what it says itself: the file has the name of the first profile, and only what a file's name can have. */
void ps_gateway_relabel(ps_gateway_found *gateway, const json_t *status) {
  const char *profile = json_string_value(json_object_get(status, "profile"));
  const char *listen = json_string_value(json_object_get(status, "listen"));
  const char *port = listen ? strrchr(listen, ':') : NULL;
  if (profile && port) {
    (void)snprintf(gateway->label, sizeof(gateway->label), "%s@%s", profile, port + 1);
  }
}

int ps_gateway_is_called(const ps_gateway_found *gateway, const char *name) {
  const char *at = strrchr(gateway->label, '@');
  size_t size = at ? (size_t)(at - gateway->label) : strlen(gateway->label);
  return strcmp(name, gateway->label) == 0 || (strlen(name) == size && strncmp(name, gateway->label, size) == 0);
}

static int left_ms(uint64_t end_ns) {
  uint64_t now_ns = uv_hrtime();
  return now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000) : 0;
}

/* Connects, again and again if it is crowded out. */
static int open_client(ps_gateway_found *one, uint64_t end_ns, penstock_error *error) {
  int code = ps_control_client_open(&one->client, one->path, left_ms(end_ns), error);
  while (
      (code == PENSTOCK_E_CANCELLED || (code == PENSTOCK_E_FAILED && error->error_class == PENSTOCK_CLASS_TRANSIENT)) &&
      left_ms(end_ns) > PAUSE_MS) {
    ps_control_client_close(&one->client);
    uv_sleep(PAUSE_MS);
    code = ps_control_client_open(&one->client, one->path, left_ms(end_ns), error);
  }
  return code;
}

int ps_gateway_open(ps_gateway_found *one, const char *path, int timeout_ms) {
  memset(one, 0, sizeof(*one));
  (void)snprintf(one->path, sizeof(one->path), "%s", path);
  ps_control_label(one->label, sizeof(one->label), path);
  int code = open_client(one, uv_hrtime() + (uint64_t)timeout_ms * UINT64_C(1000000), &one->error);
  one->silent = code != PENSTOCK_OK;
  ps_gateway_relabel(one, json_object_get(one->client.greeting, "gateway"));
  return code;
}

static void add(void *context, const char *path) {
  ps_gateways *found = context;
  ps_gateway_found *items = realloc(found->items, (found->count + 1) * sizeof(*items));
  if (!items) {
    return;
  }
  found->items = items;
  ps_gateway_found *one = &items[found->count];
  if (ps_gateway_open(one, path, PATIENCE_MS) == PENSTOCK_E_NOT_FOUND) {
    ps_control_client_close(&one->client); /* what a gateway left that was killed */
    return;
  }
  found->count++;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const ps_gateway_found *)a)->label, ((const ps_gateway_found *)b)->label);
}

/* "lab@9090, …" of those that there are. */
static void list(const ps_gateways *found, ps_text *text) {
  for (size_t i = 0; i < found->count; i++) {
    ps_text_addf(text, "%s%s", i ? ", " : "", found->items[i].label);
  }
}

/* Of a name, without the port of PROFILE@PORT. */
static size_t profile_size(const char *name) {
  const char *at = strrchr(name, '@');
  return at && at[1] && !at[1 + strspn(at + 1, "0123456789")] ? (size_t)(at - name) : strlen(name);
}

/* `shut`: why a folder was not looked into, if `what` is there. Then nobody knows whether a gateway runs. */
static int none(const ps_gateways *all, const char *name, const penstock_error *shut, penstock_error *error) {
  ps_text names = {0};
  list(all, &names);
  if (shut->what[0]) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "%s%s%s", shut->what,
                        names.data ? "; elsewhere there is " : "", names.data ? names.data : "");
    penstock_next(error, "%s; a gateway that could make no socket there, as its log says, is to be started anew",
                  shut->next);
  } else if (!name) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT,
                        "no gateway of yours runs on this machine");
    penstock_next(error, "start one: penstock up -d PROFILE");
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT,
                        "no gateway runs with the profile '%s'%s%s", name, names.data ? "; there is " : "",
                        names.data ? names.data : "");
    penstock_next(error, "start it: penstock up -d %.*s", (int)profile_size(name), name);
  }
  free(names.data);
  return PENSTOCK_E_NOT_FOUND;
}

static void count_one(void *context, const char *path) {
  (void)path;
  ++*(size_t *)context;
}

int ps_gateways_are_hidden(penstock_error *error) {
  const ps_gateways nothing = {0};
  penstock_error shut;
  size_t count = 0;
  ps_control_each(count_one, &count, &shut);
  if (count == 0 && shut.what[0]) {
    (void)none(&nothing, NULL, &shut, error);
  }
  return count == 0 && shut.what[0];
}

int ps_gateways_find(ps_gateways *found, const char *name, penstock_error *error) {
  penstock_error shut;
  memset(found, 0, sizeof(*found));
  ps_control_each(add, found, &shut);
  if (found->count > 1) {
    qsort(found->items, found->count, sizeof(found->items[0]), by_name);
  }
  size_t kept = 0;
  for (size_t i = 0; i < found->count && name; i++) {
    kept += ps_gateway_is_called(&found->items[i], name) ? 1 : 0;
  }
  if (found->count == 0 || (name && kept == 0)) {
    return none(found, name, &shut, error);
  }
  size_t at = 0;
  for (size_t i = 0; i < found->count && name; i++) {
    if (ps_gateway_is_called(&found->items[i], name)) {
      ps_gateway_found one = found->items[i];
      found->items[i] = found->items[at];
      found->items[at++] = one;
    }
  }
  for (size_t i = at; i < found->count && name; i++) {
    ps_control_client_close(&found->items[i].client);
  }
  found->others = name ? found->count - kept : 0;
  found->count = name ? kept : found->count;
  return PENSTOCK_OK;
}

int ps_gateways_find_one(ps_gateways *found, const char *name, penstock_error *error) {
  ps_text names = {0};
  int code = ps_gateways_find(found, name, error);
  if (code == PENSTOCK_OK && found->count > 1) {
    list(found, &names);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "which gateway? There is %s",
                        names.data ? names.data : "more than one");
    penstock_next(error, "name one of them, as '%s'", found->items[0].label);
    free(names.data);
    return PENSTOCK_E_INVALID;
  }
  if (code == PENSTOCK_OK && found->items[0].silent) {
    *error = found->items[0].error;
    return PENSTOCK_E_FAILED;
  }
  return code;
}

void ps_gateways_free(ps_gateways *found) {
  for (size_t i = 0; i < found->count; i++) {
    ps_control_client_close(&found->items[i].client);
  }
  free(found->items);
  memset(found, 0, sizeof(*found));
}

static int has(const ps_gateways *found, const ps_gateway_found *one) {
  for (size_t i = 0; i < found->count; i++) {
    if (strcmp(found->items[i].path, one->path) == 0) {
      return 1;
    }
  }
  return 0;
}

int ps_gateways_merge(ps_gateways *found, ps_gateways *from) {
  size_t left = 0;
  ps_gateway_found *items = realloc(found->items, (found->count + from->count) * sizeof(*items));
  if (!items && from->count > 0) {
    return PENSTOCK_E_NOMEM;
  }
  found->items = items;
  for (size_t i = 0; i < from->count; i++) {
    if (has(found, &from->items[i])) {
      from->items[left++] = from->items[i];
    } else {
      items[found->count++] = from->items[i];
    }
  }
  from->count = left;
  return PENSTOCK_OK;
}

int ps_gateway_ask(ps_gateway_found *gateway, const char *request, json_t *fields, json_t **result,
                   penstock_error *error) {
  uint64_t end_ns = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
  int code = ps_control_client_ask(&gateway->client, request, json_incref(fields), left_ms(end_ns), result, error);
  while (code != PENSTOCK_OK && code != PENSTOCK_E_TIMEOUT && error->error_class == PENSTOCK_CLASS_TRANSIENT &&
         left_ms(end_ns) > PAUSE_MS) {
    ps_control_client_close(&gateway->client);
    uv_sleep(PAUSE_MS);
    code = open_client(gateway, end_ns, error);
    if (code == PENSTOCK_OK) {
      code = ps_control_client_ask(&gateway->client, request, json_incref(fields), left_ms(end_ns), result, error);
    }
  }
  json_decref(fields);
  return code;
}

int ps_gateway_reopen(ps_gateway_found *gateway, penstock_error *error) {
  ps_control_client_close(&gateway->client);
  return open_client(gateway, uv_hrtime() + PATIENCE_MS * UINT64_C(1000000), error);
}

int ps_gateway_wait_for_end(ps_gateway_found *gateway, int timeout_ms) {
  uint64_t end_ns = uv_hrtime() + (uint64_t)timeout_ms * UINT64_C(1000000);
  uint32_t pid = gateway->client.pid;
  penstock_error error;
  int code = ps_control_client_wait(&gateway->client, left_ms(end_ns));
  while (code == PENSTOCK_OK) {
    /* It has closed this connection: because it ends, or because others crowd there? */
    ps_control_client_close(&gateway->client);
    code = open_client(gateway, end_ns, &error);
    uint32_t now = gateway->client.pid;
    if (code == PENSTOCK_E_NOT_FOUND || (now != pid && now != 0 && pid != 0)) { /* another one may have its place */
      return PENSTOCK_OK;
    }
    code = code == PENSTOCK_OK ? ps_control_client_wait(&gateway->client, left_ms(end_ns)) : PENSTOCK_E_TIMEOUT;
  }
  return code;
}

void ps_gateway_address(char *address, size_t size, const char *listen) {
  const char *port = strrchr(listen, ':');
  int is_all = strncmp(listen, "0.0.0.0:", 8) == 0;
  int is_all_6 = strncmp(listen, "[::]:", 5) == 0;
  (void)snprintf(address, size, "%s%s",
                 is_all     ? "127.0.0.1"
                 : is_all_6 ? "[::1]"
                            : listen,
                 port && (is_all || is_all_6) ? port : "");
}

int ps_gateway_exit_code(const penstock_error *error, int code) {
  return code == PENSTOCK_E_INVALID ? (int)PS_EXIT_USAGE : (int)ps_cli_exit_code(error);
}

int ps_gateway_read_drain(const char *command, const char *text, json_t **fields) {
  int64_t ms = 0;
  ps_text fault = {0};
  int exit_code = PS_EXIT_OK;
  *fields = NULL;
  if (text && (ps_duration_parse(text, &ms, &fault) != 0 || ms < 0 || ms > 3600000)) {
    exit_code = ps_cli_usage(command, "--drain '%s' is no duration: write 1500ms, 2s or 1m, at most an hour", text);
  } else if (text) {
    *fields = json_pack("{s:I}", "drain_ms", (json_int_t)ms);
  }
  free(fault.data);
  return exit_code;
}
