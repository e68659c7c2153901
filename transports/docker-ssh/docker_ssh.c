/* SPDX-License-Identifier: MIT */
/* The transport `docker-ssh`: a solver in a container on a machine that is reached over SSH. */
#include "common/container/container_carrier.h"
#include "common/container/container_runtime.h"
#include "common/container/container_way.h"
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_transport.h"

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, CONTAINER_OPTIONS, PROCESS_RUNTIME_OPTIONS};

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
  target machine = {.config = config};
  *out = NULL;
  if (ssh_profile_request(&machine.request, config, NULL, error)) {
    return PENSTOCK_E_FAILED;
  }
  penstock_instance *instance =
      instance_create(host, container_carrier_create(host, config, make_below, &machine, error), error);
  ssh_request_clear(&machine.request); /* if it did not come to that */
  return instance_finish(instance, instance ? container_runtime_create(instance->carrier, config, error) : NULL, out);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  const void *way = container_way_extension(instance, name);
  return way ? way : ssh_transport_extension(instance, name);
}

static const penstock_transport docker_ssh = {
    .struct_size = (uint32_t)sizeof(docker_ssh),
    .name = "docker-ssh",
    .summary = "A solver in a container on another machine, over SSH",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&docker_ssh};
PENSTOCK_PLUGIN("docker-ssh", PENSTOCK_VERSION, "MIT", transports);
