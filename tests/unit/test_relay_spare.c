/* SPDX-License-Identifier: MIT */
/* Streams that were opened ahead of need: what a client of one never notices, and what it must. */
#include "credit_fake.h"
#include "spare_rig.h"

/* --- sockets ------------------------------------------------------------------------------------ */

static void a_spare_carries_a_stream_as_any_other(void **state) {
  (void)state;
  for (int tcp = 0; tcp < 2; tcp++) {
    watch w;
    peer client = {.send_total = MIB(5), .half_close = 1, .send_key = 1, .receive_key = 2};
    peer far = {.send_total = MIB(3), .half_close = 1, .send_key = 2, .receive_key = 1};
    int pair[2];
    int far_fd;
    watch_begin(&w);
    ps_spare *spare = open_spare(&w, tcp, &far_fd);
    rig_settle(w.r);
    assert_int_equal(ps_relay_count(w.r->relay), 0); /* nobody's */
    rig_pair(tcp, 0, pair);
    assert_true(ps_spare_is_good(spare));
    give(spare, 9, pair[1], UINT64_MAX);
    assert_int_equal(ps_relay_count(w.r->relay), 1);
    peer_start(w.r, &client, pair[0]);
    rig_settle(w.r);
    peer_start(w.r, &far, far_fd); /* who speaks when spoken to */
    rig_run_until_ended(w.r, 1);
    rig_settle(w.r);
    assert_int_equal(w.r->ended[0].id, 9);
    assert_int_equal(w.r->ended[0].up_bytes, MIB(5));
    assert_int_equal(w.r->ended[0].down_bytes, MIB(3));
    assert_int_equal(w.r->ended[0].aborted, 0);
    assert_true(client.received == MIB(3) && client.eof && far.received == MIB(5) && far.eof);
    assert_int_equal(w.losses + w.returns, 0);
    peer_stop(&client, 0);
    peer_stop(&far, 0);
    rig_destroy(w.r);
  }
}

static void a_far_side_that_does_not_wait_is_lost(void **state) {
  (void)state;
  for (int how = 0; how < 3; how++) {
    watch w;
    int far;
    watch_begin(&w);
    ps_spare *spare = open_spare(&w, 1, &far);
    rig_settle(w.r);
    if (how == 0) {
      close(far);
    } else if (how == 1) {
      ps_net_reset(far);
    } else {
      assert_int_equal(write(far, "220 hello", 9), 9);
    }
    rig_run_until_count(w.r, &w.losses, 1);
    assert_ptr_equal(w.lost, spare);
    assert_int_equal(w.spoke, how == 2);
    rig_check_quiet(w.r);
    assert_int_equal(w.r->ended_count, 0); /* it was no client's: nobody is told */
    if (how == 2) {
      close(far);
    }
    rig_destroy(w.r);
  }
}

static void a_spare_whose_end_was_not_seen_yet_is_not_good(void **state) {
  (void)state;
  watch w;
  int far;
  watch_begin(&w);
  ps_spare *spare = open_spare(&w, 1, &far);
  close(far); /* the loop has not run since */
  assert_false(ps_spare_is_good(spare));
  assert_int_equal(w.losses, 0); /* not from inside the call */
  rig_run_until_count(w.r, &w.losses, 1);
  rig_destroy(w.r);
}

/* The client's request is there already when the end comes: it is not sent, and stays the client's. */
static void a_client_comes_back_with_all_its_bytes(void **state) {
  (void)state;
  for (int how = 0; how < 4; how++) {
    watch w;
    int far;
    int second;
    int pair[2];
    watch_begin(&w);
    ps_spare *spare = open_spare(&w, 1, &far);
    rig_pair(1, 0, pair);
    if (how == 0) { /* before its client says anything */
      give(spare, 5, pair[1], UINT64_MAX);
      rig_settle(w.r);
      close(far);
    } else if (how == 1) { /* with the request in hand */
      assert_int_equal(write(pair[0], "request", 7), 7);
      give(spare, 5, pair[1], UINT64_MAX);
      ps_net_reset(far);
    } else if (how == 2) { /* something that is no answer */
      assert_int_equal(write(pair[0], "request", 7), 7);
      give(spare, 5, pair[1], UINT64_MAX);
      assert_int_equal(write(far, "bye", 3), 3);
      close(far);
    } else { /* too old by the time */
      give(spare, 5, pair[1], uv_hrtime());
      assert_int_equal(write(pair[0], "request", 7), 7);
    }
    rig_run_until_count(w.r, &w.returns, 1);
    assert_int_equal(w.client.id, 5);
    assert_int_equal(w.client.deadline_ns, 12);
    assert_int_equal(w.client.socket, pair[1]);
    assert_int_equal(w.losses, 0);
    if (how == 0) {
      assert_int_equal(write(pair[0], "request", 7), 7);
    } else if (how == 3) {
      assert_holds(far, "", 0); /* ended in the ordinary way, without a byte */
      close(far);
    }
    /* A stream of its own. */
    int fresh[2];
    rig_pair(1, 0, fresh);
    second = fresh[1];
    assert_int_equal(ps_relay_join_socket(w.r->relay, 5, pair[1], fresh[0]), 0);
    rig_settle(w.r);
    assert_holds(second, "request", 1);
    assert_holds(pair[0], "", 1);
    assert_int_equal(ps_relay_count(w.r->relay), 1);
    assert_int_equal(w.r->ended_count, 0);
    close(second);
    close(pair[0]);
    rig_run_until_ended(w.r, 1);
    rig_destroy(w.r);
  }
}

