/* SPDX-License-Identifier: MIT */
#include "plugin/image.h"
#include "plugin/image_pe.h"

int ps_image_check_bytes(const void *bytes, size_t size, const char *path, penstock_error *error) {
  return ps_image_pe_check_bytes(bytes, size, path, error);
}
