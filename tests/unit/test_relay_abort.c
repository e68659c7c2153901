/* SPDX-License-Identifier: MIT */
/*
 * An abort on one side is an abort on the other and never looks like a clean end, whatever the stream is
 * doing at that moment: every combination of far side, who aborts, and moment.
 */
#include <limits.h>

#include "credit_fake.h"

typedef enum who { CLIENT, FAR } who;

/* What goes on when the abort comes. */
typedef struct moment {
  const char *name;
  uint64_t up; /* bytes under way */
  uint64_t down;
  int far_stuck;    /* the far side reads nothing: the client is held back */
  int client_stuck; /* and the other way round */
  int client_ended; /* the client has ended its direction */
  int far_ended;
} moment;

#define ENDLESS MIB(100000)

static const moment moments[] = {
    {.name = "nothing was sent"},
    {.name = "some was sent", .up = 1000, .down = 100000},
    {.name = "client is sending", .up = ENDLESS},
    {.name = "far side is sending", .down = ENDLESS},
    {.name = "both are sending", .up = ENDLESS, .down = ENDLESS},
    {.name = "client is held back", .up = ENDLESS, .far_stuck = 1},
    {.name = "far side is held back", .down = ENDLESS, .client_stuck = 1},
    {.name = "both are held back", .up = ENDLESS, .down = ENDLESS, .far_stuck = 1, .client_stuck = 1},
    {.name = "client has ended", .up = 1000, .client_ended = 1},
    {.name = "far side has ended", .down = 1000, .far_ended = 1},
    {.name = "client has ended, far side is sending", .down = ENDLESS, .client_ended = 1},
    {.name = "far side has ended, client is sending", .up = ENDLESS, .far_ended = 1},
    {.name = "client has ended, far side is held back", .down = ENDLESS, .client_stuck = 1, .client_ended = 1},
    {.name = "far side has ended, client is held back", .up = ENDLESS, .far_stuck = 1, .far_ended = 1},
    {.name = "client has ended behind what is held back", .up = MIB(1), .far_stuck = 1, .client_ended = 1},
    {.name = "far side has ended behind what is held back", .down = MIB(1), .client_stuck = 1, .far_ended = 1},
};

static int setup(void **state) {
  *state = rig_create();
  return 0;
}

static int teardown(void **state) {
  rig_destroy(*state);
  return 0;
}

/* Runs until the kernel says that the peer's connection was reset, whether it reads or not. */
static void await_reset(rig *r, peer *p) {
  struct pollfd entry = {.fd = p->fd};
  uv_timer_start(&r->watchdog, rig_on_deadline, DEADLINE, 0);
  while (!p->broken && !(poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR))) {
    uv_run(&r->loop, UV_RUN_NOWAIT);
  }
  uv_timer_stop(&r->watchdog);
}

static void check_end(const rig *r, who aborts) {
  const ps_stream_end *end = &r->ended[r->ended_count - 1];
  assert_int_equal(end->aborted, 1);
  assert_non_null(strstr(end->reason, aborts == CLIENT ? "the client" : "the far side"));
  assert_true(aborts == CLIENT || end->far_ended);
}

/* A client that breaks off a stream is not taken for the far side, unless that had sent its end before. */
static void check_far_end(const rig *r, const moment *m, who aborts) {
  if (aborts == CLIENT && !m->client_stuck) { /* else an end may lie behind what is held back */
    assert_int_equal(r->ended[r->ended_count - 1].far_ended, m->far_ended);
  }
}

/* Runs into the moment: an endless transfer is in its middle, everything else has come to rest. */
static void reach(rig *r, const moment *m, const uint64_t *up, const uint64_t *down) {
  int up_moves = m->up == ENDLESS && !m->far_stuck;
  int down_moves = m->down == ENDLESS && !m->client_stuck;
  if (up_moves) {
    rig_run_until_count(r, up, MIB(1));
  }
  if (down_moves) {
    rig_run_until_count(r, down, MIB(1));
  }
  if (!up_moves && !down_moves) {
    rig_settle(r);
  }
}

