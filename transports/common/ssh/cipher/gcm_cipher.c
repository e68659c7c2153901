/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL 3.0 has no public way to make a cipher other than this one, which it calls deprecated, but for a provider: a
 * library context of its own, for the same functions.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/ssh/cipher/gcm_cipher.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <pthread.h>
#include <string.h>

#include "common/ssh/cipher/gcm_wide.h"

enum { OWN_IS_WIDE = 0x30100000, TRIAL_MAX = 32768 + 32 };

/* Where a message is. */
typedef enum stage { NO_IV, HAS_IV, HAS_DATA } stage;

typedef struct gcm_state {
  gcm_wide_key key;
  int is_encryption;
  stage stage;
  uint8_t next_iv[GCM_IV];
  uint8_t iv[GCM_IV];
  uint8_t extra[GCM_EXTRA_MAX];
  size_t extra_size;
  uint8_t wanted[GCM_TAG]; /* what the message came with */
  uint8_t tag[GCM_TAG];
} gcm_state;

static gcm_state *state_of(EVP_CIPHER_CTX *context) {
  return EVP_CIPHER_CTX_get_cipher_data(context);
}

static int begin(EVP_CIPHER_CTX *context, const unsigned char *key, const unsigned char *iv, int is_encryption) {
  gcm_state *self = state_of(context);
  (void)iv; /* comes by SET_IV_FIXED */
  self->is_encryption = is_encryption;
  self->stage = NO_IV;
  if (key) {
    gcm_wide_set_key(&self->key, key, (size_t)EVP_CIPHER_CTX_key_length(context));
  }
  return 1;
}

static int end(EVP_CIPHER_CTX *context) {
  gcm_state *self = state_of(context);
  if (self) {
    OPENSSL_cleanse(self, sizeof(*self));
  }
  return 1;
}

/* The last eight bytes of the IV count messages. */
static void count_up(uint8_t *iv) {
  for (int i = GCM_IV - 1; i >= GCM_IV - 8 && ++iv[i] == 0; i--) {
  }
}

static int next_message(gcm_state *self, int size, uint8_t *shown) {
  size_t count = size <= 0 || size > GCM_IV ? (size_t)GCM_IV : (size_t)size;
  memcpy(self->iv, self->next_iv, GCM_IV);
  memcpy(shown, self->iv + GCM_IV - count, count);
  count_up(self->next_iv);
  self->extra_size = 0;
  self->stage = HAS_IV;
  return 1;
}

static int control(EVP_CIPHER_CTX *context, int what, int size, void *data) {
  gcm_state *self = state_of(context);
  switch (what) {
  case EVP_CTRL_INIT:
    return 1;
  case EVP_CTRL_GCM_SET_IV_FIXED: /* -1: all of it */
    if (size != -1) {
      return 0;
    }
    memcpy(self->next_iv, data, GCM_IV);
    return 1;
  case EVP_CTRL_GCM_IV_GEN:
    return next_message(self, size, data);
  case EVP_CTRL_GCM_SET_TAG:
    if (size != GCM_TAG || self->is_encryption) {
      return 0;
    }
    memcpy(self->wanted, data, GCM_TAG);
    return 1;
  case EVP_CTRL_GCM_GET_TAG:
    if (size != GCM_TAG || !self->is_encryption) {
      return 0;
    }
    memcpy(data, self->tag, GCM_TAG);
    return 1;
  default:
    return -1;
  }
}

static int take_extra(gcm_state *self, const unsigned char *in, size_t size) {
  if (self->stage != HAS_IV || self->extra_size > 0 || size > GCM_EXTRA_MAX) {
    return -1;
  }
  memcpy(self->extra, in, size);
  self->extra_size = size;
  return (int)size;
}

static int take_data(gcm_state *self, unsigned char *out, const unsigned char *in, size_t size) {
  const gcm_wide_message message = {self->iv, self->extra, self->extra_size, in, out, size};
  if (self->stage != HAS_IV) {
    return -1;
  }
  (self->is_encryption ? gcm_wide_encrypt : gcm_wide_decrypt)(&self->key, &message, self->tag);
  self->stage = HAS_DATA;
  return (int)size;
}

static int finish(gcm_state *self) {
  int is_whole = self->stage == HAS_DATA;
  self->stage = NO_IV;
  return is_whole && (self->is_encryption || CRYPTO_memcmp(self->tag, self->wanted, GCM_TAG) == 0) ? 0 : -1;
}

static int update(EVP_CIPHER_CTX *context, unsigned char *out, const unsigned char *in, size_t size) {
  gcm_state *self = state_of(context);
  return !in ? finish(self) : !out ? take_extra(self, in, size) : take_data(self, out, in, size);
}

