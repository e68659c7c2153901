/* SPDX-License-Identifier: MIT */
/**
 * @file gcm_wide.h
 * AES-GCM (NIST SP 800-38D) for processors that encrypt four blocks with one instruction (VAES, VPCLMULQDQ, AVX-512),
 * by Intel's ipsec-mb library. Keys of 128 and 256 bits, IVs of 96, tags of 128.
 */
#ifndef TRANSPORTS_SSH_GCM_WIDE_H
#define TRANSPORTS_SSH_GCM_WIDE_H

#include <intel-ipsec-mb.h>
#include <stddef.h>
#include <stdint.h>

enum { GCM_IV = 12, GCM_TAG = 16, GCM_EXTRA_MAX = 16 };

/** What is derived from a key: secret as the key is. Any alignment. */
typedef struct gcm_wide_key {
  size_t size;                                     /**< of the key: 16 or 32 */
  uint8_t room[sizeof(struct gcm_key_data) + 64u]; /**< the library's part begins at the first multiple of 64 */
} gcm_wide_key;

/** One message, and where its parts are. */
typedef struct gcm_wide_message {
  const uint8_t *iv;
  const uint8_t *extra; /**< is authenticated, and not encrypted: `extra_size` bytes */
  size_t extra_size;
  const uint8_t *in;
  uint8_t *out; /**< `in`, or apart from it */
  size_t size;
} gcm_wide_message;

/** Can this processor do it, and does the library? The others are for where they can. Any thread. */
int gcm_wide_works(void);
/** `size`: 16 or 32. The key may not be moved afterwards. */
void gcm_wide_set_key(gcm_wide_key *key, const uint8_t *bytes, size_t size);
/** `tag` gets what the message has for one. */
void gcm_wide_encrypt(gcm_wide_key *key, const gcm_wide_message *message, uint8_t tag[GCM_TAG]);
/** `tag` gets what the message should have for one: if it has another, `out` is worth nothing. */
void gcm_wide_decrypt(gcm_wide_key *key, const gcm_wide_message *message, uint8_t tag[GCM_TAG]);

#endif
