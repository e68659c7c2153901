/* SPDX-License-Identifier: MIT */
#include "common/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <penstock/base.h>

int random_bytes(void *bytes, size_t size) {
  return getentropy(bytes, size) == 0 ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}
