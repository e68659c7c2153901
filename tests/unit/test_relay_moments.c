/* SPDX-License-Identifier: MIT */
/* A solver that closes what was opened ahead at each moment, the worst ones too: what becomes of the request. */
#include "spare_rig.h"

#define REQUESTS 2000

typedef enum moment {
  BEFORE_GIVEN, /* the solver closes while the spare waits */
  WHEN_GIVEN,   /* after it was found to be good, and before the loop comes round */
  IN_THE_TURN,  /* while the loop comes round */
  WITH_REQUEST, /* with the request in its socket, unread */
  HALF_READ,    /* after a part of it */
  READ,         /* after all of it: it was taken, and is not answered */
  NEVER,        /* it answers */
  MOMENTS
} moment;

typedef struct solver {
  int taken[REQUESTS]; /* how often each request was read whole */
} solver;

/* Reads a request, if one is there; returns its number, or -1. */
static int take_request(solver *s, int fd, size_t size) {
  char text[9] = {0};
  if (recv(fd, text, size, MSG_DONTWAIT) != 8) {
    return -1;
  }
  int number = (int)strtol(text, NULL, 10);
  s->taken[number]++;
  return number;
}

static void answer(solver *s, int fd) {
  char text[16];
  int number = take_request(s, fd, 8);
  assert_true(number >= 0);
  (void)snprintf(text, sizeof(text), "ok%06d", number);
  assert_int_equal(write(fd, text, 8), 8);
  close(fd);
}

static void turn(rig *r) {
  (void)uv_run(&r->loop, UV_RUN_NOWAIT);
}

/* As rig_settle, for one request on loopback, where everything has arrived once it is sent. */
static void settle(rig *r) {
  for (int i = 0; i < 8; i++) {
    turn(r);
  }
}

/* The solver closes before it can have the request. */
static void give_and_close(watch *w, int number, moment at, int client, ps_spare *spare, int far) {
  if (at == BEFORE_GIVEN) {
    close(far);
    assert_false(ps_spare_is_good(spare));
    w->returns++; /* the client was not given away */
    w->client = (ps_spare_client){.id = (uint64_t)number, .socket = client};
    return;
  }
  assert_true(ps_spare_is_good(spare));
  give(spare, (uint64_t)number, client, UINT64_MAX);
  if (at == IN_THE_TURN) {
    for (uint64_t turns = rig_random() % 3; turns > 0; turns--) {
      turn(w->r);
    }
  }
  if (at <= IN_THE_TURN) {
    close(far);
  }
}

/* It closes, or answers, with the request before it. */
static void take_and_close(solver *s, int number, moment at, int far) {
  if (at == HALF_READ) {
    assert_int_equal(take_request(s, far, 4), -1);
  } else if (at == READ) {
    assert_int_equal(take_request(s, far, 8), number);
  } else if (at == NEVER) {
    answer(s, far);
    return;
  }
  if (at > IN_THE_TURN) {
    close(far);
  }
}

static void serve_returned(watch *w, solver *s) {
  int fresh[2];
  rig_pair(1, 0, fresh);
  assert_int_equal(ps_relay_join_socket(w->r->relay, w->client.id, w->client.socket, fresh[0]), 0);
  settle(w->r);
  answer(s, fresh[1]);
  settle(w->r);
}

/* What the client has of it: 1 = the answer, 0 = a reset. */
static int judge(const solver *s, int number, moment at, int client) {
  char text[16];
  char expected[16];
  int how = read_to_end(client, text, sizeof(text));
  (void)snprintf(expected, sizeof(expected), "ok%06d", number);
  assert_string_equal(text, how == 0 ? expected : ""); /* never an end that could be taken for an answer */
  assert_true(how == 0 ? s->taken[number] == 1 : how == -1 && s->taken[number] <= 1);
  /* Only what was closed with the request on its way, or there, is not answered. */
  assert_true(how == 0 || at >= IN_THE_TURN);
  return how == 0;
}

/* One request over a spare that the solver closes at some moment. */
static int ask_once(watch *w, solver *s, int number) {
  moment at = (moment)(rig_random() % MOMENTS);
  char text[16];
  int pair[2];
  int far;
  uint64_t returned = w->returns;
  ps_spare *spare = open_spare(w, 1, &far);
  rig_pair(1, 0, pair);
  (void)snprintf(text, sizeof(text), "%08d", number);
  assert_int_equal(write(pair[0], text, 8), 8);
  give_and_close(w, number, at, pair[1], spare, far);
  settle(w->r);
  take_and_close(s, number, at, far);
  settle(w->r);
  if (w->returns > returned) {
    serve_returned(w, s);
  }
  int answered = judge(s, number, at, pair[0]);
  close(pair[0]);
  settle(w->r);
  return answered;
}

static void no_request_is_lost_in_silence_or_sent_twice(void **state) {
  (void)state;
  static solver s;
  watch w;
  int answered = 0;
  memset(&s, 0, sizeof(s));
  watch_begin(&w);
  for (int i = 0; i < REQUESTS; i++) {
    answered += ask_once(&w, &s, i);
  }
  assert_true(answered > REQUESTS / MOMENTS * 2);
  assert_true(w.losses > 0 && w.returns > w.losses);
  rig_destroy(w.r);
}

int main(void) {
  (void)signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_request_is_lost_in_silence_or_sent_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
