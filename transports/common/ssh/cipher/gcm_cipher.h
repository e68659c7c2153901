/* SPDX-License-Identifier: MIT */
/**
 * @file gcm_cipher.h
 * gcm_wide.h as a cipher of OpenSSL's, for SSH (RFC 5647): a message is IV_GEN, extra bytes, all data at once, the end.
 */
#ifndef TRANSPORTS_SSH_GCM_CIPHER_H
#define TRANSPORTS_SSH_GCM_CIPHER_H

#include <openssl/evp.h>

/**
 * A cipher that does what `own`, OpenSSL's AES-GCM, does in such a session, and faster; `own` if there is none: the
 * processor cannot do it, OpenSSL does it itself (from 3.1 on), or the two have not agreed in a trial. Lives until the
 * program ends or the plugin is unloaded. Any thread.
 */
const EVP_CIPHER *gcm_cipher_instead(const EVP_CIPHER *own);

#endif
