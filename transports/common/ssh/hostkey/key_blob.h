/* SPDX-License-Identifier: MIT */
/**
 * @file key_blob.h
 * Public keys in SSH's wire form (RFC 4253, 6.6; RFC 5656; RFC 8709), as far as their own fields go.
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_KEY_BLOB_H
#define TRANSPORTS_SSH_KEY_BLOB_H

#include <penstock/sdk.h>

/** Takes one length-prefixed string. Returns 0 with borrowed `bytes`, or a negative code past the end. */
int key_blob_take(const uint8_t **cursor, const uint8_t *end, const uint8_t **bytes, size_t *size);
/** Takes a 32-bit number. Returns 0, or a negative code past the end. */
int key_blob_take_u32(const uint8_t **cursor, const uint8_t *end, uint32_t *value);
/** Takes a 64-bit number. Returns 0, or a negative code past the end. */
int key_blob_take_u64(const uint8_t **cursor, const uint8_t *end, uint64_t *value);
/** How many strings make a key of this type (without `-cert-v01@openssh.com`); 0 for a type that is not known. */
unsigned key_blob_fields(const char *type);
/** The size of the key in bits, as ssh-keygen says it; 0 if it cannot be told. */
unsigned key_blob_bits(const uint8_t *blob, size_t blob_size);
/** Is this the type of a key that lives in a security key (FIDO)? */
int key_blob_is_fido(const char *type);

#endif
