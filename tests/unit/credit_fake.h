/* SPDX-License-Identifier: MIT */
/**
 * @file credit_fake.h
 * A transport with credit streams whose far side is the test itself. It watches over the contract: which
 * slot may be called from inside which call, how often, and that no byte more than the credit moves.
 */
#ifndef CREDIT_FAKE_H
#define CREDIT_FAKE_H

#include "relay_rig.h"

#define BUDGET_ENDLESS UINT64_MAX

typedef enum fake_call { CALL_NONE, CALL_HOST, CALL_WRITABLE } fake_call;

typedef struct fake {
  uv_idle_t *pump; /**< delivers, and takes again */
  penstock_sink *sink;
  fake_call inside;
  uint64_t credit;
  uint64_t granted;
  uint64_t send_key; /**< what the far side sends */
  uint64_t send_total;
  uint64_t sent;
  int half_close;
  int eof_told;
  uint64_t receive_key; /**< what it expects */
  uint64_t received;
  uint64_t budget;       /**< how much it takes before it says no; the pump gives it `refill` more */
  uint64_t refill;       /**< 0 = takes no more until the test says so */
  size_t chunk;          /**< its write_chunk */
  int blocked;           /**< it took less than it was given */
  int nested;            /**< delivers from inside its slots too */
  int writable_in_write; /**< says that it is writable before it has said that it is not */
  size_t largest_write;
  int shutdowns;
  int eof; /**< as peer::eof */
  int closes;
  int close_how;
  int wrote_at; /* when it was last given something, and when the end: counted by fake_calls */
  int shut_at;
} fake;

UNUSED static int fake_calls;

static void fake_pump(uv_idle_t *pump);

UNUSED static void fake_wake(fake *f) {
  if (f->pump) {
    uv_idle_start(f->pump, fake_pump);
  }
}

/* Calls the host, and notes that it does. */
#define FAKE_CALL(f, how, call)                                                                                        \
  do {                                                                                                                 \
    fake_call outer_ = (f)->inside;                                                                                    \
    (f)->inside = (how);                                                                                               \
    call;                                                                                                              \
    (f)->inside = outer_;                                                                                              \
  } while (0)

UNUSED static void fake_deliver(fake *f) {
  unsigned char data[64 * 1024];
  uint64_t left = f->send_total - f->sent;
  size_t size = rig_between(1, sizeof(data));
  size = size > left ? (size_t)left : size;
  size = size > f->credit ? (size_t)f->credit : size;
  if (size == 0 || !f->sink) {
    return;
  }
  pattern_fill(f->send_key, f->sent, data, size);
  f->sent += size;
  f->credit -= size;
  uint64_t back = 0;
  FAKE_CALL(f, CALL_HOST, back = ps_relay_stream_data(f->sink, data, size));
  assert_true(back <= size);
  f->credit += back;
  f->granted += back;
}

static void fake_pump(uv_idle_t *pump) {
  fake *f = pump->data;
  if (f->sink && f->credit > 0 && f->sent < f->send_total) {
    fake_deliver(f);
  }
  if (f->sink && f->half_close && !f->eof_told && f->sent == f->send_total) {
    f->eof_told = 1;
    FAKE_CALL(f, CALL_HOST, ps_relay_stream_eof(f->sink));
  }
  if (f->sink && f->blocked && (f->budget > 0 || f->refill > 0)) {
    f->budget += f->budget == BUDGET_ENDLESS ? 0 : f->refill;
    f->blocked = 0;
    FAKE_CALL(f, CALL_WRITABLE, ps_relay_stream_writable(f->sink));
  }
  if ((f->credit == 0 || f->sent == f->send_total) && !(f->blocked && f->refill > 0)) {
    uv_idle_stop(pump);
  }
}

static size_t fake_write(void *stream, const void *data, size_t size) {
  fake *f = stream;
  assert_true(f->inside == CALL_NONE || f->inside == CALL_WRITABLE);
  assert_true(f->closes == 0 && f->shutdowns == 0 && size > 0);
  f->wrote_at = ++fake_calls;
  f->largest_write = size > f->largest_write ? size : f->largest_write;
  size_t taken = rig_random() % 4 == 0 ? rig_between(0, size) : size;
  taken = f->refill == 0 && f->budget == BUDGET_ENDLESS ? size : taken;
  taken = taken > f->budget ? (size_t)f->budget : taken;
  pattern_check(f->receive_key, f->received, data, taken);
  f->received += taken;
  f->budget -= f->budget == BUDGET_ENDLESS ? 0 : taken;
  if (taken < size) {
    f->blocked = 1;
    if (f->writable_in_write) {
      f->blocked = 0;
      f->budget += f->refill;
      FAKE_CALL(f, CALL_HOST, ps_relay_stream_writable(f->sink));
    }
    fake_wake(f);
  }
  if (f->nested) {
    fake_deliver(f);
  }
  return taken;
}

static void fake_shutdown_write(void *stream) {
  fake *f = stream;
  assert_true(f->inside == CALL_NONE || f->inside == CALL_WRITABLE);
  assert_true(f->closes == 0 && ++f->shutdowns == 1);
  f->shut_at = ++fake_calls;
  f->eof = 1;
}

static void fake_grant(void *stream, uint64_t bytes) {
  fake *f = stream;
  assert_true(f->inside == CALL_NONE && f->closes == 0 && bytes > 0);
  f->credit += bytes;
  f->granted += bytes;
  if (f->nested) {
    fake_deliver(f);
  }
  fake_wake(f);
}

static void fake_on_closed(uv_handle_t *handle) {
  free(handle);
}

static void fake_close(void *stream, uint32_t how) {
  fake *f = stream;
  assert_true(f->inside == CALL_NONE && ++f->closes == 1);
  f->close_how = (int)how;
  f->sink = NULL;
  uv_close((uv_handle_t *)f->pump, fake_on_closed);
  f->pump = NULL;
}

/** A stream between a new client and a fake far side; what they do is set by the caller before. */
UNUSED static void rig_join_credit(rig *r, uint64_t id, int tcp, int buffer, peer *client, fake *far) {
  int pair[2];
  rig_pair(tcp, buffer, pair);
  client->send_key = far->receive_key = id * 2 + 1;
  far->send_key = client->receive_key = id * 2 + 2;
  far->pump = malloc(sizeof(*far->pump));
  assert_non_null(far->pump);
  uv_idle_init(&r->loop, far->pump);
  far->pump->data = far;
  penstock_credit_stream table = {.struct_size = (uint32_t)sizeof(table),
                                  .write_chunk = (uint32_t)far->chunk,
                                  .stream = far,
                                  .write = fake_write,
                                  .shutdown_write = fake_shutdown_write,
                                  .grant = fake_grant,
                                  .close = fake_close};
  FAKE_CALL(far, CALL_HOST, far->sink = ps_relay_join_credit(r->relay, id, pair[1], &table));
  assert_non_null(far->sink);
  peer_start(r, client, pair[0]);
  fake_wake(far);
}

#endif
