/* SPDX-License-Identifier: MIT */
#include "common/openssh/mux_wire.h"

#include <stdlib.h>

enum { BUFFER_KEEP = 64 << 10 /* room that an empty buffer may hold on to */ };

/* --- writing --------------------------------------------------------------------------------------- */

void mux_buffer_clear(mux_buffer *buffer) {
  free(buffer->data);
  memset(buffer, 0, sizeof(*buffer));
}

void mux_put_bytes(mux_buffer *buffer, const void *data, size_t size) {
  if (size == 0 || buffer->failed) {
    return;
  }
  if (buffer->size + size > buffer->room) {
    size_t room = buffer->room ? buffer->room * 2 : 4096;
    while (room < buffer->size + size) {
      room *= 2;
    }
    uint8_t *grown = realloc(buffer->data, room);
    if (!grown) {
      buffer->failed = 1;
      return;
    }
    buffer->data = grown;
    buffer->room = room;
  }
  memcpy(buffer->data + buffer->size, data, size);
  buffer->size += size;
}

void mux_put_byte(mux_buffer *buffer, uint8_t value) {
  mux_put_bytes(buffer, &value, 1);
}

static void store_number(uint8_t bytes[4], uint32_t value) {
  bytes[0] = (uint8_t)(value >> 24);
  bytes[1] = (uint8_t)(value >> 16);
  bytes[2] = (uint8_t)(value >> 8);
  bytes[3] = (uint8_t)value;
}

void mux_put_number(mux_buffer *buffer, uint32_t value) {
  uint8_t bytes[4];
  store_number(bytes, value);
  mux_put_bytes(buffer, bytes, sizeof(bytes));
}

void mux_put_string(mux_buffer *buffer, const void *data, size_t size) {
  mux_put_number(buffer, (uint32_t)size);
  mux_put_bytes(buffer, data, size);
}

void mux_buffer_consume(mux_buffer *buffer, size_t count) {
  buffer->at += count;
  if (buffer->at == buffer->size) {
    buffer->at = buffer->size = 0;
    if (buffer->room > BUFFER_KEEP) {
      int failed = buffer->failed;
      mux_buffer_clear(buffer);
      buffer->failed = failed;
    }
  } else if (buffer->at > BUFFER_KEEP) {
    buffer->size -= buffer->at;
    memmove(buffer->data, buffer->data + buffer->at, buffer->size);
    buffer->at = 0;
  }
}

size_t mux_begin(mux_buffer *buffer, uint8_t type) {
  size_t start = buffer->size;
  mux_put_number(buffer, 0);
  mux_put_byte(buffer, 0);
  mux_put_byte(buffer, type);
  return start;
}

size_t mux_begin_for(mux_buffer *buffer, uint8_t type, uint32_t channel) {
  size_t start = mux_begin(buffer, type);
  mux_put_number(buffer, channel);
  return start;
}

void mux_end(mux_buffer *buffer, size_t start) {
  if (!buffer->failed) {
    store_number(buffer->data + start, (uint32_t)(buffer->size - start - 4));
  }
}

void mux_put_greeting(mux_buffer *buffer, uint32_t request) {
  mux_put_number(buffer, 8);
  mux_put_number(buffer, MUX_HELLO);
  mux_put_number(buffer, MUX_VERSION);
  mux_put_number(buffer, 8);
  mux_put_number(buffer, MUX_WANT_PROXY);
  mux_put_number(buffer, request);
}

void mux_data_header(uint8_t header[MUX_DATA_HEADER], uint32_t channel, uint32_t size) {
  store_number(header, size + MUX_DATA_HEADER - 4);
  header[4] = 0;
  header[5] = MUX_DATA;
  store_number(header + 6, channel);
  store_number(header + 10, size);
}

/* --- reading --------------------------------------------------------------------------------------- */

/* Reads on; what is not there makes it fail, and reads as 0. */
typedef struct reader {
  const uint8_t *at;
  size_t left;
  int failed;
} reader;

