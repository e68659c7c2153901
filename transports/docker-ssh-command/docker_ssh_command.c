/* SPDX-License-Identifier: MIT */
/* The transport `docker-ssh-command`: as `docker-ssh`, for the host and the settings of a pasted `ssh …` line. */
#include "common/container/container_carrier.h"
#include "common/container/container_runtime.h"
#include "common/container/container_way.h"
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/line/ssh_pasted.h"
#include "common/ssh/ssh_transport.h"

static const penstock_option options[] = {SSH_PASTED_OPTION, SSH_OPTIONS, CONTAINER_OPTIONS, PROCESS_RUNTIME_OPTIONS};

typedef struct target {
  const penstock_config *config;
  ssh_request request;
} target;

static carrier *make_below(const penstock_host *host, void *context, penstock_error *error) {
  target *machine = context;
  return ssh_transport_carrier(host, machine->config, &machine->request, error);
}

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  target machine = {0};
  *out = NULL;
  ssh_pasted *pasted = ssh_pasted_create(host, config, &machine.request, error);
  if (!pasted) {
    return PENSTOCK_E_FAILED;
  }
  machine.config = config = ssh_pasted_config(pasted);
  penstock_instance *instance =
      instance_create(host, container_carrier_create(host, config, make_below, &machine, error), error);
  ssh_request_clear(&machine.request); /* if it did not come to that */
  if (!instance) {
    ssh_pasted_destroy(pasted);
    return PENSTOCK_E_FAILED;
  }
  instance->own = pasted;
  instance->free_own = ssh_pasted_destroy;
  return instance_finish(instance, container_runtime_create(instance->carrier, config, error), out);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  const void *way = container_way_extension(instance, name);
  return way ? way : ssh_pasted_extension(instance, name);
}

static const penstock_transport docker_ssh_command = {
    .struct_size = (uint32_t)sizeof(docker_ssh_command),
    .name = "docker-ssh-command",
    .summary = "A solver in a container on another machine, over SSH, as a pasted ssh command reaches it",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&docker_ssh_command};
PENSTOCK_PLUGIN("docker-ssh-command", PENSTOCK_VERSION, "MIT", transports);
