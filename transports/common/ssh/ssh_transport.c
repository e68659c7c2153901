/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_transport.h"

#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_link.h"

carrier *ssh_transport_carrier(const penstock_host *host, const penstock_config *config, ssh_request *request,
                               penstock_error *error) {
  ssh_link *link = ssh_profile_check_methods(config, error) ? NULL : ssh_link_create(host, config, request, 0, error);
  ssh_request_clear(request); /* if the link did not take it */
  return link ? ssh_link_carrier(link) : NULL;
}

/* Whatever stands on it. */
static ssh_link *link_of(const penstock_instance *instance) {
  carrier *lowest = instance->carrier;
  while (lowest->below) {
    lowest = lowest->below;
  }
  return (ssh_link *)lowest;
}

static int32_t fetch_key(penstock_instance *instance, uint64_t deadline_ms, penstock_hostkey *key,
                         penstock_error *error) {
  return ssh_link_fetch_key(link_of(instance), deadline_ms, key, error);
}

static int32_t accept_key(penstock_instance *instance, penstock_error *error) {
  return ssh_link_accept_key(link_of(instance), error);
}

static int32_t check(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                     penstock_error *error) {
  return ssh_link_inspect(link_of(instance), deadline_ms, sink, error);
}

static void verify_link(penstock_instance *instance) {
  ssh_link_verify(link_of(instance));
}

const void *ssh_transport_extension(penstock_instance *instance, const char *name) {
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
