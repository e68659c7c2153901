/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_pkcs8.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HALF = 32, ROOM = 512 };

/* Without it OpenSSL would ask on the terminal. */
static int give_passphrase(char *buffer, int size, int is_writing, void *context) {
  const char *passphrase = context;
  size_t length = passphrase ? strlen(passphrase) : 0;
  (void)is_writing;
  if (!passphrase || length > (size_t)size) {
    return -1;
  }
  for (size_t i = 0; i < length; i++) {
    buffer[i] = passphrase[i];
  }
  return (int)length;
}

static uint8_t *put_u32(uint8_t *at, size_t value) {
  *at++ = (uint8_t)(value >> 24);
  *at++ = (uint8_t)(value >> 16);
  *at++ = (uint8_t)(value >> 8);
  *at++ = (uint8_t)value;
  return at;
}

static uint8_t *put_string(uint8_t *at, const void *bytes, size_t size) {
  at = put_u32(at, size);
  memcpy(at, bytes, size);
  return at + size;
}

/* The key as OpenSSH has it (its PROTOCOL.key), not encrypted. Returns the size in bytes. */
static size_t write_container(uint8_t out[ROOM], const uint8_t secret[HALF], const uint8_t public_half[HALF]) {
  static const char magic[] = "openssh-key-v1"; /* with its NUL */
  static const char type[] = "ssh-ed25519";
  uint8_t public_key[64];
  uint8_t both[2 * HALF];
  uint8_t inner[256];
  uint8_t *at = put_string(public_key, type, sizeof(type) - 1);
  size_t public_size = (size_t)(put_string(at, public_half, HALF) - public_key);
  memcpy(both, secret, HALF);
  memcpy(both + HALF, public_half, HALF);
  at = put_u32(put_u32(inner, 0), 0); /* the two that show, decrypted, that the passphrase was right */
  at = put_string(at, type, sizeof(type) - 1);
  at = put_string(at, public_half, HALF);
  at = put_string(at, both, sizeof(both));
  at = put_string(at, "", 0); /* the comment */
  for (uint8_t padding = 1; (at - inner) % 8 != 0; padding++) {
    *at++ = padding;
  }
  size_t inner_size = (size_t)(at - inner);
  memcpy(out, magic, sizeof(magic));
  at = put_string(out + sizeof(magic), "none", 4);
  at = put_string(at, "none", 4);
  at = put_u32(put_string(at, "", 0), 1);
  at = put_string(at, public_key, public_size);
  at = put_string(at, inner, inner_size);
  OPENSSL_cleanse(both, sizeof(both));
  OPENSSL_cleanse(inner, sizeof(inner));
  return (size_t)(at - out);
}

static char *write_text(const uint8_t *container, size_t size) {
  static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  static const char end[] = "\n-----END OPENSSH PRIVATE KEY-----\n";
  char *text = malloc(sizeof(begin) + sizeof(end) + 4 * (size / 3 + 1));
  if (text) {
    memcpy(text, begin, sizeof(begin) - 1);
    char *at = text + sizeof(begin) - 1;
    at += EVP_EncodeBlock((uint8_t *)at, container, (int)size);
    memcpy(at, end, sizeof(end));
  }
  return text;
}

char *key_pkcs8_to_openssh(const char *pem, const char *passphrase) {
  uint8_t secret[HALF];
  uint8_t public_half[HALF];
  uint8_t container[ROOM];
  size_t secret_size = sizeof(secret);
  size_t public_size = sizeof(public_half);
  char *text = NULL;
  BIO *bio = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)passphrase) : NULL;
  if (key && EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 &&
      EVP_PKEY_get_raw_private_key(key, secret, &secret_size) == 1 &&
      EVP_PKEY_get_raw_public_key(key, public_half, &public_size) == 1 && secret_size == HALF && public_size == HALF) {
    text = write_text(container, write_container(container, secret, public_half));
  }
  EVP_PKEY_free(key);
  BIO_free(bio);
  OPENSSL_cleanse(secret, sizeof(secret));
  OPENSSL_cleanse(container, sizeof(container));
  return text;
}