/* … and an end that can be seen was seen. */
static void reach_ends(rig *r, const moment *m, const int *client_eof, const int *far_eof) {
  if (m->client_ended && !m->far_stuck) {
    rig_run_until(r, far_eof);
  }
  if (m->far_ended && !m->client_stuck) {
    rig_run_until(r, client_eof);
  }
}

static void abort_socket(rig *r, const moment *m, who aborts, int buffer) {
  peer client = {.send_total = m->up, .half_close = m->client_ended, .not_reading = m->client_stuck};
  peer far = {.send_total = m->down, .half_close = m->far_ended, .not_reading = m->far_stuck};
  size_t before = r->ended_count;
  rig_join(r, 1, 1, buffer, &client, &far);
  reach(r, m, &far.received, &client.received);
  reach_ends(r, m, &client.eof, &far.eof);
  assert_int_equal(r->ended_count, before);
  peer *first = aborts == CLIENT ? &client : &far;
  peer *second = aborts == CLIENT ? &far : &client;
  int had_eof = second->eof;
  peer_stop(first, 1);
  await_reset(r, second);
  assert_int_equal(second->eof, had_eof);
  rig_run_until_ended(r, before + 1);
  check_end(r, aborts);
  check_far_end(r, m, aborts);
  peer_stop(second, 0);
}

static void abort_credit(rig *r, const moment *m, who aborts, int buffer) {
  peer client = {.send_total = m->up, .half_close = m->client_ended, .not_reading = m->client_stuck};
  fake far = {.send_total = m->down, .half_close = m->far_ended, .budget = m->far_stuck ? 0 : BUDGET_ENDLESS};
  size_t before = r->ended_count;
  rig_join_credit(r, 1, 1, buffer, &client, &far);
  reach(r, m, &far.received, &client.received);
  reach_ends(r, m, &client.eof, &far.eof);
  assert_int_equal(r->ended_count, before);
  int had_eof = aborts == CLIENT ? far.eof : client.eof;
  if (aborts == CLIENT) {
    peer_stop(&client, 1);
  } else {
    FAKE_CALL(&far, CALL_HOST, ps_relay_stream_reset(far.sink, NULL));
    await_reset(r, &client);
  }
  rig_run_until(r, &far.closes);
  rig_run_until_ended(r, before + 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_ABORT);
  assert_int_equal(aborts == CLIENT ? far.eof : client.eof, had_eof);
  check_end(r, aborts);
  check_far_end(r, m, aborts);
  peer_stop(&client, 0);
}

static void test_every_moment(void **state) {
  for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
    for (int aborts = CLIENT; aborts <= FAR; aborts++) {
      for (int buffer = 0; buffer <= 4096; buffer += 4096) {
        print_message("%s; the %s aborts\n", moments[i].name, aborts == CLIENT ? "client" : "far side");
        abort_socket(*state, &moments[i], (who)aborts, buffer);
        abort_credit(*state, &moments[i], (who)aborts, buffer);
      }
    }
  }
}

/* A side that ends its program while the other still sends: the sender must learn that nobody takes it. */
static void test_full_close_while_the_other_sends(void **state) {
  rig *r = *state;
  for (int closes = CLIENT; closes <= FAR; closes++) {
    peer client = {.send_total = closes == FAR ? ENDLESS : 0};
    peer far = {.send_total = closes == CLIENT ? ENDLESS : 0};
    peer *first = closes == CLIENT ? &client : &far;
    peer *second = closes == CLIENT ? &far : &client;
    size_t before = r->ended_count;
    rig_join(r, 1, 1, 0, &client, &far);
    reach(r, &(moment){.up = client.send_total, .down = far.send_total}, &far.received, &client.received);
    peer_stop(first, 0);
    await_reset(r, second);
    rig_run_until_ended(r, before + 1);
    check_end(r, (who)closes);
    peer_stop(second, 0);
  }
  peer client = {0};
  fake far = {.send_total = ENDLESS, .budget = BUDGET_ENDLESS};
  size_t before = r->ended_count;
  rig_join_credit(r, 1, 1, 0, &client, &far);
  reach(r, &(moment){.down = ENDLESS}, &far.received, &client.received);
  peer_stop(&client, 0);
  rig_run_until_ended(r, before + 1);
  assert_int_equal(far.close_how, PENSTOCK_CLOSE_ABORT);
}

