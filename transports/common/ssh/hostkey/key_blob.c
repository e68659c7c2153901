/* SPDX-License-Identifier: MIT */
#include "common/ssh/hostkey/key_blob.h"

#include "common/ssh/hostkey/known_hosts.h"

static const struct {
  const char *type;
  unsigned fields;
  unsigned bits; /* 0: those of its modulus */
} kinds[] = {
    {"ssh-ed25519", 1, 256},
    {"ssh-rsa", 2, 0},
    {"ecdsa-sha2-nistp256", 2, 256},
    {"ecdsa-sha2-nistp384", 2, 384},
    {"ecdsa-sha2-nistp521", 2, 521},
    {"sk-ssh-ed25519@openssh.com", 2, 256},
    {"sk-ecdsa-sha2-nistp256@openssh.com", 3, 256},
    {"ssh-dss", 4, 0},
};

int key_blob_take_u32(const uint8_t **cursor, const uint8_t *end, uint32_t *value) {
  const uint8_t *at = *cursor;
  if (end - at < 4) {
    return PENSTOCK_E_INVALID;
  }
  *value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  *cursor = at + 4;
  return 0;
}

int key_blob_take_u64(const uint8_t **cursor, const uint8_t *end, uint64_t *value) {
  uint32_t high;
  uint32_t low;
  if (end - *cursor < 8 || key_blob_take_u32(cursor, end, &high) || key_blob_take_u32(cursor, end, &low)) {
    return PENSTOCK_E_INVALID;
  }
  *value = (uint64_t)high << 32 | low;
  return 0;
}

int key_blob_take(const uint8_t **cursor, const uint8_t *end, const uint8_t **bytes, size_t *size) {
  uint32_t length;
  const uint8_t *at = *cursor;
  if (key_blob_take_u32(&at, end, &length) || (size_t)(end - at) < length) {
    return PENSTOCK_E_INVALID;
  }
  *bytes = at;
  *size = length;
  *cursor = at + length;
  return 0;
}

unsigned key_blob_fields(const char *type) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(kinds[i].type, type) == 0) {
      return kinds[i].fields;
    }
  }
  return 0;
}

static unsigned number_bits(const uint8_t *bytes, size_t size) {
  while (size > 0 && *bytes == 0) {
    bytes++;
    size--;
  }
  unsigned bits = (unsigned)size * 8;
  for (unsigned top = 0x80; size > 0 && !(*bytes & top); top >>= 1) {
    bits--;
  }
  return bits;
}

unsigned key_blob_bits(const uint8_t *blob, size_t blob_size) {
  char type[64];
  const uint8_t *cursor = blob;
  const uint8_t *end = blob + blob_size;
  const uint8_t *field;
  size_t size;
  if (blob_size > 1 << 20 || known_hosts_blob_type(blob, blob_size, type, sizeof(type)) ||
      key_blob_take(&cursor, end, &field, &size)) {
    return 0;
  }
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(kinds[i].type, type) == 0 && kinds[i].bits) {
      return kinds[i].bits;
    }
  }
  int is_rsa = strcmp(type, "ssh-rsa") == 0;
  if ((is_rsa && key_blob_take(&cursor, end, &field, &size)) || /* the exponent */
      (!is_rsa && strcmp(type, "ssh-dss") != 0)) {
    return 0;
  }
  return key_blob_take(&cursor, end, &field, &size) ? 0 : number_bits(field, size);
}

int key_blob_is_fido(const char *type) {
  return strncmp(type, "sk-", 3) == 0;
}
