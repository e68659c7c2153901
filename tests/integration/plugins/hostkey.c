/* SPDX-License-Identifier: MIT */
/* A transport for the tests of `penstock trust`: its host shows whatever key the profile says. */
#include <penstock/sdk.h>
#include <stdlib.h>

struct penstock_instance {
  const penstock_host *host;
  const penstock_config *config;
  penstock_hostkey key;
};

static void copy(const penstock_config *config, const char *key, char *out, size_t size) {
  const char *text = config->get_string(config, key);
  (void)snprintf(out, size, "%s", text ? text : "");
}

static int32_t fetch(penstock_instance *self, uint64_t deadline_ms, penstock_hostkey *key, penstock_error *error) {
  const char *state = self->config->get_string(self->config, "state");
  (void)deadline_ms;
  if (strcmp(state, "away") == 0) {
    penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "nobody is there");
    penstock_next(error, "come again");
    return PENSTOCK_E_FAILED;
  }
  self->key.struct_size = sizeof(self->key);
  self->key.state = strcmp(state, "known") == 0     ? PENSTOCK_HOSTKEY_KNOWN
                    : strcmp(state, "changed") == 0 ? PENSTOCK_HOSTKEY_CHANGED
                                                    : PENSTOCK_HOSTKEY_UNKNOWN;
  copy(self->config, "host", self->key.host, sizeof(self->key.host));
  copy(self->config, "fingerprint", self->key.fingerprint, sizeof(self->key.fingerprint));
  copy(self->config, "file", self->key.file, sizeof(self->key.file));
  (void)snprintf(self->key.type, sizeof(self->key.type), "ssh-ed25519");
  (void)snprintf(self->key.known, sizeof(self->key.known), "SHA256:older");
  (void)snprintf(self->key.art, sizeof(self->key.art), "+--[ART]--+\n| \033[2J |\n+---------+\n");
  *key = self->key;
  return PENSTOCK_OK;
}

static int32_t accept(penstock_instance *self, penstock_error *error) {
  FILE *file = fopen(self->key.file, "a");
  if (!file || self->key.state == PENSTOCK_HOSTKEY_CHANGED) {
    return penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG, "cannot write %s", self->key.file);
  }
  (void)fprintf(file, "%s %s\n", self->key.host, self->key.fingerprint);
  return fclose(file) == 0 ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

static const penstock_hostkey_ext hostkey = {sizeof(hostkey), 0, fetch, accept};

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                      penstock_error *error) {
  *instance = calloc(1, sizeof(**instance));
  if (!*instance) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  (*instance)->host = host;
  (*instance)->config = config;
  return PENSTOCK_OK;
}

static void destroy(penstock_instance *instance) {
  free(instance);
}

static void connect_link(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  instance->host->op_done(instance->host, op, NULL);
}

static void cancel(penstock_instance *instance, penstock_op *op) {
  (void)instance;
  (void)op;
}

static void open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  penstock_error error;
  (void)deadline_ms;
  penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "there is no endpoint");
  instance->host->open_failed(instance->host, open, &error);
}

static void cancel_open(penstock_instance *instance, penstock_open *open) {
  (void)instance;
  (void)open;
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  (void)instance;
  return strcmp(name, PENSTOCK_EXT_HOSTKEY) == 0 ? &hostkey : NULL;
}

static const char *const states[] = {"unknown", "known", "changed", "away", NULL};
#define TEXT(key, otherwise, help)                                                                                     \
  { sizeof(penstock_option), PENSTOCK_OPTION_STRING, 0, 0, key, otherwise, help, 0, 0, NULL }
static const penstock_option options[] = {
    {sizeof(penstock_option), PENSTOCK_OPTION_CHOICE, 0, 0, "state", "unknown", "How the key stands", 0, 0, states},
    TEXT("host", "gpu01", "Name of the host"),
    TEXT("fingerprint", "SHA256:newer", "Of the key that it shows"),
    TEXT("file", NULL, "known_hosts file"),
};

static const penstock_transport transport = {
    .struct_size = sizeof(penstock_transport),
    .name = "hostkey",
    .summary = "Shows a host key",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .create = create,
    .destroy = destroy,
    .connect = connect_link,
    .cancel = cancel,
    .open_stream = open_stream,
    .cancel_open = cancel_open,
    .get_extension = get_extension,
};
static const penstock_transport *const transports[] = {&transport};
PENSTOCK_PLUGIN("hostkey", "1", "MIT", transports);
