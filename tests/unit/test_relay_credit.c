/* SPDX-License-Identifier: MIT */
/* Credit streams: every byte both ways, bounded memory, and the contract of penstock/stream.h. */
#include "credit_fake.h"
#include "relay/stream.h"

static int setup(void **state) {
  *state = rig_create();
  return 0;
}

static int teardown(void **state) {
  rig_destroy(*state);
  return 0;
}

static void exchange(rig *r, uint64_t up, uint64_t down, fake far) {
  peer client = {.send_total = up, .half_close = 1};
  far.send_total = down;
  far.half_close = 1;
  size_t before = r->ended_count;
  rig_join_credit(r, 9, 1, 0, &client, &far);
  rig_run_until_ended(r, before + 1);
  rig_run_until(r, &client.over);
  assert_true(client.eof && !client.broken);
  assert_int_equal(client.received, down);
  assert_int_equal(far.received, up);
  assert_int_equal(far.shutdowns, 1);
  assert_int_equal(far.closes, 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_CLEAN);
  const ps_stream_end *end = &r->ended[before];
  assert_int_equal(end->aborted, 0);
  assert_int_equal(end->up_bytes, up);
  assert_int_equal(end->down_bytes, down);
  peer_stop(&client, 0);
}

static void test_sizes(void **state) {
  static const uint64_t sizes[] = {0, 1, 2, 32758, 65516, 65537, 262144, 1000003};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    exchange(*state, sizes[i], sizes[i] / 2, (fake){.budget = BUDGET_ENDLESS});
    exchange(*state, sizes[i] / 2, sizes[i], (fake){.budget = 1000, .refill = 100000});
  }
}

static void test_bulk_with_random_takes(void **state) {
  exchange(*state, MIB(16), MIB(16), (fake){.budget = 0, .refill = 70001});
  exchange(*state, MIB(1), MIB(8), (fake){.budget = BUDGET_ENDLESS, .refill = 1, .chunk = 65516});
  exchange(*state, MIB(1), MIB(1), (fake){.budget = 0, .refill = 4000, .chunk = 1000});
}

static void test_calls_inside_calls(void **state) {
  exchange(*state, MIB(8), MIB(8), (fake){.budget = 0, .refill = 70001, .nested = 1});
  exchange(*state, MIB(8), MIB(8), (fake){.budget = 0, .refill = 70001, .writable_in_write = 1});
  exchange(*state, MIB(8), MIB(8), (fake){.budget = 0, .refill = 70001, .nested = 1, .writable_in_write = 1});
}

static void test_writes_come_in_multiples_of_what_it_likes(void **state) {
  rig *r = *state;
  peer client = {.send_total = MIB(4)};
  fake far = {.budget = BUDGET_ENDLESS, .chunk = 65516};
  rig_join_credit(r, 1, 1, 0, &client, &far);
  assert_int_equal(far.sink->stream.up.backlog.piece, 65516); /* what it did not take comes like that, too */
  for (int i = 0; i < 20; i++) {                              /* so that there is more to read than one write */
    peer_send(&client);
  }
  rig_run_until_count(r, &far.received, MIB(4));
  assert_true(far.largest_write >= 65516);
  assert_true(far.largest_write <= 4 * 65516); /* and not 256 KiB; less if no more had come */
  peer_stop(&client, 1);
  rig_run_until_ended(r, 1);
}

/* A client that goes and comes again does not wait for its own goodbye. */
static void test_what_begins_comes_before_what_ends(void **state) {
  rig *r = *state;
  peer before = {.send_total = 100};
  peer after = {.send_total = 100};
  fake its = {.budget = BUDGET_ENDLESS};
  fake far = {.budget = BUDGET_ENDLESS};
  rig_join_credit(r, 1, 1, 0, &before, &its);
  rig_run_until_count(r, &its.received, 100);
  rig_settle(r);
  before.half_close = 1;
  peer_end_sending(&before);
  rig_join_credit(r, 2, 1, 0, &after, &far);
  peer_send(&after);
  rig_run_until_count(r, &far.received, 100);
  rig_run_until(r, &its.shutdowns);
  assert_true(far.wrote_at < its.shut_at);
  peer_stop(&before, 1);
  peer_stop(&after, 1);
  rig_run_until_ended(r, 2);
}

