/* SPDX-License-Identifier: MIT */
/*
 * AES-GCM by ipsec-mb, and what makes a cipher of it, against OpenSSL's. On a processor that cannot do it there is
 * nothing to compare.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

#include "common/ssh/cipher/gcm_cipher.h"
#include "common/ssh/cipher/gcm_wide.h"

enum { TOTAL = 40000, GUARD = 0x55 };

static uint8_t text[TOTAL];
static uint8_t wanted[TOTAL + 16];
static uint8_t got[TOTAL + 16];
static uint8_t secret[32];
static uint8_t extra[GCM_EXTRA_MAX];
static uint8_t iv[GCM_IV];

static int start(void **state) {
  uint32_t number = 1;
  (void)state;
  if (!gcm_wide_works()) {
    print_message("this processor does not have the instructions\n");
    exit(0);
  }
  for (size_t i = 0; i < TOTAL; i++) {
    number = number * 1664525u + 1013904223u;
    text[i] = (uint8_t)(number >> 24);
  }
  memcpy(secret, text + 1000, sizeof(secret));
  memcpy(extra, text + 2000, sizeof(extra));
  memcpy(iv, text + 3000, sizeof(iv));
  return 0;
}

static const EVP_CIPHER *own(size_t key_size) {
  return EVP_get_cipherbynid(key_size == 16 ? NID_aes_128_gcm : NID_aes_256_gcm);
}

/* --- the arithmetic -------------------------------------------------------------------------------- */

static void encrypt_by_openssl(size_t key_size, size_t extra_size, size_t size, uint8_t *tag) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int count;
  assert_int_equal(EVP_EncryptInit_ex(context, own(key_size), NULL, secret, iv), 1);
  if (extra_size > 0) {
    assert_int_equal(EVP_EncryptUpdate(context, NULL, &count, extra, (int)extra_size), 1);
  }
  assert_int_equal(EVP_EncryptUpdate(context, wanted, &count, text, (int)size), 1);
  assert_int_equal(EVP_EncryptFinal_ex(context, wanted + size, &count), 1);
  assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG, tag), 1);
  EVP_CIPHER_CTX_free(context);
}

static void compare(size_t key_size, size_t extra_size, size_t size) {
  uint8_t tag[GCM_TAG];
  uint8_t wanted_tag[GCM_TAG];
  gcm_wide_key key;
  gcm_wide_message message = {iv, extra, extra_size, text, got, size};
  encrypt_by_openssl(key_size, extra_size, size, wanted_tag);
  gcm_wide_set_key(&key, secret, key_size);
  memset(got, GUARD, sizeof(got));
  gcm_wide_encrypt(&key, &message, tag);
  assert_memory_equal(got, wanted, size);
  assert_memory_equal(tag, wanted_tag, GCM_TAG);
  assert_int_equal(got[size], GUARD);
  message.in = got; /* in place */
  memset(tag, 0, sizeof(tag));
  gcm_wide_decrypt(&key, &message, tag);
  assert_memory_equal(got, text, size);
  assert_memory_equal(tag, wanted_tag, GCM_TAG);
  assert_int_equal(got[size], GUARD);
}

static void test_messages_of_all_sizes(void **state) {
  (void)state;
  for (size_t size = 0; size < TOTAL; size += size < 1100 ? 1 : 733) {
    secret[0]++;
    iv[GCM_IV - 1]++;
    compare(16, size % (GCM_EXTRA_MAX + 1), size);
    compare(32, size % (GCM_EXTRA_MAX + 1), size);
  }
}

static void test_hash_keys_of_all_kinds(void **state) {
  (void)state;
  for (size_t i = 0; i < 3000; i++) {
    memcpy(secret, text + i * 11, sizeof(secret));
    compare(i % 2 ? 16 : 32, 4, 300);
  }
}

/* --- the cipher ------------------------------------------------------------------------------------ */

static EVP_CIPHER_CTX *begin(const EVP_CIPHER *cipher, int is_encryption) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  assert_int_equal(EVP_CipherInit_ex(context, cipher, NULL, secret, iv, is_encryption), 1);
  assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IV_FIXED, -1, iv), 1);
  return context;
}

