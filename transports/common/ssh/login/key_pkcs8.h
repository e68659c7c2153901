/* SPDX-License-Identifier: MIT */
/**
 * @file key_pkcs8.h
 * Ed25519 keys in PKCS#8 (RFC 8410), as openssl makes them, in OpenSSH's form: libssh 0.10 reads only half of them.
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_KEY_PKCS8_H
#define TRANSPORTS_SSH_KEY_PKCS8_H

/**
 * Converts a PEM text; `passphrase` NULL = it is not encrypted. The result is not encrypted: the caller wipes and frees
 * it. NULL if the text holds no Ed25519 key, or the passphrase does not open it.
 */
char *key_pkcs8_to_openssh(const char *pem, const char *passphrase);

#endif