/* All credit comes back once the client has taken everything, however slow it was. */
static void test_credit_balance(void **state) {
  rig *r = *state;
  peer client = {.chunk = 1500};
  fake far = {.send_total = MIB(9), .budget = BUDGET_ENDLESS};
  rig_join_credit(r, 1, 1, 4096, &client, &far);
  rig_run_until_count(r, &client.received, MIB(9));
  rig_settle(r);
  assert_int_equal(far.credit, PS_RELAY_WINDOW);
  assert_int_equal(far.granted, PS_RELAY_WINDOW + MIB(9));
  peer_stop(&client, 1);
  rig_run_until_ended(r, 1);
}

static void test_slow_client_is_bounded(void **state) {
  rig *r = *state;
  peer client = {.not_reading = 1};
  fake far = {.send_total = MIB(64), .half_close = 1, .budget = BUDGET_ENDLESS};
  rig_join_credit(r, 1, 1, 0, &client, &far);
  rig_settle(r);
  const ps_stream *stream = &far.sink->stream;
  assert_int_equal(far.credit, 0);
  assert_int_equal(stream->down.backlog.size, PS_RELAY_WINDOW);
  assert_int_equal(far.sent, stream->down.bytes + PS_RELAY_WINDOW);
  client.not_reading = 0;
  peer_arm(&client);
  rig_run_until(r, &client.eof);
  assert_int_equal(client.received, MIB(64));
  client.half_close = 1;
  peer_end_sending(&client);
  rig_run_until_ended(r, 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_CLEAN);
  assert_int_equal(r->ended[0].aborted, 0);
  peer_stop(&client, 0);
}

static void test_slow_far_side_is_bounded(void **state) {
  rig *r = *state;
  peer client = {.send_total = MIB(64), .half_close = 1};
  fake far = {.budget = 100};
  rig_join_credit(r, 1, 1, 0, &client, &far);
  rig_settle(r);
  assert_int_equal(far.received, 100);
  assert_true(far.sink->stream.up.backlog.size <= PS_RELAY_BUFFER);
  assert_true(client.sent < MIB(64));
  far.budget = BUDGET_ENDLESS;
  fake_wake(&far);
  rig_run_until(r, &far.eof);
  assert_int_equal(far.received, MIB(64));
  far.half_close = 1;
  fake_wake(&far);
  rig_run_until_ended(r, 1);
  assert_int_equal(r->ended[0].aborted, 0);
  peer_stop(&client, 0);
}

/* What was delivered before the end of the far side reaches a slow client, and then the end. */
static void test_end_behind_a_slow_client(void **state) {
  rig *r = *state;
  peer client = {.not_reading = 1};
  fake far = {.send_total = MIB(1), .half_close = 1, .budget = BUDGET_ENDLESS};
  rig_join_credit(r, 1, 1, 4096, &client, &far);
  rig_settle(r);
  assert_true(far.eof_told);
  assert_true(far.sink->stream.down.backlog.size > 0);
  client.not_reading = 0;
  peer_arm(&client);
  rig_run_until(r, &client.eof);
  assert_int_equal(client.received, MIB(1));
  peer_stop(&client, 0);
  rig_run_until_ended(r, 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_CLEAN);
}

static void test_reset_carries_the_error(void **state) {
  rig *r = *state;
  peer client = {.send_total = 1000};
  fake far = {.budget = BUDGET_ENDLESS};
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT, "the channel was closed by the server");
  rig_join_credit(r, 1, 1, 0, &client, &far);
  rig_settle(r);
  FAKE_CALL(&far, CALL_HOST, ps_relay_stream_reset(far.sink, &error));
  assert_int_equal(far.closes, 0);
  FAKE_CALL(&far, CALL_HOST, assert_int_equal(ps_relay_stream_data(far.sink, "late", 4), 0));
  FAKE_CALL(&far, CALL_HOST, ps_relay_stream_reset(far.sink, NULL));
  rig_run_until(r, &client.over);
  rig_run_until_ended(r, 1);
  assert_true(client.broken && !client.eof);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_ABORT);
  assert_string_equal(r->error_what, "the channel was closed by the server");
  peer_stop(&client, 0);
}

