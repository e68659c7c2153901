/* SPDX-License-Identifier: MIT */
/* The transport `ssh`: the solver as a plain process on a machine that is reached over SSH. */
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_transport.h"

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  ssh_request request = {0};
  *out = NULL;
  if (ssh_profile_request(&request, config, NULL, error)) {
    return PENSTOCK_E_FAILED;
  }
  penstock_instance *instance = instance_create(host, ssh_transport_carrier(host, config, &request, error), error);
  return instance_finish(instance, instance ? process_runtime_create(instance->carrier, config, error) : NULL, out);
}

static const penstock_transport ssh = {
    .struct_size = (uint32_t)sizeof(ssh),
    .name = "ssh",
    .summary = "The solver on another machine, over SSH",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = ssh_transport_extension,
};

static const penstock_transport *const transports[] = {&ssh};
PENSTOCK_PLUGIN("ssh", PENSTOCK_VERSION, "MIT", transports);
