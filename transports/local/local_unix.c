/* SPDX-License-Identifier: MIT */
/* The transport `local`: a solver on this machine, as a plain process. */
#include "common/carrier_local.h"
#include "common/instance.h"
#include "common/own_port.h"
#include "common/process_runtime.h"

/* The gateway's own port is 9090 unless the profile says otherwise, so the solver's is another one here. */
static const penstock_option options[] = {PROCESS_RUNTIME_OPTIONS_AT("127.0.0.1:19090")};

static int32_t local_create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                            penstock_error *error) {
  *out = NULL;
  if (own_port_refuse(config, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  penstock_instance *instance = instance_create(host, carrier_local_create(host, NULL, error), error);
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
