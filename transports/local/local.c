/* SPDX-License-Identifier: MIT */
/* The transport `local`: a solver on this machine, as a plain process. */
#include "common/address.h"
#include "common/carrier_local.h"
#include "common/instance.h"
#include "common/process_runtime.h"

/* The gateway's own port is 9090 unless the profile says otherwise, so the solver's is another one here. */
static const penstock_option options[] = {PROCESS_RUNTIME_OPTIONS_AT("127.0.0.1:19090")};

/* " (penstock.ini:12)", or nothing for a default. */
static const char *place(const penstock_config *config, const char *key, char text[300]) {
  const char *origin = config->get_origin(config, key);
  text[0] = '\0';
  if (origin) {
    (void)snprintf(text, 300, " (%.290s)", origin);
  }
  return text;
}

/* A gateway whose endpoint is its own port would talk to itself for ever. */
static int32_t refuse_own_port(const penstock_config *config, penstock_error *error) {
  const char *endpoint = config->get_string(config, "endpoint");
  const char *listener = config->get_string(config, "listen");
  char endpoint_place[300];
  char listener_place[300];
  if (!listener || !address_reaches(endpoint, listener)) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "`endpoint` %s%s is the gateway's own port, `listen` %s%s", endpoint,
                      place(config, "endpoint", endpoint_place), listener, place(config, "listen", listener_place));
  penstock_next(error, "Give one of them another port, such as `endpoint = 127.0.0.1:%d` for the solver",
                address_reaches(endpoint, "127.0.0.1:19090") ? 19091 : 19090);
  return PENSTOCK_E_FAILED;
}

static int32_t local_create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                            penstock_error *error) {
  *out = NULL;
  if (refuse_own_port(config, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  penstock_instance *instance = instance_create(host, carrier_local_create(host, error), error);
  return instance_finish(instance, instance ? process_runtime_create(instance->carrier, config, error) : NULL, out);
}

static const penstock_transport local_transport = {
    .struct_size = sizeof(penstock_transport),
    .name = "local",
    .summary = "A solver on this machine, launched as a plain process",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .create = local_create,
    INSTANCE_SLOTS,
    .get_extension = instance_extension,
};

static const penstock_transport *const transports[] = {&local_transport};
PENSTOCK_PLUGIN("local", PENSTOCK_VERSION, "MIT", transports);
