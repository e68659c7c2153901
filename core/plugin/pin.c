/* SPDX-License-Identifier: MIT */
#include "plugin/pin.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/advice.h"

#define DIGEST_SIZE 32

int ps_pin_check(const void *bytes, size_t size, const char *pin, const char *path, penstock_error *error) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  char hex[2 * DIGEST_SIZE + 1];
  if (strlen(pin) != 2 * (size_t)DIGEST_SIZE || strspn(pin, "0123456789abcdefABCDEF") != 2 * (size_t)DIGEST_SIZE) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "plugin_sha256 is not a SHA-256 sum (64 hexadecimal digits): '%.80s'", pin);
    char command[400];
    ps_advice_write_sha256(command, sizeof(command), path);
    penstock_next(error, "write the 64 digits that this prints: %s", command);
    return PENSTOCK_E_FAILED;
  }
  if (EVP_Digest(bytes, size, digest, &digest_size, EVP_sha256(), NULL) != 1 || digest_size != DIGEST_SIZE) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "%.300s: its SHA-256 sum cannot be made",
                         path);
  }
  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  }
  if (strcasecmp(hex, pin) == 0) {
    return 0;
  }
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                "%.240s: refused: its SHA-256 sum is %s, pinned is %.64s", path, hex, pin);
  penstock_next(error, "if you changed or updated the file yourself, set plugin_sha256 = %s; if not, do not use it",
                hex);
  return PENSTOCK_E_FAILED;
}