/* After the first byte nobody knows who has read what: whatever happens, it is told, and nothing is sent again. */
static void an_end_without_an_answer_is_an_abort(void **state) {
  (void)state;
  for (int how = 0; how < 3; how++) {
    watch w;
    int far;
    int pair[2];
    watch_begin(&w);
    ps_spare *spare = open_spare(&w, 1, &far);
    rig_pair(1, 0, pair);
    give(spare, 5, pair[1], UINT64_MAX);
    assert_int_equal(write(pair[0], "request", 7), 7);
    rig_settle(w.r);
    if (how == 0) {
      assert_holds(far, "request", 1);
      close(far); /* has read it, and ends in silence */
    } else if (how == 1) {
      close(far); /* has not read it: that resets */
    } else {
      assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
      rig_settle(w.r);
      assert_holds(far, "request", 0);
      close(far);
    }
    rig_settle(w.r);
    assert_holds(pair[0], "", -1);
    close(pair[0]);
    rig_run_until_ended(w.r, 1);
    assert_int_equal(w.r->ended[0].far_ended, 1);
    assert_int_equal(w.losses + w.returns, 0);
    rig_destroy(w.r);
  }
}

static void an_answer_that_ends_is_a_clean_end(void **state) {
  (void)state;
  watch w;
  int far;
  int pair[2];
  watch_begin(&w);
  ps_spare *spare = open_spare(&w, 1, &far);
  rig_pair(1, 0, pair);
  give(spare, 5, pair[1], UINT64_MAX);
  assert_int_equal(write(pair[0], "request", 7), 7);
  rig_settle(w.r);
  assert_holds(far, "request", 1);
  assert_int_equal(write(far, "answer", 6), 6);
  close(far);
  rig_settle(w.r);
  assert_holds(pair[0], "answer", 0);
  close(pair[0]);
  rig_run_until_ended(w.r, 1);
  assert_int_equal(w.r->ended[0].aborted, 0);
  rig_destroy(w.r);
}

/* Nothing was asked: no answer is missing. */
static void a_client_that_ends_without_a_byte_gets_a_clean_end(void **state) {
  (void)state;
  watch w;
  int far;
  int pair[2];
  watch_begin(&w);
  ps_spare *spare = open_spare(&w, 1, &far);
  rig_pair(1, 0, pair);
  give(spare, 5, pair[1], UINT64_MAX);
  assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
  rig_settle(w.r);
  assert_holds(far, "", 0);
  close(far);
  rig_settle(w.r);
  assert_holds(pair[0], "", 0);
  rig_run_until_ended(w.r, 1);
  assert_int_equal(w.r->ended[0].aborted, 0);
  close(pair[0]);
  rig_destroy(w.r);
}

static void a_client_that_leaves_is_told_as_any_other(void **state) {
  (void)state;
  for (int reset = 0; reset < 2; reset++) {
    watch w;
    int far;
    int pair[2];
    watch_begin(&w);
    ps_spare *spare = open_spare(&w, 1, &far);
    rig_pair(1, 0, pair);
    give(spare, 5, pair[1], UINT64_MAX);
    if (reset) {
      ps_net_reset(pair[0]);
    } else {
      close(pair[0]);
      rig_settle(w.r);
      close(far);
    }
    rig_run_until_ended(w.r, 1);
    assert_int_equal(w.r->ended[0].id, 5);
    assert_int_equal(w.losses + w.returns, 0);
    if (reset) {
      assert_holds(far, "", -1);
      close(far);
    }
    rig_destroy(w.r);
  }
}

