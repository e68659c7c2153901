/* SPDX-License-Identifier: MIT */
#include "common/container/container_way.h"

#include "common/container/container_carrier.h"

static void describe(penstock_instance *instance, char *text, size_t size) {
  container_carrier_way(instance->carrier, text, size);
}

static int32_t doubt(penstock_instance *instance, uint32_t what, penstock_error *error) {
  return container_carrier_doubt(instance->carrier, what, error);
}

const void *container_way_extension(penstock_instance *instance, const char *name) {
  static const penstock_way_ext way = {.struct_size = (uint32_t)sizeof(way), .describe = describe, .doubt = doubt};
  return strcmp(name, PENSTOCK_EXT_WAY) == 0 ? &way : instance_extension(instance, name);
}
