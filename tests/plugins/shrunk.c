/* SPDX-License-Identifier: MIT */
/* Built against an earlier minor version: the transport ends before get_extension, where other data of the plugin
 * follows. */
#include "slots.h"

static const void *not_a_slot(penstock_instance *instance, const char *name) {
  (void)instance;
  return name;
}

static const penstock_transport shrunk = {.struct_size = offsetof(penstock_transport, get_extension),
                                          .name = "shrunk",
                                          .summary = "Of an earlier minor version",
                                          TEST_SLOTS,
                                          .get_extension = not_a_slot};

static const penstock_transport *const transports[] = {&shrunk};
PENSTOCK_PLUGIN("test-shrunk", "0.9", "MIT", transports);