static void a_spare_that_is_not_needed_ends_in_the_ordinary_way(void **state) {
  (void)state;
  watch w;
  int far[3];
  watch_begin(&w);
  ps_spare_discard(open_spare(&w, 1, &far[0]));
  rig_settle(w.r);
  assert_holds(far[0], "", 0);
  (void)open_spare(&w, 1, &far[1]);
  ps_spare_discard(open_spare(&w, 0, &far[2])); /* not through with it when the relay goes */
  rig_destroy(w.r);
  for (int i = 0; i < 3; i++) {
    close(far[i]);
  }
  assert_int_equal(w.losses, 1); /* the one that its owner had not given up */
}

/* --- credit streams ----------------------------------------------------------------------------- */

static ps_spare *open_credit(watch *w, fake *far) {
  far->budget = BUDGET_ENDLESS;
  far->pump = malloc(sizeof(*far->pump));
  assert_non_null(far->pump);
  uv_idle_init(&w->r->loop, far->pump);
  far->pump->data = far;
  const penstock_credit_stream table = {.struct_size = (uint32_t)sizeof(table),
                                        .stream = far,
                                        .write = fake_write,
                                        .shutdown_write = fake_shutdown_write,
                                        .grant = fake_grant,
                                        .close = fake_close};
  ps_spare *spare = NULL;
  FAKE_CALL(far, CALL_HOST, spare = ps_spare_of_credit(w->r->relay, &table, &far->sink));
  assert_non_null(spare);
  assert_non_null(far->sink);
  fake_wake(far);
  return spare;
}

static void a_channel_carries_a_stream_as_any_other(void **state) {
  (void)state;
  watch w;
  peer client = {.send_total = MIB(5), .half_close = 1, .send_key = 1, .receive_key = 2};
  fake far = {.half_close = 1, .send_key = 2, .receive_key = 1};
  int pair[2];
  watch_begin(&w);
  far.half_close = 0;
  ps_spare *spare = open_credit(&w, &far);
  rig_settle(w.r);
  assert_int_equal(far.granted, 1); /* to notice a far side that talks first */
  assert_true(ps_spare_is_good(spare));
  rig_pair(1, 0, pair);
  give(spare, 9, pair[1], UINT64_MAX);
  peer_start(w.r, &client, pair[0]);
  rig_run_until_count(w.r, &far.received, MIB(1));
  assert_int_equal(far.granted, PS_RELAY_WINDOW);
  far.send_total = MIB(3);
  far.half_close = 1;
  fake_wake(&far);
  rig_run_until_ended(w.r, 1);
  rig_settle(w.r);
  assert_int_equal(w.r->ended[0].aborted, 0);
  assert_true(client.received == MIB(3) && client.eof && far.received == MIB(5) && far.eof);
  assert_int_equal(far.closes, 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_CLEAN);
  peer_stop(&client, 0);
  rig_destroy(w.r);
}

typedef enum fake_end { ENDS, RESETS, TALKS } fake_end;

static void end_far(fake *far, fake_end how) {
  if (how == ENDS) {
    FAKE_CALL(far, CALL_HOST, ps_relay_stream_eof(far->sink));
  } else if (how == RESETS) {
    FAKE_CALL(far, CALL_HOST, ps_relay_stream_reset(far->sink, NULL));
  } else {
    FAKE_CALL(far, CALL_HOST, (void)ps_relay_stream_data(far->sink, "2", 1));
  }
}

static void a_channel_that_does_not_wait_is_lost(void **state) {
  (void)state;
  for (fake_end how = ENDS; how <= TALKS; how++) {
    watch w;
    fake far = {0};
    watch_begin(&w);
    ps_spare *spare = open_credit(&w, &far);
    rig_settle(w.r);
    end_far(&far, how);
    assert_int_equal(far.closes, 0); /* not from inside its call */
    assert_false(ps_spare_is_good(spare));
    rig_run_until_count(w.r, &w.losses, 1);
    assert_int_equal(w.spoke, how == TALKS);
    assert_int_equal(far.closes, 1);
    assert_int_equal(far.close_how, PENSTOCK_CLOSE_ABORT);
    assert_int_equal(w.r->ended_count, 0);
    rig_destroy(w.r);
  }
}

