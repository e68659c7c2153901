/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/agent_wire.h"

#include <stdlib.h>

#include "common/ssh/hostkey/known_hosts.h"

uint32_t agent_wire_number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint8_t *put_number(uint8_t *bytes, size_t value) {
  bytes[0] = (uint8_t)(value >> 24);
  bytes[1] = (uint8_t)(value >> 16);
  bytes[2] = (uint8_t)(value >> 8);
  bytes[3] = (uint8_t)value;
  return bytes + AGENT_LENGTH_SIZE;
}

static uint8_t *put_string(uint8_t *bytes, const void *data, size_t size) {
  bytes = put_number(bytes, size);
  memcpy(bytes, data, size);
  return bytes + size;
}

void agent_wire_short(uint8_t message[AGENT_SHORT_SIZE], uint8_t type) {
  *put_number(message, 1) = type;
}

int agent_wire_is_length(uint32_t length) {
  return length > 0 && length <= AGENT_MESSAGE_MAX;
}

/* Takes one length-prefixed string. Returns 0, or -1 past the end. */
static int take_string(const uint8_t **cursor, const uint8_t *end, const uint8_t **bytes, size_t *size) {
  if (end - *cursor < AGENT_LENGTH_SIZE) {
    return -1;
  }
  uint32_t length = agent_wire_number(*cursor);
  *cursor += AGENT_LENGTH_SIZE;
  if ((size_t)(end - *cursor) < length) {
    return -1;
  }
  *bytes = *cursor;
  *size = length;
  *cursor += length;
  return 0;
}

static void copy_comment(key_agent_key *key, const uint8_t *bytes, size_t size) {
  size_t length = size < sizeof(key->comment) - 1 ? size : sizeof(key->comment) - 1;
  for (size_t i = 0; i < length; i++) {
    key->comment[i] = (char)(bytes[i] < ' ' || bytes[i] == 0x7F ? '?' : bytes[i]);
  }
  key->comment[length] = '\0';
  penstock_utf8_trim(key->comment, sizeof(key->comment));
}

int agent_wire_read_keys(const uint8_t *message, size_t size, key_agent_key **keys, size_t *count) {
  const uint8_t *cursor = message + AGENT_SHORT_SIZE;
  const uint8_t *end = message + size;
  *count = 0;
  *keys = NULL;
  if (size < AGENT_SHORT_SIZE + AGENT_LENGTH_SIZE || message[AGENT_LENGTH_SIZE] != AGENT_IDENTITIES_ANSWER) {
    return -1;
  }
  uint32_t told = agent_wire_number(cursor);
  cursor += AGENT_LENGTH_SIZE;
  told = told > AGENT_KEYS_MAX ? AGENT_KEYS_MAX : told;
  key_agent_key *list = calloc(told + 1, sizeof(*list));
  for (uint32_t i = 0; list && i < told; i++) {
    key_agent_key *key = &list[*count];
    const uint8_t *comment;
    size_t comment_size;
    if (take_string(&cursor, end, &key->blob, &key->blob_size) || take_string(&cursor, end, &comment, &comment_size)) {
      free(list);
      return -1;
    }
    copy_comment(key, comment, comment_size);
    if (known_hosts_blob_type(key->blob, key->blob_size, key->type, sizeof(key->type)) == 0) {
      (*count)++;
    }
  }
  *keys = list;
  return list ? 0 : -1;
}

uint8_t *agent_wire_show(const key_agent_key *key, const uint8_t *blob, size_t blob_size, size_t *size) {
  size_t comment_size = key ? strlen(key->comment) : 0;
  size_t length = 1 + 4 + (key ? 4 + blob_size + 4 + comment_size : 0);
  uint8_t *message = malloc(AGENT_LENGTH_SIZE + length);
  if (message) {
    uint8_t *cursor = put_number(message, length);
    *cursor++ = AGENT_IDENTITIES_ANSWER;
    cursor = put_number(cursor, key != NULL);
    if (key) {
      cursor = put_string(cursor, blob, blob_size);
      (void)put_string(cursor, key->comment, comment_size);
    }
  }
  *size = AGENT_LENGTH_SIZE + length;
  return message;
}

uint8_t *agent_wire_sign(const uint8_t *request, size_t request_size, const key_agent_key *key, const uint8_t *shown,
                         size_t shown_size, size_t *size) {
  const uint8_t *cursor = request + AGENT_SHORT_SIZE;
  const uint8_t *end = request + request_size;
  const uint8_t *blob;
  size_t blob_size;
  if (take_string(&cursor, end, &blob, &blob_size) || blob_size != shown_size || memcmp(blob, shown, shown_size) != 0) {
    return NULL;
  }
  size_t rest = (size_t)(end - cursor);
  *size = AGENT_SHORT_SIZE + 4 + key->blob_size + rest;
  uint8_t *message = malloc(*size);
  if (message) {
    uint8_t *at = put_number(message, *size - AGENT_LENGTH_SIZE);
    *at++ = AGENT_SIGN_REQUEST;
    memcpy(put_string(at, key->blob, key->blob_size), cursor, rest);
  }
  return message;
}
