/* SPDX-License-Identifier: MIT */
/* The transport `docker`: a solver in a container of an engine that this machine's client talks to. */
#include "common/carrier_local.h"
#include "common/container/container_carrier.h"
#include "common/container/container_runtime.h"
#include "common/container/container_way.h"
#include "common/instance.h"
#include "common/process_runtime.h"

static const penstock_option options[] = {CONTAINER_OPTIONS, LOCAL_SHELL_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static carrier *make_below(const penstock_host *host, void *context, penstock_error *error) {
  return carrier_local_create(host, context, error);
}

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  *out = NULL;
  penstock_instance *instance = instance_create(
      host, container_carrier_create(host, config, make_below, (void *)(uintptr_t)config, error), error);
  return instance_finish(instance, instance ? container_runtime_create(instance->carrier, config, error) : NULL, out);
}

static const penstock_transport docker = {
    .struct_size = (uint32_t)sizeof(docker),
    .name = "docker",
    .summary = "A solver in a container of this machine's Docker or Podman",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = container_way_extension,
};

static const penstock_transport *const transports[] = {&docker};
PENSTOCK_PLUGIN("docker", PENSTOCK_VERSION, "MIT", transports);