static void a_client_comes_back_from_a_channel(void **state) {
  (void)state;
  for (fake_end how = ENDS; how <= TALKS; how++) {
    watch w;
    fake far = {0};
    int pair[2];
    watch_begin(&w);
    ps_spare *spare = open_credit(&w, &far);
    rig_settle(w.r);
    rig_pair(1, 0, pair);
    assert_int_equal(write(pair[0], "request", 7), 7);
    give(spare, 5, pair[1], UINT64_MAX);
    end_far(&far, how); /* in the turn in which it was given */
    rig_run_until_count(w.r, &w.returns, 1);
    assert_int_equal(w.client.socket, pair[1]);
    assert_int_equal(far.received, 0);
    assert_int_equal(far.closes, 1);
    assert_int_equal(w.r->ended_count, 0);
    assert_int_equal(ps_relay_count(w.r->relay), 0);
    assert_holds(pair[1], "request", 1);
    close(pair[0]);
    close(pair[1]);
    rig_destroy(w.r);
  }
}

/* Both have come when the loop wakes up, and the client is looked at first: the end counts. */
static void what_has_arrived_of_a_channel_is_seen_before_a_byte_goes(void **state) {
  (void)state;
  watch w;
  fake far = {0};
  int pair[2];
  watch_begin(&w);
  ps_spare *spare = open_credit(&w, &far);
  rig_settle(w.r);
  rig_pair(1, 0, pair);
  give(spare, 5, pair[1], UINT64_MAX);
  rig_settle(w.r);
  assert_int_equal(write(pair[0], "request", 7), 7);
  ps_flow_read(spare, &spare->up); /* as the watch of the client's socket does */
  end_far(&far, ENDS);
  rig_run_until_count(w.r, &w.returns, 1);
  assert_int_equal(far.received, 0);
  assert_holds(pair[1], "request", 1);
  close(pair[0]);
  close(pair[1]);
  rig_destroy(w.r);
}

static void a_channel_that_ends_without_an_answer_is_an_abort(void **state) {
  (void)state;
  watch w;
  fake far = {.receive_key = 1};
  peer client = {.send_total = KIB(4), .send_key = 1};
  int pair[2];
  watch_begin(&w);
  ps_spare *spare = open_credit(&w, &far);
  rig_settle(w.r);
  rig_pair(1, 0, pair);
  give(spare, 5, pair[1], UINT64_MAX);
  peer_start(w.r, &client, pair[0]);
  rig_run_until_count(w.r, &far.received, KIB(4));
  end_far(&far, ENDS);
  rig_run_until_ended(w.r, 1);
  rig_run_until(w.r, &client.over);
  assert_true(client.broken && !client.eof);
  assert_int_equal(w.r->ended[0].far_ended, 1);
  peer_stop(&client, 0);
  rig_destroy(w.r);
}

static void channels_go_with_their_link(void **state) {
  (void)state;
  watch w;
  fake kept = {0};
  fake dropped = {0};
  watch_begin(&w);
  (void)open_credit(&w, &kept);
  ps_spare_discard(open_credit(&w, &dropped));
  ps_relay_abort_credit(w.r->relay, NULL);
  assert_int_equal(kept.closes, 1); /* before it returns: their instance goes next */
  assert_int_equal(dropped.closes, 1);
  assert_int_equal(w.losses, 1);
  rig_destroy(w.r);
}

int main(void) {
  (void)signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_spare_carries_a_stream_as_any_other),
      cmocka_unit_test(a_far_side_that_does_not_wait_is_lost),
      cmocka_unit_test(a_spare_whose_end_was_not_seen_yet_is_not_good),
      cmocka_unit_test(a_client_comes_back_with_all_its_bytes),
      cmocka_unit_test(an_end_without_an_answer_is_an_abort),
      cmocka_unit_test(an_answer_that_ends_is_a_clean_end),
      cmocka_unit_test(a_client_that_ends_without_a_byte_gets_a_clean_end),
      cmocka_unit_test(a_client_that_leaves_is_told_as_any_other),
      cmocka_unit_test(a_spare_that_is_not_needed_ends_in_the_ordinary_way),
      cmocka_unit_test(a_channel_carries_a_stream_as_any_other),
      cmocka_unit_test(a_channel_that_does_not_wait_is_lost),
      cmocka_unit_test(a_client_comes_back_from_a_channel),
      cmocka_unit_test(what_has_arrived_of_a_channel_is_seen_before_a_byte_goes),
      cmocka_unit_test(a_channel_that_ends_without_an_answer_is_an_abort),
      cmocka_unit_test(channels_go_with_their_link),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
