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

/* Nothing of the settings needs looking up but the shell of this machine, where there is more than one that it may be.
 */
static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  const char *shell = instance->carrier->below->shell;
  (void)deadline_ms;
  (void)error;
  if (shell) {
    sink->found(sink->context, "shell", shell);
  }
  return PENSTOCK_OK;
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  static const penstock_check_ext checking = {.struct_size = (uint32_t)sizeof(checking), .check = check};
  return strcmp(name, PENSTOCK_EXT_CHECK) == 0 ? &checking : container_way_extension(instance, name);
}

static const penstock_transport docker = {
    .struct_size = (uint32_t)sizeof(docker),
    .name = "docker",
    .summary = "A solver in a container of this machine's Docker or Podman",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&docker};
PENSTOCK_PLUGIN("docker", PENSTOCK_VERSION, "MIT", transports);
