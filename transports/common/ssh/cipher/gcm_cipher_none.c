/* SPDX-License-Identifier: MIT */
/* Built without ipsec-mb: OpenSSL's own it is. */
#include "common/ssh/cipher/gcm_cipher.h"

const EVP_CIPHER *gcm_cipher_instead(const EVP_CIPHER *own) {
  return own;
}
