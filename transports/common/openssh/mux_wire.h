/* SPDX-License-Identifier: MIT */
/**
 * @file mux_wire.h
 * The bytes on the control socket of an OpenSSH master (OpenSSH's PROTOCOL.mux): a greeting, the wish for proxy mode,
 * and from then on the messages of the SSH connection protocol (RFC 4254), unencrypted. No I/O. Thread: any.
 *
 * Before proxy mode a packet is `uint32 size, uint32 type, body`, after it `uint32 size, 0, byte type, body`.
 */
#ifndef TRANSPORTS_MUX_WIRE_H
#define TRANSPORTS_MUX_WIRE_H

#include <penstock/sdk.h>

/** Largest packet that is taken from a master, without its size; OpenSSH's own packets end at 256 KiB. */
#define MUX_PACKET_MAX ((size_t)512 << 10)
/** Bytes before the data of a CHANNEL_DATA packet. */
#define MUX_DATA_HEADER 14

/** Types before proxy mode. (No enum: its constants would be signed.) */
#define MUX_HELLO      UINT32_C(0x00000001)
#define MUX_WANT_PROXY UINT32_C(0x1000000f)
#define MUX_DENIED     UINT32_C(0x80000002)
#define MUX_FAILURE    UINT32_C(0x80000003)
#define MUX_IS_PROXY   UINT32_C(0x8000000f)
/** Version of the protocol that we speak; it is OpenSSH's since 5.4. */
#define MUX_VERSION 4

/** Messages of RFC 4254. */
enum mux_type {
  MUX_GLOBAL_REQUEST = 80,
  MUX_OPEN = 90,
  MUX_OPENED = 91,
  MUX_REFUSED = 92,
  MUX_ADJUST = 93,
  MUX_DATA = 94,
  MUX_EXTENDED_DATA = 95,
  MUX_EOF = 96,
  MUX_CLOSE = 97,
  MUX_REQUEST = 98,
  MUX_SUCCESS = 99,
  MUX_NO_SUCCESS = 100
};

/** Bytes that wait to be sent. Zeroed is empty. */
typedef struct mux_buffer {
  uint8_t *data; /**< the buffer's own; mux_buffer_clear frees it */
  size_t at;     /**< first byte that waits */
  size_t size;   /**< end of what waits */
  size_t room;
  int failed; /**< there was no memory: what is in it is incomplete */
} mux_buffer;

/** Frees it; it is then empty. */
void mux_buffer_clear(mux_buffer *buffer);
/** Adds bytes. */
void mux_put_bytes(mux_buffer *buffer, const void *data, size_t size);
void mux_put_byte(mux_buffer *buffer, uint8_t value);
void mux_put_number(mux_buffer *buffer, uint32_t value);
/** Adds a size and so many bytes. */
void mux_put_string(mux_buffer *buffer, const void *data, size_t size);
/** Takes away `count` of the bytes that wait. */
void mux_buffer_consume(mux_buffer *buffer, size_t count);

/** Starts a packet in proxy mode; returns what mux_end wants. */
size_t mux_begin(mux_buffer *buffer, uint8_t type);
/** The same with the number of a channel behind the type. */
size_t mux_begin_for(mux_buffer *buffer, uint8_t type, uint32_t channel);
/** Ends a packet. */
void mux_end(mux_buffer *buffer, size_t start);
/** Adds the greeting, and the wish for proxy mode with that request number. */
void mux_put_greeting(mux_buffer *buffer, uint32_t request);
/** Writes what stands before `size` bytes of data for a channel. */
void mux_data_header(uint8_t header[MUX_DATA_HEADER], uint32_t channel, uint32_t size);

/**
 * Is there a whole packet at the start of `size` bytes? 1 with its body's place and size, 0 if more must come, or
 * PENSTOCK_E_INVALID: nothing of that size is ever sent.
 */
int mux_next_packet(const uint8_t *data, size_t size, const uint8_t **body, size_t *body_size);

/** A packet before proxy mode. */
typedef struct mux_answer {
  uint32_t type;    /**< MUX_HELLO … */
  uint32_t number;  /**< HELLO: version; else the request's */
  char reason[256]; /**< DENIED, FAILURE: printable */
} mux_answer;

/** Reads one; returns 0, or PENSTOCK_E_INVALID. */
int mux_read_answer(const uint8_t *body, size_t size, mux_answer *answer);

/** A message in proxy mode; members that its type does not have are 0. Pointers point into the packet. */
typedef struct mux_message {
  uint8_t type;
  uint8_t want_reply;  /**< REQUEST */
  uint32_t channel;    /**< ours */
  uint32_t far_id;     /**< OPENED: the server's number for it */
  uint32_t window;     /**< OPENED, ADJUST: bytes */
  uint32_t packet;     /**< OPENED: largest data that the server takes at once */
  uint32_t code;       /**< REFUSED: reason; EXTENDED_DATA: kind, 1 = standard error */
  const uint8_t *data; /**< DATA, EXTENDED_DATA: bytes; REFUSED: text; REQUEST: what comes with it */
  size_t size;
  const uint8_t *name; /**< REQUEST: its name; not NUL-terminated */
  size_t name_size;
} mux_message;

/** Reads one. Returns 0, PENSTOCK_E_INVALID, or PENSTOCK_E_UNSUPPORTED for a type that is not for a channel of ours. */
int mux_read_message(const uint8_t *body, size_t size, mux_message *message);
/** Reads a number at the start of `size` bytes; `otherwise` if they are too few. */
uint32_t mux_read_number(const uint8_t *data, size_t size, uint32_t otherwise);
/** Copies text that came over the wire: cut at `size`, control characters as '?'. */
void mux_copy_text(char *text, size_t size, const uint8_t *from, size_t from_size);

#endif