/* The last end and a reset come together: what the client sent last cannot have arrived. */
static void test_reset_together_with_the_last_end(void **state) {
  rig *r = *state;
  for (int aborts = CLIENT; aborts <= FAR; aborts++) {
    peer client = {.send_total = 100, .half_close = aborts == CLIENT};
    peer far = {.send_total = 100, .half_close = aborts == FAR};
    peer *first = aborts == CLIENT ? &client : &far;
    peer *second = aborts == CLIENT ? &far : &client;
    size_t before = r->ended_count;
    rig_join(r, 1, 1, 0, &client, &far);
    rig_run_until(r, &second->eof);
    rig_settle(r);
    second->half_close = 1;
    peer_end_sending(second);
    peer_stop(first, 1);
    rig_run_until_ended(r, before + 1);
    check_end(r, (who)aborts);
    peer_stop(second, 0);
  }
}

/* Waiting for an abort must cost nothing: no turn of the loop without an event. */
static void test_waiting_does_not_spin(void **state) {
  rig *r = *state;
  for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
    const moment *m = &moments[i];
    if ((m->up == ENDLESS && !m->far_stuck) || (m->down == ENDLESS && !m->client_stuck)) {
      continue;
    }
    for (int tcp = 0; tcp < 2; tcp++) {
      print_message("%s, %s\n", m->name, tcp ? "TCP" : "local sockets");
      peer client = {.send_total = m->up, .half_close = m->client_ended, .not_reading = m->client_stuck};
      peer far = {.send_total = m->down, .half_close = m->far_ended, .not_reading = m->far_stuck};
      size_t before = r->ended_count;
      rig_join(r, 1, tcp, 0, &client, &far);
      rig_settle(r);
      rig_check_quiet(r);
      peer_stop(&client, 1);
      peer_stop(&far, 1);
      rig_run_until_ended(r, before + 1);
    }
  }
}

/* Both directions of one connection have ended, with data still to be read from it. */
static void test_whole_connection_ended_behind_what_is_held_back(void **state) {
  rig *r = *state;
  for (int tcp = 0; tcp < 2; tcp++) {
    peer client = {.half_close = 1, .not_reading = 1};
    peer far = {.send_total = MIB(8), .half_close = 1};
    size_t before = r->ended_count;
    rig_join(r, 1, tcp, 0, &client, &far);
    rig_settle(r);
    far.send_total = far.sent; /* it stops here, and goes */
    peer_end_sending(&far);
    assert_true(far.shut && far.eof);
    peer_stop(&far, 0);
    rig_settle(r);
    rig_check_quiet(r);
    assert_int_equal(r->ended_count, before);
    client.not_reading = 0;
    peer_arm(&client);
    rig_run_until(r, &client.over);
    assert_true(client.eof);
    assert_int_equal(client.received, far.sent);
    rig_run_until_ended(r, before + 1);
    assert_int_equal(r->ended[before].aborted, 0);
    peer_stop(&client, 0);
  }
}

/* Urgent data, which we do not pass on, neither wakes us without end nor hurts the stream. */
static void test_urgent_data_is_harmless(void **state) {
  rig *r = *state;
  peer client = {.send_total = ENDLESS};
  peer far = {.not_reading = 1};
  rig_join(r, 1, 1, 0, &client, &far);
  rig_settle(r);
  assert_int_equal(send(client.fd, "!", 1, MSG_OOB | MSG_DONTWAIT) == 1 || errno == EAGAIN, 1);
  rig_settle(r);
  rig_check_quiet(r);
  peer_stop(&client, 1);
  peer_stop(&far, 1);
  rig_run_until_ended(r, 1);
}

