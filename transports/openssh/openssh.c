/* SPDX-License-Identifier: MIT */
/* The transport `openssh`: as `ssh`, over a session of the system's ssh. Host keys are shown and added by libssh. */
#include <stdlib.h>

#include "common/openssh/openssh_link.h"
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_link.h"

struct penstock_instance {
  openssh_link *link;
  const penstock_host *host;
  const penstock_config *config;
  ssh_link *key_link; /* for the host key alone; NULL until somebody asks for it */
  process_runtime *runtime;
};

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static void destroy(penstock_instance *instance) {
  if (instance->runtime) {
    process_runtime_destroy(instance->runtime);
  }
  openssh_link_destroy(instance->link);
  if (instance->key_link) {
    ssh_link_destroy(instance->key_link);
  }
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
  instance->host = host;
  instance->config = config;
  if (ssh_profile_request(&request, config, NULL, error) == 0) {
    instance->link = openssh_link_create(host, config, &request, error);
  }
  if (instance->link) {
    instance->runtime = process_runtime_create(openssh_link_carrier(instance->link), config, error);
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
  openssh_link_connect(instance->link, op, deadline_ms);
}

static void validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_validate(instance->runtime, op, deadline_ms);
}

static void launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_launch(instance->runtime, op, deadline_ms);
}

static void ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_ready(instance->runtime, op, deadline_ms);
}

static void stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_stop(instance->runtime, op, deadline_ms);
}

static void identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  process_runtime_identify(instance->runtime, op, deadline_ms);
}

static void cancel(penstock_instance *instance, penstock_op *op) {
  /* Whose step it is knows it. */
  process_runtime_cancel(instance->runtime, op);
  openssh_link_connect_cancel(instance->link, op);
}

static void open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  carrier *link = openssh_link_carrier(instance->link);
  link->ops->open(link, open, process_runtime_endpoint_host(instance->runtime),
                  process_runtime_endpoint_port(instance->runtime), deadline_ms);
}

static void cancel_open(penstock_instance *instance, penstock_open *open) {
  carrier *link = openssh_link_carrier(instance->link);
  link->ops->open_cancel(link, open);
}

static int32_t fetch_key(penstock_instance *instance, uint64_t deadline_ms, penstock_hostkey *key,
                         penstock_error *error) {
  ssh_request request = {0};
  if (!instance->key_link && ssh_profile_request(&request, instance->config, NULL, error) == 0) {
    instance->key_link = ssh_link_create(instance->host, instance->config, &request, 0, error);
  }
  if (!instance->key_link) {
    ssh_request_clear(&request);
    return PENSTOCK_E_FAILED;
  }
  return ssh_link_fetch_key(instance->key_link, deadline_ms, key, error);
}

static int32_t accept_key(penstock_instance *instance, penstock_error *error) {
  return instance->key_link
             ? ssh_link_accept_key(instance->key_link, error)
             : penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "no key was shown yet");
}

static void verify_link(penstock_instance *instance) {
  openssh_link_verify(instance->link);
}

static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  return openssh_link_inspect(instance->link, deadline_ms, sink, error);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
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

static const penstock_transport openssh = {
    .struct_size = (uint32_t)sizeof(openssh),
    .name = "openssh",
    .summary = "As ssh, over the system's own ssh: for GSSAPI, PKCS#11, host certificates",
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

static const penstock_transport *const transports[] = {&openssh};
PENSTOCK_PLUGIN("openssh", PENSTOCK_VERSION, "MIT", transports);
