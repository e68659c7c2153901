/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_transport.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_profile.h"

void ssh_transport_destroy(penstock_instance *instance) {
  if (instance->runtime) {
    process_runtime_destroy(instance->runtime);
  }
  ssh_link_destroy(instance->link);
  if (instance->free_own) {
    instance->free_own(instance->own);
  }
  free(instance);
}

int32_t ssh_transport_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                             penstock_instance **out, penstock_error *error) {
  penstock_instance *instance = calloc(1, sizeof(*instance));
  *out = NULL;
  if (!instance) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  if (ssh_profile_check_methods(config, error) == 0) {
    instance->link = ssh_link_create(host, config, request, 0, error);
  }
  if (instance->link) {
    instance->runtime = process_runtime_create(ssh_link_carrier(instance->link), config, error);
  }
  if (!instance->runtime) {
    ssh_transport_destroy(instance);
    return PENSTOCK_E_FAILED;
  }
  *out = instance;
  return PENSTOCK_OK;
}

void ssh_transport_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  ssh_link_connect(instance->link, op, deadline_ms);
}

void ssh_transport_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_validate(instance->runtime, op, deadline_ms);
}

void ssh_transport_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_launch(instance->runtime, op, deadline_ms);
}

void ssh_transport_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_ready(instance->runtime, op, deadline_ms);
}

void ssh_transport_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_stop(instance->runtime, op, deadline_ms);
}

void ssh_transport_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_identify(instance->runtime, op, deadline_ms);
}

void ssh_transport_cancel(penstock_instance *instance, penstock_op *op) {
  /* Whose step it is knows it. */
  process_runtime_cancel(instance->runtime, op);
  ssh_link_connect_cancel(instance->link, op);
}

void ssh_transport_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  carrier *link = ssh_link_carrier(instance->link);
  link->ops->open(link, open, process_runtime_endpoint_host(instance->runtime),
                  process_runtime_endpoint_port(instance->runtime), deadline_ms);
}

void ssh_transport_cancel_open(penstock_instance *instance, penstock_open *open) {
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

static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  return ssh_link_inspect(instance->link, deadline_ms, sink, error);
}

static void verify_link(penstock_instance *instance) {
  ssh_link_verify(instance->link);
}

const void *ssh_transport_extension(penstock_instance *instance, const char *name) {
  static const penstock_hostkey_ext hostkey = {
      .struct_size = (uint32_t)sizeof(hostkey),
      .fetch = fetch_key,
      .accept = accept_key,
  };
  static const penstock_link_ext link = {.struct_size = (uint32_t)sizeof(link), .verify = verify_link};
  static const penstock_check_ext checking = {.struct_size = (uint32_t)sizeof(checking), .check = check};
  (void)instance;
  if (strcmp(name, PENSTOCK_EXT_CHECK) == 0) {
    return &checking;
  }
  if (strcmp(name, PENSTOCK_EXT_LINK) == 0) {
    return &link;
  }
  return strcmp(name, PENSTOCK_EXT_HOSTKEY) == 0 ? &hostkey : NULL;
}
