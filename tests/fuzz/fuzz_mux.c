/* SPDX-License-Identifier: MIT */
/* What an ssh says on its control socket: packets, greeting, messages. */
#include <stdlib.h>

#include "common/openssh/mux_wire.h"
#include "fuzz.h"

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

/* What a message points at lies within its packet. */
static void check_place(const uint8_t *body, size_t size, const uint8_t *at, size_t length) {
  must(length == 0 || (at >= body && at + length <= body + size));
}

static void check_packet(const uint8_t *body, size_t size) {
  mux_answer answer;
  mux_message message;
  if (mux_read_answer(body, size, &answer) == 0) {
    must(size >= 8);
    for (const char *c = answer.reason; *c; c++) {
      must((unsigned char)*c >= ' ');
    }
  }
  if (mux_read_message(body, size, &message) == 0) {
    must(message.type >= MUX_OPENED && message.type <= MUX_NO_SUCCESS);
    check_place(body, size, message.data, message.size);
    check_place(body, size, message.name, message.name_size);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *body;
  size_t body_size;
  size_t at = 0;
  while (mux_next_packet(data + at, size - at, &body, &body_size) == 1) {
    must(body == data + at + 4 && body_size <= MUX_PACKET_MAX);
    check_packet(body, body_size);
    at += body_size + 4;
  }
  return 0;
}
