/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <bcrypt.h>

#include <penstock/base.h>

#include "common/random.h"

int random_bytes(void *bytes, size_t size) {
  return BCryptGenRandom(NULL, bytes, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0 ? PENSTOCK_OK
                                                                                         : PENSTOCK_E_FAILED;
}