static EVP_CIPHER *make(const EVP_CIPHER *own) {
  EVP_CIPHER *made = EVP_CIPHER_meth_new(EVP_CIPHER_nid(own), 1, EVP_CIPHER_key_length(own));
  if (made && EVP_CIPHER_meth_set_iv_length(made, GCM_IV) &&
      EVP_CIPHER_meth_set_flags(made, EVP_CIPH_GCM_MODE | EVP_CIPH_CUSTOM_IV | EVP_CIPH_FLAG_CUSTOM_CIPHER |
                                          EVP_CIPH_FLAG_AEAD_CIPHER | EVP_CIPH_ALWAYS_CALL_INIT | EVP_CIPH_CTRL_INIT) &&
      EVP_CIPHER_meth_set_impl_ctx_size(made, (int)sizeof(gcm_state)) && EVP_CIPHER_meth_set_init(made, begin) &&
      EVP_CIPHER_meth_set_cleanup(made, end) && EVP_CIPHER_meth_set_ctrl(made, control) &&
      EVP_CIPHER_meth_set_do_cipher(made, update)) {
    return made;
  }
  EVP_CIPHER_meth_free(made);
  return NULL;
}

/* --- the trial ------------------------------------------------------------------------------------- */

/* As libssh does it: the second message of a session. `tag` is asked for, or told and checked. */
static int try_message(const EVP_CIPHER *cipher, int is_encryption, const uint8_t *in, size_t size, uint8_t *out,
                       uint8_t *tag) {
  static const uint8_t secret[32] = "a key that nobody else would use";
  static const uint8_t iv[GCM_IV] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xff, 0xff};
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  uint8_t shown[1];
  int count = 0;
  int is_done = context && EVP_CipherInit_ex(context, cipher, NULL, secret, iv, is_encryption) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IV_FIXED, -1, (void *)(uintptr_t)iv) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_IV_GEN, 1, shown) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_IV_GEN, 1, shown) == 1 &&
                (is_encryption || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag) == 1) &&
                EVP_CipherUpdate(context, NULL, &count, iv, 4) == 1 &&
                EVP_CipherUpdate(context, out, &count, in, (int)size) == 1 && count == (int)size &&
                EVP_CipherFinal_ex(context, out + size, &count) == 1 &&
                (!is_encryption || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG, tag) == 1);
  EVP_CIPHER_CTX_free(context);
  return is_done;
}

/* Both ways; and a message with another tag must be refused. Runs once: see make_both. */
static int agrees(const EVP_CIPHER *made, const EVP_CIPHER *own, size_t size) {
  static uint8_t text[TRIAL_MAX];
  static uint8_t wanted[TRIAL_MAX];
  static uint8_t got[TRIAL_MAX];
  uint8_t wanted_tag[GCM_TAG];
  uint8_t tag[GCM_TAG] = {0};
  for (size_t i = 0; i < sizeof(text); i++) {
    text[i] = (uint8_t)(i * 7 + i / 5);
  }
  if (!try_message(own, 1, text, size, wanted, wanted_tag) || !try_message(made, 1, text, size, got, tag) ||
      memcmp(got, wanted, size) != 0 || memcmp(tag, wanted_tag, GCM_TAG) != 0) {
    return 0;
  }
  memset(got, 0, sizeof(got));
  if (!try_message(made, 0, wanted, size, got, tag) || memcmp(got, text, size) != 0) {
    return 0;
  }
  tag[0] ^= 1;
  return !try_message(made, 0, wanted, size, got, tag);
}

static EVP_CIPHER *make_tried(const EVP_CIPHER *own) {
  EVP_CIPHER *made = own ? make(own) : NULL;
  /* Of each way that a library may take, by the count of blocks; and beyond where the count needs a second byte. */
  static const size_t sizes[] = {16, 64, 80, 256, 272, 784, 4096 + 16, 8192 + 16, TRIAL_MAX - 16};
  for (size_t i = 0; made && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    if (!agrees(made, own, sizes[i])) {
      EVP_CIPHER_meth_free(made);
      made = NULL;
    }
  }
  return made;
}

/* --- for everybody --------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *made_128;
static EVP_CIPHER *made_256;

/* Not by EVP_aes_128_gcm(): that is what may lead here. */
static void make_both(void) {
  if (OpenSSL_version_num() < OWN_IS_WIDE && !EVP_default_properties_is_fips_enabled(NULL) && gcm_wide_works()) {
    made_128 = make_tried(EVP_get_cipherbynid(NID_aes_128_gcm));
    made_256 = make_tried(EVP_get_cipherbynid(NID_aes_256_gcm));
  }
}

__attribute__((destructor)) static void free_both(void) {
  EVP_CIPHER_meth_free(made_128);
  EVP_CIPHER_meth_free(made_256);
}

const EVP_CIPHER *gcm_cipher_instead(const EVP_CIPHER *own) {
  (void)pthread_once(&once, make_both);
  const EVP_CIPHER *made = EVP_CIPHER_key_length(own) == 16 ? made_128 : made_256;
  return made ? made : own;
}
