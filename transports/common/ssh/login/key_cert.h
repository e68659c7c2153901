/* SPDX-License-Identifier: MIT */
/**
 * @file key_cert.h
 * OpenSSH certificates (PROTOCOL.certkeys of OpenSSH): read, not verified. The server verifies them; we only look at
 * what they say of themselves, so that a login that fails can be explained.
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_KEY_CERT_H
#define TRANSPORTS_SSH_KEY_CERT_H

#include <penstock/sdk.h>

/** A certificate. */
typedef struct key_cert {
  uint8_t *blob; /**< all of it in wire form; the certificate's own */
  size_t blob_size;
  uint8_t *plain; /**< the public key that it certifies, in wire form; the certificate's own */
  size_t plain_size;
  char type[64];             /**< such as ssh-ed25519-cert-v01@openssh.com */
  int is_host;               /**< it is a host's, not a user's */
  char id[128];              /**< key id, printable */
  const uint8_t *principals; /**< into `blob`: strings of wire form, one after the other */
  size_t principals_size;
  uint64_t valid_after; /**< seconds since 1970 */
  uint64_t valid_before;
} key_cert;

/** Is `type` one of a certificate? */
int key_cert_is_type(const char *type);
/** Reads a certificate in wire form. Returns 0, or a negative code; nothing is to be freed then. */
int key_cert_parse(key_cert *cert, const uint8_t *blob, size_t blob_size);
/** Frees what the certificate owns. */
void key_cert_clear(key_cert *cert);
/**
 * Says in `text` why a server will hardly take it for `user` at `now` (seconds since 1970): expired, not yet valid, of
 * other users, of a host. Returns 1, or 0 with an empty text if nothing is to be said.
 */
int key_cert_complain(const key_cert *cert, const char *user, uint64_t now, char *text, size_t size);

#endif
