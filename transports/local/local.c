/* SPDX-License-Identifier: MIT */
/* The transport `local`: a solver on this machine, as a plain process. */
#include <stdlib.h>

#include "common/address.h"
#include "common/carrier_local.h"
#include "common/process_runtime.h"

/* The gateway's own port is 9090 unless the profile says otherwise, so the solver's is another one here. */
static const penstock_option options[] = {PROCESS_RUNTIME_OPTIONS_AT("127.0.0.1:19090")};

struct penstock_instance {
  const penstock_host *host;
  const penstock_config *config;
  carrier *carrier;
  process_runtime *runtime;
};

static void local_destroy(penstock_instance *instance) {
  if (instance) {
    process_runtime_destroy(instance->runtime);
    carrier_local_destroy(instance->carrier);
    free(instance);
  }
}

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
  penstock_next(error, "Give one of them another port, such as `endpoint = 127.0.0.1:19090` for the solver");
  return PENSTOCK_E_FAILED;
}

static int32_t local_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                            penstock_error *error) {
  *instance = NULL;
  if (refuse_own_port(config, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  penstock_instance *self = calloc(1, sizeof(*self));
  if (!self) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  }
  self->host = host;
  self->config = config;
  self->carrier = carrier_local_create(host);
  if (!self->carrier) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    local_destroy(self);
    return PENSTOCK_E_NOMEM;
  }
  self->runtime = process_runtime_create(self->carrier, config, error);
  if (!self->runtime) {
    local_destroy(self);
    return PENSTOCK_E_FAILED;
  }
  *instance = self;
  return PENSTOCK_OK;
}

/* There is no link to make. */
static void local_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  instance->host->op_done(instance->host, op, NULL);
}

static void local_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_validate(instance->runtime, op, deadline_ms);
}

static void local_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_launch(instance->runtime, op, deadline_ms);
}

static void local_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_ready(instance->runtime, op, deadline_ms);
}

static void local_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_stop(instance->runtime, op, deadline_ms);
}

static void local_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_identify(instance->runtime, op, deadline_ms);
}

static void local_cancel(penstock_instance *instance, penstock_op *op) {
  process_runtime_cancel(instance->runtime, op);
}

static void local_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  instance->carrier->ops->open(instance->carrier, open, process_runtime_endpoint_host(instance->runtime),
                               process_runtime_endpoint_port(instance->runtime), deadline_ms);
}

static void local_cancel_open(penstock_instance *instance, penstock_open *open) {
  instance->carrier->ops->open_cancel(instance->carrier, open);
}

static const penstock_transport local_transport = {
    .struct_size = sizeof(penstock_transport),
    .name = "local",
    .summary = "A solver on this machine, launched as a plain process",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .create = local_create,
    .destroy = local_destroy,
    .connect = local_connect,
    .validate = local_validate,
    .launch = local_launch,
    .ready = local_ready,
    .stop = local_stop,
    .identify = local_identify,
    .cancel = local_cancel,
    .open_stream = local_open_stream,
    .cancel_open = local_cancel_open,
};

static const penstock_transport *const transports[] = {&local_transport};
PENSTOCK_PLUGIN("local", PENSTOCK_VERSION, "MIT", transports);
