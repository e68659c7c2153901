/* SPDX-License-Identifier: MIT */
/* The transport `openssh`: as `ssh`, over a session of the system's ssh. Host keys are shown and added by libssh. */
#include <stdlib.h>

#include "common/instance.h"
#include "common/openssh/openssh_link.h"
#include "common/process_runtime.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_link.h"

/* What an instance keeps: whom to ask for the host's key. */
typedef struct key_source {
  const penstock_host *host;
  const penstock_config *config;
  ssh_link *link; /* for the host key alone; NULL until somebody asks for it */
} key_source;

static const penstock_option options[] = {SSH_HOST_OPTION, SSH_OPTIONS, PROCESS_RUNTIME_OPTIONS};

static void free_key_source(void *own) {
  key_source *source = own;
  ssh_link_destroy(source->link);
  free(source);
}

static carrier *make_carrier(const penstock_host *host, const penstock_config *config, penstock_error *error) {
  ssh_request request = {0};
  openssh_link *link = ssh_profile_request(&request, config, NULL, error) == 0
                           ? openssh_link_create(host, config, &request, error)
                           : NULL;
  ssh_request_clear(&request); /* if the link did not take it */
  return link ? openssh_link_carrier(link) : NULL;
}

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **out,
                      penstock_error *error) {
  key_source *source = calloc(1, sizeof(*source));
  *out = NULL;
  if (!source) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  source->host = host;
  source->config = config;
  penstock_instance *instance = instance_create(host, make_carrier(host, config, error), error);
  if (!instance) {
    free(source);
    return PENSTOCK_E_FAILED;
  }
  instance->own = source;
  instance->free_own = free_key_source;
  return instance_finish(instance, process_runtime_create(instance->carrier, config, error), out);
}

static openssh_link *link_of(const penstock_instance *instance) {
  return (openssh_link *)instance->carrier;
}

static int32_t fetch_key(penstock_instance *instance, uint64_t deadline_ms, penstock_hostkey *key,
                         penstock_error *error) {
  key_source *source = instance->own;
  ssh_request request = {0};
  if (!source->link && ssh_profile_request(&request, source->config, NULL, error) == 0) {
    source->link = ssh_link_create(source->host, source->config, &request, 0, error);
  }
  ssh_request_clear(&request);
  return source->link ? ssh_link_fetch_key(source->link, deadline_ms, key, error) : PENSTOCK_E_FAILED;
}

static int32_t accept_key(penstock_instance *instance, penstock_error *error) {
  const key_source *source = instance->own;
  return source->link ? ssh_link_accept_key(source->link, error)
                      : penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "no key was shown yet");
}

static void verify_link(penstock_instance *instance) {
  openssh_link_verify(link_of(instance));
}

static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  return openssh_link_inspect(link_of(instance), deadline_ms, sink, error);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  static const penstock_hostkey_ext hostkey = {
      .struct_size = (uint32_t)sizeof(hostkey),
      .fetch = fetch_key,
      .accept = accept_key,
  };
  static const penstock_link_ext link = {.struct_size = (uint32_t)sizeof(link), .verify = verify_link};
  static const penstock_check_ext checking = {.struct_size = (uint32_t)sizeof(checking), .check = check};
  if (strcmp(name, PENSTOCK_EXT_CHECK) == 0) {
    return &checking;
  }
  if (strcmp(name, PENSTOCK_EXT_LINK) == 0) {
    return &link;
  }
  return strcmp(name, PENSTOCK_EXT_HOSTKEY) == 0 ? &hostkey : instance_extension(instance, name);
}

static const penstock_transport openssh = {
    .struct_size = (uint32_t)sizeof(openssh),
    .name = "openssh",
    .summary = "As ssh, over the system's own ssh: for GSSAPI, PKCS#11, host certificates",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    INSTANCE_SLOTS,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&openssh};
PENSTOCK_PLUGIN("openssh", PENSTOCK_VERSION, "MIT", transports);
