/* SPDX-License-Identifier: MIT */
#include "common/ssh/cipher/gcm_wide.h"

#include <openssl/crypto.h>
#include <pthread.h>

enum { ALIGNMENT = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static IMB_MGR *library; /* NULL: not here. Its functions for whole messages keep nothing in it, so threads share it. */

/* The library asks the processor alone: that the system keeps such registers too (XCR0), the compiler's functions know.
 */
static void find(void) {
  const uint64_t needed = IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
  library = __builtin_cpu_supports("avx512f") ? alloc_mb_mgr(0) : NULL;
  if (library && (library->features & needed) == needed) {
    init_mb_mgr_avx512(library);
  }
  if (library && ((library->features & needed) != needed || imb_get_errno(library) != 0)) {
    free_mb_mgr(library);
    library = NULL;
  }
}

__attribute__((destructor)) static void forget(void) {
  if (library) {
    free_mb_mgr(library);
  }
}

int gcm_wide_works(void) {
  (void)pthread_once(&once, find);
  return library != NULL;
}

static struct gcm_key_data *data_of(gcm_wide_key *key) {
  uintptr_t at = ((uintptr_t)key->room + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return (struct gcm_key_data *)at;
}

void gcm_wide_set_key(gcm_wide_key *key, const uint8_t *bytes, size_t size) {
  key->size = size;
  if (size == IMB_GCM_128_KEY_LEN) {
    IMB_AES128_GCM_PRE(library, bytes, data_of(key));
  } else {
    IMB_AES256_GCM_PRE(library, bytes, data_of(key));
  }
}

void gcm_wide_encrypt(gcm_wide_key *key, const gcm_wide_message *message, uint8_t tag[GCM_TAG]) {
  struct gcm_context_data context;
  aes_gcm_enc_dec_t encrypt = key->size == IMB_GCM_128_KEY_LEN ? library->gcm128_enc : library->gcm256_enc;
  encrypt(data_of(key), &context, message->out, message->in, message->size, message->iv, message->extra,
          message->extra_size, tag, GCM_TAG);
  OPENSSL_cleanse(&context, sizeof(context));
}

void gcm_wide_decrypt(gcm_wide_key *key, const gcm_wide_message *message, uint8_t tag[GCM_TAG]) {
  struct gcm_context_data context;
  aes_gcm_enc_dec_t decrypt = key->size == IMB_GCM_128_KEY_LEN ? library->gcm128_dec : library->gcm256_dec;
  decrypt(data_of(key), &context, message->out, message->in, message->size, message->iv, message->extra,
          message->extra_size, tag, GCM_TAG);
  OPENSSL_cleanse(&context, sizeof(context));
}
