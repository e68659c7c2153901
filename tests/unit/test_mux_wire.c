/* SPDX-License-Identifier: MIT */
/* What goes over ssh's control socket: written, read, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/openssh/mux_wire.h"

/* The body of the one packet that is in a buffer. */
static const uint8_t *body_of(const mux_buffer *buffer, size_t *size) {
  const uint8_t *body = NULL;
  assert_int_equal(buffer->failed, 0);
  assert_int_equal(mux_next_packet(buffer->data, buffer->size, &body, size), 1);
  assert_int_equal(buffer->size, *size + 4);
  return body;
}

static void greeting_is_what_openssh_wants(void **state) {
  static const uint8_t wanted[] = {0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 8, 0x10, 0, 0, 0x0f, 0, 0, 0, 7};
  mux_buffer buffer = {0};
  (void)state;
  mux_put_greeting(&buffer, 7);
  assert_int_equal(buffer.size, sizeof(wanted));
  assert_memory_equal(buffer.data, wanted, sizeof(wanted));
  mux_buffer_clear(&buffer);
}

static void answers_are_read(void **state) {
  static const uint8_t hello[] = {0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 4, 'i', 'n', 'f', 'o', 0, 0, 0, 1, '0'};
  static const uint8_t denied[] = {0x80, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 'n', 0x1B, 'o'};
  mux_answer answer;
  (void)state;
  assert_int_equal(mux_read_answer(hello, sizeof(hello), &answer), 0);
  assert_int_equal(answer.type, MUX_HELLO);
  assert_int_equal(answer.number, MUX_VERSION);
  assert_int_equal(mux_read_answer(denied, sizeof(denied), &answer), 0);
  assert_string_equal(answer.reason, "n?o");
  for (size_t size = 0; size < sizeof(denied); size++) {
    assert_int_equal(mux_read_answer(denied, size, &answer), PENSTOCK_E_INVALID);
  }
}

static void packets_are_taken_whole_or_not(void **state) {
  static const uint8_t packet[] = {0, 0, 0, 3, 1, 2, 3, 9};
  static const uint8_t tiny[] = {0, 0, 0, 1, 0};
  static const uint8_t huge[] = {0, 8, 0, 1};
  const uint8_t *body = NULL;
  size_t size = 0;
  (void)state;
  for (size_t there = 0; there < 7; there++) {
    assert_int_equal(mux_next_packet(packet, there, &body, &size), 0);
  }
  assert_int_equal(mux_next_packet(packet, 8, &body, &size), 1);
  assert_int_equal(size, 3);
  assert_ptr_equal(body, packet + 4);
  assert_int_equal(mux_next_packet(tiny, sizeof(tiny), &body, &size), PENSTOCK_E_INVALID);
  assert_int_equal(mux_next_packet(huge, sizeof(huge), &body, &size), PENSTOCK_E_INVALID);
}

static void data_is_framed(void **state) {
  uint8_t packet[MUX_DATA_HEADER + 3];
  const uint8_t *body = NULL;
  size_t size = 0;
  mux_message message;
  (void)state;
  mux_data_header(packet, 0x01020304, 3);
  memcpy(packet + MUX_DATA_HEADER, (const uint8_t[3]){0x61, 0x62, 0x63}, 3);
  assert_int_equal(mux_next_packet(packet, sizeof(packet), &body, &size), 1);
  assert_int_equal(mux_read_message(body, size, &message), 0);
  assert_int_equal(message.type, MUX_DATA);
  assert_int_equal(message.channel, 0x01020304);
  assert_int_equal(message.size, 3);
  assert_memory_equal(message.data, "abc", 3);
}

