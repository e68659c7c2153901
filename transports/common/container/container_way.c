/* SPDX-License-Identifier: MIT */
#include "common/container/container_way.h"

#include "common/container/container_carrier.h"

static void describe(penstock_instance *instance, char *text, size_t size) {
  container_carrier_way(instance->carrier, text, size);
}

const void *container_way_extension(penstock_instance *instance, const char *name) {
  static const penstock_way_ext way = {.struct_size = (uint32_t)sizeof(way), .describe = describe};
  return strcmp(name, PENSTOCK_EXT_WAY) == 0 ? &way : instance_extension(instance, name);
}