static uint32_t load_number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const uint8_t *get_bytes(reader *from, size_t count) {
  if (from->failed || count > from->left) {
    from->failed = 1;
    return NULL;
  }
  const uint8_t *bytes = from->at;
  from->at += count;
  from->left -= count;
  return bytes;
}

static uint8_t get_byte(reader *from) {
  const uint8_t *byte = get_bytes(from, 1);
  return byte ? *byte : 0;
}

static uint32_t get_number(reader *from) {
  const uint8_t *bytes = get_bytes(from, 4);
  return bytes ? load_number(bytes) : 0;
}

static const uint8_t *get_string(reader *from, size_t *size) {
  *size = get_number(from);
  const uint8_t *bytes = get_bytes(from, *size);
  *size = bytes ? *size : 0;
  return bytes;
}

int mux_next_packet(const uint8_t *data, size_t size, const uint8_t **body, size_t *body_size) {
  if (size < 4) {
    return 0;
  }
  size_t length = load_number(data);
  if (length < 2 || length > MUX_PACKET_MAX) {
    return PENSTOCK_E_INVALID;
  }
  *body = data + 4;
  *body_size = length;
  return size - 4 >= length;
}

void mux_copy_text(char *text, size_t size, const uint8_t *from, size_t from_size) {
  size_t length = from_size < size - 1 ? from_size : size - 1;
  if (length > 0) {
    memcpy(text, from, length);
  }
  text[length] = '\0';
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7F) {
      text[i] = '?';
    }
  }
  if (length < from_size) {
    penstock_utf8_trim(text, size);
  }
}

uint32_t mux_read_number(const uint8_t *data, size_t size, uint32_t otherwise) {
  return size < 4 ? otherwise : load_number(data);
}

int mux_read_answer(const uint8_t *body, size_t size, mux_answer *answer) {
  reader from = {body, size, 0};
  size_t length;
  memset(answer, 0, sizeof(*answer));
  answer->type = get_number(&from);
  answer->number = get_number(&from);
  if (answer->type == MUX_DENIED || answer->type == MUX_FAILURE) {
    const uint8_t *reason = get_string(&from, &length);
    mux_copy_text(answer->reason, sizeof(answer->reason), reason, length);
  }
  return from.failed ? PENSTOCK_E_INVALID : 0;
}

static void read_rest(reader *from, mux_message *message) {
  switch (message->type) {
  case MUX_OPENED:
    message->far_id = get_number(from);
    message->window = get_number(from);
    message->packet = get_number(from);
    break;
  case MUX_REFUSED:
    message->code = get_number(from);
    message->data = get_string(from, &message->size);
    break;
  case MUX_ADJUST:
    message->window = get_number(from);
    break;
  case MUX_EXTENDED_DATA:
    message->code = get_number(from);
    message->data = get_string(from, &message->size);
    break;
  case MUX_DATA:
    message->data = get_string(from, &message->size);
    break;
  case MUX_REQUEST:
    message->name = get_string(from, &message->name_size);
    message->want_reply = get_byte(from);
    message->data = from->at;
    message->size = from->left;
    break;
  default: /* EOF, CLOSE, SUCCESS, NO_SUCCESS: the number is all */
    break;
  }
}

int mux_read_message(const uint8_t *body, size_t size, mux_message *message) {
  reader from = {body, size, 0};
  memset(message, 0, sizeof(*message));
  (void)get_byte(&from); /* the size of a padding that there is not */
  message->type = get_byte(&from);
  if (message->type < MUX_OPENED || message->type > MUX_NO_SUCCESS) {
    return from.failed ? PENSTOCK_E_INVALID : PENSTOCK_E_UNSUPPORTED;
  }
  message->channel = get_number(&from);
  read_rest(&from, message);
  return from.failed ? PENSTOCK_E_INVALID : 0;
}