/* A solver that refuses a transfer says so and closes, with the rest unread: that is a reset right behind the answer.
 */
static void refuse(rig *r, int sending, int size) {
  int near_pair[2];
  int far_pair[2];
  char data[4096];
  size_t before = r->ended_count;
  ssize_t received = 0;
  ssize_t count = 0;
  memset(data, 'x', sizeof(data));
  rig_pair(1, 0, near_pair);
  rig_pair(1, 0, far_pair);
  assert_int_equal(ps_relay_join_socket(r->relay, 1, near_pair[1], far_pair[0]), 0);
  assert_int_equal(write(near_pair[0], data, sizeof(data)), sizeof(data));
  rig_settle(r);
  if (sending) { /* what comes next finds the far side broken when it is passed on */
    assert_int_equal(write(near_pair[0], data, sizeof(data)), sizeof(data));
  }
  for (int sent = 0; sent < size; sent += (int)count) {
    count = write(far_pair[1], data, sizeof(data));
    assert_int_equal(count, sizeof(data));
  }
  close(far_pair[1]);
  rig_run_until_ended(r, before + 1);
  check_end(r, FAR);
  while ((count = read(near_pair[0], data, sizeof(data))) > 0) {
    received += count;
  }
  assert_int_equal(count, -1);
  assert_int_equal(errno, ECONNRESET);
  assert_int_equal(received, size);
  close(near_pair[0]);
}

static void test_what_came_before_the_reset_arrives(void **state) {
  for (int sending = 0; sending < 2; sending++) {
    refuse(*state, sending, 4096);
    refuse(*state, sending, 96 * 1024);
  }
}

/* Of which nothing is watched yet. It is told later, as always. */
static void test_before_the_first_turn(void **state) {
  rig *r = *state;
  int client[2];
  int far[2];
  char byte;
  rig_pair(1, 0, client);
  rig_pair(1, 0, far);
  assert_int_equal(ps_relay_join_socket(r->relay, 1, client[1], far[1]), 0);
  ps_relay_abort_all(r->relay, NULL);
  assert_int_equal(r->ended_count, 0);
  rig_run_until_ended(r, 1);
  assert_int_equal(r->ended[0].aborted, 1);
  assert_true(recv(client[0], &byte, 1, 0) == -1 && errno == ECONNRESET);
  assert_true(recv(far[0], &byte, 1, 0) == -1 && errno == ECONNRESET);
  close(client[0]);
  close(far[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_every_moment, setup, teardown),
      cmocka_unit_test_setup_teardown(test_full_close_while_the_other_sends, setup, teardown),
      cmocka_unit_test_setup_teardown(test_reset_together_with_the_last_end, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_came_before_the_reset_arrives, setup, teardown),
      cmocka_unit_test_setup_teardown(test_waiting_does_not_spin, setup, teardown),
      cmocka_unit_test_setup_teardown(test_whole_connection_ended_behind_what_is_held_back, setup, teardown),
      cmocka_unit_test_setup_teardown(test_urgent_data_is_harmless, setup, teardown),
      cmocka_unit_test_setup_teardown(test_before_the_first_turn, setup, teardown),
  };
  (void)signal(SIGPIPE, SIG_IGN); /* as the gateway does; splice(2) needs it */
  rig_bulk_from = SIZE_MAX;
  int failed = cmocka_run_group_tests_name("abort, read and write", tests, NULL, NULL);
  int by_pipes = rig_spliced > 0;
  rig_bulk_from = 0;
  failed += cmocka_run_group_tests_name("abort, pipes", tests, NULL, NULL);
  return failed > 0 || by_pipes || rig_spliced == 0;
}
