/* SPDX-License-Identifier: MIT */
/**
 * @file agent_wire.h
 * Messages of the SSH agent protocol (draft-miller-ssh-agent): each is its length in four bytes, a type, and what
 * belongs to it. No I/O. Thread: any.
 */
#ifndef TRANSPORTS_SSH_AGENT_WIRE_H
#define TRANSPORTS_SSH_AGENT_WIRE_H

#include "common/ssh/login/key_agent.h"

enum {
  AGENT_FAILURE = 5,
  AGENT_REQUEST_IDENTITIES = 11,
  AGENT_IDENTITIES_ANSWER = 12,
  AGENT_SIGN_REQUEST = 13,
  AGENT_SIGN_RESPONSE = 14,
  AGENT_LENGTH_SIZE = 4,          /**< bytes of the length before a message */
  AGENT_MESSAGE_MAX = 256 * 1024, /**< what OpenSSH's agent takes, without the length */
  AGENT_KEYS_MAX = 256,           /**< more keys than that are not looked at */
  AGENT_SHORT_SIZE = 5            /**< bytes of a message that is no more than its type */
};

uint32_t agent_wire_number(const uint8_t *bytes);
/** Writes a message that is no more than its type. */
void agent_wire_short(uint8_t message[AGENT_SHORT_SIZE], uint8_t type);
/** Is `length`, as it stands before a message, one that a message can have? */
int agent_wire_is_length(uint32_t length);

/**
 * Reads an agent's answer of `size` bytes, its length included, to AGENT_REQUEST_IDENTITIES. The keys point into it,
 * and are to be freed. Keys whose type is not told are left out. Returns 0, or -1 if it is no such answer, or memory is
 * out; nothing is to be freed then.
 */
int agent_wire_read_keys(const uint8_t *message, size_t size, key_agent_key **keys, size_t *count);
/** Such an answer with one key, shown as `blob`; with none if `key` is NULL. To be freed; NULL if memory is out. */
uint8_t *agent_wire_show(const key_agent_key *key, const uint8_t *blob, size_t blob_size, size_t *size);
/**
 * The request to sign that goes to the real agent: `request`, but for `key`'s own blob where `shown` was shown. To be
 * freed; NULL if it is not for `shown`, or memory is out.
 */
uint8_t *agent_wire_sign(const uint8_t *request, size_t request_size, const key_agent_key *key, const uint8_t *shown,
                         size_t shown_size, size_t *size);

#endif
