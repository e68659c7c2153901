/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct demo_digest {
  EVP_MD_CTX *context;
  int broken; /* OpenSSL refused: the text is then all zeros, which no payload has */
};

demo_digest *digest_create(void) {
  demo_digest *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  self->context = EVP_MD_CTX_new();
  if (!self->context || EVP_DigestInit_ex(self->context, EVP_sha256(), NULL) != 1) {
    digest_destroy(self);
    return NULL;
  }
  return self;
}

void digest_add(demo_digest *self, const void *data, size_t size) {
  if (EVP_DigestUpdate(self->context, data, size) != 1) {
    self->broken = 1;
  }
}

void digest_text(demo_digest *self, char text[DIGEST_TEXT]) {
  unsigned char hash[EVP_MAX_MD_SIZE] = {0};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(self->context, hash, &size) != 1 || size * 2 + 1 != DIGEST_TEXT) {
    self->broken = 1;
  }
  for (size_t i = 0; i < (DIGEST_TEXT - 1) / 2; i++) {
    (void)snprintf(text + 2 * i, 3, "%02x", self->broken ? 0u : (unsigned)hash[i]);
  }
}

void digest_destroy(demo_digest *self) {
  if (self) {
    EVP_MD_CTX_free(self->context);
    free(self);
  }
}
