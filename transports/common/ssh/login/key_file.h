/* SPDX-License-Identifier: MIT */
/**
 * @file key_file.h
 * Files of private keys, public keys and certificates, as ssh-keygen writes them.
 * Thread: any; nothing is shared. Private keys are wiped from memory after use.
 */
#ifndef TRANSPORTS_SSH_KEY_FILE_H
#define TRANSPORTS_SSH_KEY_FILE_H

#include <libssh/libssh.h>
#include <penstock/sdk.h>

#include "common/ssh/login/key_cert.h"

/** A file that is to hold a private key. */
typedef struct key_file {
  const char *path;  /**< borrowed */
  uint8_t *blob;     /**< its public half in wire form; NULL if it cannot be had without the passphrase */
  size_t blob_size;  /**< bytes in it */
  char type[64];     /**< of the public half */
  int is_usable;     /**< the private key is there and may be used */
  int is_missing;    /**< there is no such file */
  char problem[256]; /**< why it is not usable, to be said after its name; empty if it is */
  char remedy[512];  /**< what to do about that; may be empty */
} key_file;

/** What came of reading a private key. */
typedef enum key_file_result {
  KEY_FILE_READ = 0,
  KEY_FILE_ENCRYPTED,   /**< a passphrase is needed, or another one */
  KEY_FILE_NOT_READABLE /**< for `problem` and `remedy` see the file */
} key_file_result;

/** Looks at the file `path`, which must live as long as the result: is it there, is it safe, what is its public half.
 */
void key_file_look(key_file *file, const char *path);
/** Frees what key_file_look found. */
void key_file_clear(key_file *file);

/**
 * Reads the private key; `passphrase` NULL = it has none. The caller frees `*key`. Also fills in the public half, if it
 * was not known.
 */
key_file_result key_file_read(key_file *file, const char *passphrase, ssh_key *key);

/** Reads a file of one certificate in one line. Returns 0, or a negative code with a reason in `why`. */
int key_file_read_cert(key_cert *cert, const char *path, char *why, size_t why_size);

/** A key or certificate in wire form as libssh has it; NULL if it knows no such. The caller frees it. */
ssh_key key_file_import(const uint8_t *blob, size_t blob_size);

#endif