/* Each type with all of its members; every shorter packet must be refused. */
static void every_message_is_read_and_none_that_is_cut(void **state) {
  (void)state;
  for (int each = MUX_OPENED; each <= MUX_NO_SUCCESS; each++) {
    uint8_t type = (uint8_t)each;
    mux_buffer buffer = {0};
    mux_message message;
    size_t size = 0;
    size_t start = mux_begin_for(&buffer, type, 5);
    if (type == MUX_OPENED || type == MUX_REFUSED || type == MUX_ADJUST || type == MUX_EXTENDED_DATA) {
      mux_put_number(&buffer, type == MUX_ADJUST ? 77 : 1);
    }
    if (type == MUX_OPENED) {
      mux_put_number(&buffer, 77);
      mux_put_number(&buffer, 32768);
    } else if (type == MUX_REQUEST) {
      mux_put_string(&buffer, "exit-status", 11);
      mux_put_byte(&buffer, 1);
    } else if (type == MUX_REFUSED || type == MUX_DATA || type == MUX_EXTENDED_DATA) {
      mux_put_string(&buffer, "text", 4);
    }
    mux_end(&buffer, start);
    const uint8_t *body = body_of(&buffer, &size);
    assert_int_equal(mux_read_message(body, size, &message), 0);
    assert_int_equal(message.channel, 5);
    assert_int_equal(message.window, type == MUX_OPENED || type == MUX_ADJUST ? 77 : 0);
    assert_int_equal(message.packet, type == MUX_OPENED ? 32768 : 0);
    assert_int_equal(message.want_reply, type == MUX_REQUEST);
    assert_int_equal(message.name_size, type == MUX_REQUEST ? 11 : 0);
    assert_int_equal(message.size, type == MUX_REFUSED || type == MUX_DATA || type == MUX_EXTENDED_DATA ? 4 : 0);
    for (size_t cut = 0; cut < size; cut++) {
      assert_int_not_equal(mux_read_message(body, cut, &message), 0);
    }
    mux_buffer_clear(&buffer);
  }
}

static void sizes_that_reach_too_far_are_refused(void **state) {
  static const uint8_t data[] = {0, MUX_DATA, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 'x'};
  mux_message message;
  (void)state;
  assert_int_equal(mux_read_message(data, sizeof(data), &message), PENSTOCK_E_INVALID);
}

static void messages_that_are_not_for_a_channel_are_told_apart(void **state) {
  static const uint8_t global[] = {0, MUX_GLOBAL_REQUEST, 0, 0, 0, 0, 0};
  mux_message message;
  (void)state;
  assert_int_equal(mux_read_message(global, sizeof(global), &message), PENSTOCK_E_UNSUPPORTED);
}

static void buffer_is_consumed_in_any_pieces(void **state) {
  mux_buffer buffer = {0};
  uint8_t next = 0;
  uint8_t expected = 0;
  (void)state;
  for (int round = 0; round < 2000; round++) {
    for (int i = 0; i < 150; i++) {
      mux_put_byte(&buffer, next++);
    }
    size_t take = (size_t)(round % 3) * 100 < buffer.size - buffer.at ? (size_t)(round % 3) * 100 : 0;
    for (size_t i = 0; i < take; i++) {
      assert_int_equal(buffer.data[buffer.at + i], expected++);
    }
    mux_buffer_consume(&buffer, take);
  }
  assert_true(buffer.room < (size_t)1 << 20); /* what is taken makes room */
  mux_buffer_consume(&buffer, buffer.size - buffer.at);
  assert_int_equal(buffer.size, 0);
  mux_buffer_clear(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(greeting_is_what_openssh_wants),
      cmocka_unit_test(answers_are_read),
      cmocka_unit_test(packets_are_taken_whole_or_not),
      cmocka_unit_test(data_is_framed),
      cmocka_unit_test(every_message_is_read_and_none_that_is_cut),
      cmocka_unit_test(sizes_that_reach_too_far_are_refused),
      cmocka_unit_test(messages_that_are_not_for_a_channel_are_told_apart),
      cmocka_unit_test(buffer_is_consumed_in_any_pieces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
