/* SPDX-License-Identifier: MIT */
/* The transport `ssh`: the solver as a plain process on a machine that is reached over SSH. */
#include <stdlib.h>

#include "common/process_runtime.h"
#include "common/ssh/ssh_link.h"
#include "common/ssh/ssh_profile.h"

struct penstock_instance {
  ssh_link *link;
  process_runtime *runtime;
  int is_connecting; /* which of the two a cancel is for */
};

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static void destroy(penstock_instance *instance) {
  if (instance->runtime) {
    process_runtime_destroy(instance->runtime);
  }
  ssh_link_destroy(instance->link);
  free(instance);
}

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  ssh_request request = {0};
  penstock_instance *instance = calloc(1, sizeof(*instance));
  *out = NULL;
  if (!instance) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  if (ssh_profile_request(&request, config, NULL, error) == 0) {
    instance->link = ssh_link_create(host, config, &request, 0, error);
  }
  if (instance->link) {
    instance->runtime = process_runtime_create(ssh_link_carrier(instance->link), config, error);
  }
  if (!instance->runtime) {
    ssh_request_clear(&request);
    destroy(instance);
    return PENSTOCK_E_FAILED;
  }
  *out = instance;
  return PENSTOCK_OK;
}

static void connect_link(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 1;
  ssh_link_connect(instance->link, op, deadline_ms);
}

static void validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 0;
  process_runtime_validate(instance->runtime, op, deadline_ms);
}

static void launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 0;
  process_runtime_launch(instance->runtime, op, deadline_ms);
}

static void ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 0;
  process_runtime_ready(instance->runtime, op, deadline_ms);
}

static void stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 0;
  process_runtime_stop(instance->runtime, op, deadline_ms);
}

static void identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  instance->is_connecting = 0;
  process_runtime_identify(instance->runtime, op, deadline_ms);
}

static void cancel(penstock_instance *instance, penstock_op *op) {
  if (instance->is_connecting) {
    ssh_link_connect_cancel(instance->link, op);
  } else {
    process_runtime_cancel(instance->runtime, op);
  }
}

static void open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  carrier *link = ssh_link_carrier(instance->link);
  link->ops->open(link, open, process_runtime_endpoint_host(instance->runtime),
                  process_runtime_endpoint_port(instance->runtime), deadline_ms);
}

static void cancel_open(penstock_instance *instance, penstock_open *open) {
  carrier *link = ssh_link_carrier(instance->link);
  link->ops->open_cancel(link, open);
}

static int32_t fetch_key(penstock_instance *instance, uint64_t deadline_ms, penstock_hostkey *key,
                         penstock_error *error) {
  return ssh_link_fetch_key(instance->link, deadline_ms, key, error);
}

static int32_t accept_key(penstock_instance *instance, penstock_error *error) {
  return ssh_link_accept_key(instance->link, error);
}

static void verify_link(penstock_instance *instance) {
  ssh_link_verify(instance->link);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  static const penstock_hostkey_ext hostkey = {
      .struct_size = (uint32_t)sizeof(hostkey),
      .fetch = fetch_key,
      .accept = accept_key,
  };
  static const penstock_link_ext link = {.struct_size = (uint32_t)sizeof(link), .verify = verify_link};
  (void)instance;
  if (strcmp(name, PENSTOCK_EXT_LINK) == 0) {
    return &link;
  }
  return strcmp(name, PENSTOCK_EXT_HOSTKEY) == 0 ? &hostkey : NULL;
}

static const penstock_transport ssh = {
    .struct_size = (uint32_t)sizeof(ssh),
    .name = "ssh",
    .summary = "The solver on another machine, over SSH",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    .destroy = destroy,
    .connect = connect_link,
    .validate = validate,
    .launch = launch,
    .ready = ready,
    .stop = stop,
    .identify = identify,
    .cancel = cancel,
    .open_stream = open_stream,
    .cancel_open = cancel_open,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&ssh};
PENSTOCK_PLUGIN("ssh", PENSTOCK_VERSION, "MIT", transports);