static void test_more_than_the_credit_is_a_defect(void **state) {
  rig *r = *state;
  peer client = {0};
  fake far = {.budget = BUDGET_ENDLESS};
  rig_join_credit(r, 1, 1, 0, &client, &far);
  FAKE_CALL(&far, CALL_HOST, assert_int_equal(ps_relay_stream_data(far.sink, "x", 1), 0)); /* there is none yet */
  rig_run_until(r, &client.over);
  rig_run_until_ended(r, 1);
  assert_true(client.broken && !client.eof);
  assert_non_null(strstr(r->ended[0].reason, "credit"));
  peer_stop(&client, 0);
}

/* The link is gone: credit streams are closed at once, also those whose end is under way; sockets live on. */
static void test_abort_credit(void **state) {
  rig *r = *state;
  peer clients[3] = {{.send_total = MIB(1)}, {.not_reading = 1}, {0}};
  fake fars[3] = {{.budget = 5}, {.send_total = MIB(16), .budget = BUDGET_ENDLESS}, {.budget = BUDGET_ENDLESS}};
  peer near = {.send_total = MIB(1), .half_close = 1};
  peer far = {.send_total = MIB(1), .half_close = 1};
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the connection timed out");
  for (int i = 0; i < 3; i++) {
    rig_join_credit(r, (uint64_t)i + 1, 1, 0, &clients[i], &fars[i]);
  }
  rig_settle(r);
  rig_join(r, 9, 1, 0, &near, &far);
  FAKE_CALL(&fars[2], CALL_HOST, ps_relay_stream_reset(fars[2].sink, NULL));
  ps_relay_abort_credit(r->relay, &error);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fars[i].closes, 1);
    assert_int_equal(fars[i].close_how, PENSTOCK_CLOSE_ABORT);
  }
  assert_int_equal(r->ended_count, 0);
  rig_run_until_ended(r, 4);
  assert_string_equal(r->error_what, "the connection timed out");
  for (int i = 0; i < 3; i++) {
    clients[i].not_reading = 0;
    peer_arm(&clients[i]);
    rig_run_until(r, &clients[i].over);
    assert_true(clients[i].broken && !clients[i].eof);
    peer_stop(&clients[i], 0);
  }
  rig_run_until(r, &near.eof);
  rig_run_until(r, &far.eof);
  assert_int_equal(r->ended[3].id, 9);
  assert_int_equal(r->ended[3].aborted, 0);
  peer_stop(&near, 0);
  peer_stop(&far, 0);
}

static void test_destroy_ends_what_is_left(void **state) {
  (void)state;
  rig *r = rig_create();
  peer client = {.send_total = MIB(1)};
  fake far = {.budget = 5};
  peer near = {.send_total = MIB(1)};
  peer other = {0};
  rig_join_credit(r, 1, 1, 0, &client, &far);
  rig_join(r, 2, 1, 0, &near, &other);
  ps_relay_destroy(r->relay, rig_on_relay_closed, r);
  assert_int_equal(r->relay_closed, 0);
  rig_run_until(r, &r->relay_closed);
  assert_int_equal(far.closes, 1);
  assert_int_equal(r->ended_count, 2);
  peer_stop(&client, 0);
  peer_stop(&near, 0);
  peer_stop(&other, 0);
  r->relay_closed = 0;
  r->relay = ps_relay_create(&r->loop, NULL, NULL);
  rig_destroy(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_bulk_with_random_takes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_calls_inside_calls, setup, teardown),
      cmocka_unit_test_setup_teardown(test_writes_come_in_multiples_of_what_it_likes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_begins_comes_before_what_ends, setup, teardown),
      cmocka_unit_test_setup_teardown(test_credit_balance, setup, teardown),
      cmocka_unit_test_setup_teardown(test_slow_client_is_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(test_slow_far_side_is_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(test_end_behind_a_slow_client, setup, teardown),
      cmocka_unit_test_setup_teardown(test_reset_carries_the_error, setup, teardown),
      cmocka_unit_test_setup_teardown(test_more_than_the_credit_is_a_defect, setup, teardown),
      cmocka_unit_test_setup_teardown(test_abort_credit, setup, teardown),
      cmocka_unit_test(test_destroy_ends_what_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