/* The next message of a session; returns whether it was good. */
static int pass(EVP_CIPHER_CTX *context, int is_encryption, const uint8_t *in, uint8_t *out, size_t size,
                uint8_t *tag) {
  uint8_t shown[1];
  int count;
  assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_IV_GEN, 1, shown), 1);
  if (!is_encryption) {
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag), 1);
  }
  assert_int_equal(EVP_CipherUpdate(context, NULL, &count, extra, 4), 1);
  assert_int_equal(EVP_CipherUpdate(context, out, &count, in, (int)size), 1);
  assert_int_equal(count, size);
  int is_good = EVP_CipherFinal_ex(context, out + size, &count) == 1;
  if (is_encryption) {
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG, tag), 1);
  }
  return is_good;
}

static void speak(const EVP_CIPHER *from, const EVP_CIPHER *to) {
  EVP_CIPHER_CTX *sender = begin(from, 1);
  EVP_CIPHER_CTX *receiver = begin(to, 0);
  for (size_t i = 0; i < 600; i++) { /* the IV's count goes over from byte to byte */
    uint8_t tag[GCM_TAG];
    size_t size = 16 + i % 40 * 16;
    assert_true(pass(sender, 1, text + i, wanted, size, tag));
    assert_true(pass(receiver, 0, wanted, got, size, tag));
    assert_memory_equal(got, text + i, size);
  }
  EVP_CIPHER_CTX_free(sender);
  EVP_CIPHER_CTX_free(receiver);
}

static void test_a_session_with_openssl(void **state) {
  (void)state;
  for (size_t key_size = 16; key_size <= 32; key_size += 16) {
    const EVP_CIPHER *ours = gcm_cipher_instead(own(key_size));
    memset(iv + GCM_IV - 8, 0xff, 8);
    iv[GCM_IV - 1] = 0x80;
    speak(ours, own(key_size));
    speak(own(key_size), ours);
    speak(ours, ours);
  }
}

static void test_it_is_used_where_openssl_is_slower(void **state) {
  (void)state;
  int is_needed = OpenSSL_version_num() < 0x30100000;
  assert_true((gcm_cipher_instead(own(16)) != own(16)) == is_needed);
  assert_true((gcm_cipher_instead(own(32)) != own(32)) == is_needed);
}

static void test_a_message_that_was_changed_is_refused(void **state) {
  enum { BITS = (64 + GCM_TAG) * 8 };
  uint8_t tag[GCM_TAG];
  (void)state;
  const EVP_CIPHER *ours = gcm_cipher_instead(own(16));
  for (size_t bit = 0; bit < BITS; bit += 7) {
    EVP_CIPHER_CTX *sender = begin(ours, 1);
    EVP_CIPHER_CTX *receiver = begin(ours, 0);
    assert_true(pass(sender, 1, text, wanted, 64, tag));
    uint8_t *changed = bit / 8 < 64 ? wanted + bit / 8 : tag + bit / 8 - 64;
    *changed ^= (uint8_t)(1 << bit % 8);
    assert_false(pass(receiver, 0, wanted, got, 64, tag));
    assert_true(pass(sender, 1, text, wanted, 64, tag)); /* the next one is good */
    assert_true(pass(receiver, 0, wanted, got, 64, tag));
    EVP_CIPHER_CTX_free(sender);
    EVP_CIPHER_CTX_free(receiver);
  }
}

static void test_an_iv_is_used_once(void **state) {
  uint8_t tag[GCM_TAG];
  int count;
  (void)state;
  const EVP_CIPHER *ours = gcm_cipher_instead(own(16));
  if (ours == own(16)) {
    skip();
  }
  EVP_CIPHER_CTX *context = begin(ours, 1);
  assert_int_equal(EVP_CipherUpdate(context, got, &count, text, 16), 0); /* none yet */
  assert_true(pass(context, 1, text, got, 16, tag));
  assert_int_equal(EVP_CipherUpdate(context, got, &count, text, 16), 0);
  assert_int_equal(EVP_CipherFinal_ex(context, got, &count), 0);
  EVP_CIPHER_CTX_free(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_messages_of_all_sizes),
      cmocka_unit_test(test_hash_keys_of_all_kinds),
      cmocka_unit_test(test_a_session_with_openssl),
      cmocka_unit_test(test_it_is_used_where_openssl_is_slower),
      cmocka_unit_test(test_a_message_that_was_changed_is_refused),
      cmocka_unit_test(test_an_iv_is_used_once),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
