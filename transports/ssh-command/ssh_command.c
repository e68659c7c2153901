/* SPDX-License-Identifier: MIT */
/* The transport `ssh-command`: as `ssh`, for the host and the settings of a pasted `ssh …` line. */
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/line/ssh_pasted.h"
#include "common/ssh/ssh_transport.h"

static const penstock_option options[] = {SSH_PASTED_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  ssh_request request = {0};
  *out = NULL;
  ssh_pasted *pasted = ssh_pasted_create(host, config, &request, error);
  if (!pasted) {
    return PENSTOCK_E_FAILED;
  }
  config = ssh_pasted_config(pasted);
  penstock_instance *instance = instance_create(host, ssh_transport_carrier(host, config, &request, error), error);
  if (!instance) {
    ssh_pasted_destroy(pasted);
    return PENSTOCK_E_FAILED;
  }
  instance->own = pasted;
  instance->free_own = ssh_pasted_destroy;
  return instance_finish(instance, process_runtime_create(instance->carrier, config, error), out);
}

static const penstock_transport ssh_command = {
    .struct_size = (uint32_t)sizeof(ssh_command),
    .name = "ssh-command",
    .summary = "The solver on another machine, over SSH, as a pasted ssh command reaches it",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = ssh_pasted_extension,
};

static const penstock_transport *const transports[] = {&ssh_command};
PENSTOCK_PLUGIN("ssh-command", PENSTOCK_VERSION, "MIT", transports);
