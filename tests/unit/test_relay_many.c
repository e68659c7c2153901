/* SPDX-License-Identifier: MIT */
/* Many streams: 2,000 lives without a leak, what an idle one costs, and nobody gets more than a turn. */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "credit_fake.h"
#include "relay/stream.h"

#define STREAMS    2000
#define MAX_SOCKET 65536

/* --- who reads how much in a turn --------------------------------------------------------------- */

static struct {
  const rig *rig; /* NULL = nobody looks */
  size_t largest; /* that one socket gave in a turn */
  uint64_t turn;
  size_t round; /* that all of them gave in this turn */
  size_t largest_round;
  size_t read[MAX_SOCKET];
  uint64_t seen[MAX_SOCKET]; /* the turn that `read` is of */
} watch;

static void note_read(int fd, ssize_t size) {
  if (!watch.rig || size <= 0 || fd >= MAX_SOCKET) {
    return;
  }
  if (watch.seen[fd] != watch.rig->turns + 1) {
    watch.seen[fd] = watch.rig->turns + 1;
    watch.read[fd] = 0;
  }
  watch.round = watch.turn == watch.rig->turns ? watch.round + (size_t)size : (size_t)size;
  watch.turn = watch.rig->turns;
  watch.largest_round = watch.round > watch.largest_round ? watch.round : watch.largest_round;
  watch.read[fd] += (size_t)size;
  watch.largest = watch.read[fd] > watch.largest ? watch.read[fd] : watch.largest;
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
  ssize_t count = syscall(SYS_recvfrom, fd, data, size, flags, NULL, NULL);
  note_read(fd, count);
  return count;
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
  struct stat what;
  ssize_t count = syscall(SYS_splice, from, from_at, to, to_at, size, flags);
  if (fstat(from, &what) == 0 && S_ISSOCK(what.st_mode)) {
    note_read(from, count);
  }
  return count;
}

/* --- lives --------------------------------------------------------------------------------------- */

static size_t open_files(void) {
  size_t count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) {
    count++;
  }
  closedir(folder);
  return count;
}

typedef struct life {
  peer client;
  peer far;
  fake credit;
} life;

/* All kinds of lives side by side: with either far side, ended cleanly or by either side's abort. */
static void run_lives(rig *r, life *lives, size_t count) {
  memset(lives, 0, count * sizeof(*lives));
  size_t ended = r->ended_count;
  for (size_t i = 0; i < count; i++) {
    life *l = &lives[i];
    int clean = i % 3 == 0;
    l->client = (peer){.send_total = rig_between(0, 5000), .half_close = clean};
    l->far = (peer){.send_total = rig_between(0, 5000), .half_close = clean};
    l->credit = (fake){.send_total = rig_between(0, 5000), .half_close = clean, .budget = 10, .refill = 3000};
    if (i % 2) {
      rig_join(r, i, 1, 0, &l->client, &l->far);
    } else {
      rig_join_credit(r, i, 1, 0, &l->client, &l->credit);
    }
  }
  assert_int_equal(ps_relay_count(r->relay), count);
  rig_settle(r);
  for (size_t i = 0; i < count; i++) {
    if (i % 3 == 1) {
      peer_stop(&lives[i].client, 1);
    } else if (i % 3 == 2 && i % 2) {
      peer_stop(&lives[i].far, 1);
    } else if (i % 3 == 2) {
      ps_relay_stream_reset(lives[i].credit.sink, NULL);
    }
  }
  rig_run_until_ended(r, ended + count);
  assert_int_equal(ps_relay_count(r->relay), 0);
  for (size_t i = ended; i < r->ended_count; i++) {
    assert_int_equal(r->ended[i].aborted, r->ended[i].id % 3 != 0);
  }
  for (size_t i = 0; i < count; i++) {
    peer_stop(&lives[i].client, 0);
    peer_stop(&lives[i].far, 0);
  }
}

static void test_lives(void **state) {
  (void)state;
  rig *r = rig_create();
  size_t at_once = (ps_net_raise_limit() - 100) / 4;
  at_once = at_once < STREAMS ? at_once : STREAMS;
  life *lives = calloc(at_once, sizeof(*lives));
  assert_non_null(lives);
  size_t before = open_files();
  for (size_t done = 0; done < STREAMS; done += at_once) {
    run_lives(r, lives, at_once);
  }
  assert_int_equal(open_files(), before);
  free(lives);
  rig_destroy(r);
}

static void test_an_idle_stream_is_small(void **state) {
  (void)state;
  rig *r = rig_create();
  peer client = {.send_total = MIB(1)};
  peer far = {.send_total = MIB(1)};
  assert_true(sizeof(ps_socket_stream) <= 1024);
  assert_true(sizeof(struct penstock_sink) <= 1024);
  rig_join(r, 1, 1, 4096, &client, &far);
  rig_run_until_count(r, &client.received, MIB(1));
  rig_run_until_count(r, &far.received, MIB(1));
  rig_settle(r);
  const ps_stream *stream = PS_CONTAINER(r->relay->streams.next, ps_stream, node);
  assert_null(stream->up.backlog.first);
  assert_null(stream->down.backlog.first);
  peer_stop(&client, 0);
  peer_stop(&far, 1);
  rig_run_until_ended(r, 1);
  rig_destroy(r);
}

/* --- turns --------------------------------------------------------------------------------------- */

/* The largest turn of bulk streams, which are all uploads, after each has shown that it is one. Their bytes are checked
 * nowhere here: that takes longer than all the rest. */
static size_t largest_turn(rig *r, size_t count, peer *clients, peer *fars) {
  memset(&watch, 0, sizeof(watch));
  for (size_t i = 0; i < count; i++) {
    clients[i] = (peer){.send_total = MIB(100000)};
    fars[i] = (peer){0};
    rig_join(r, 1 + i, 1, 0, &clients[i], &fars[i]);
  }
  for (int mib = 1; mib <= 16; mib++) {
    for (size_t i = 0; i < count; i++) {
      for (int k = 0; k < 40; k++) { /* so that there is more to read than a turn */
        peer_send(&clients[i]);
      }
    }
    rig_run_until_count(r, &fars[0].received, MIB(mib));
    watch.rig = r;
  }
  watch.rig = NULL;
  for (size_t i = 1; i < count; i++) {
    assert_true(fars[i].received > MIB(16) / 4);
  }
  return watch.largest;
}

static void end_bulk(rig *r, size_t count, peer *clients, peer *fars) {
  size_t before = r->ended_count;
  for (size_t i = 0; i < count; i++) {
    peer_stop(&clients[i], 1);
  }
  rig_run_until_ended(r, before + count);
  for (size_t i = 0; i < count; i++) {
    peer_stop(&fars[i], 0);
  }
}

/* Bulk by itself has large turns, of many streams too: they cost a third of small ones. But a round has an end. */
static void test_turns_of_bulk_are_large(void **state) {
  (void)state;
  static const size_t counts[] = {1, 12};
  for (int i = 0; i < 2; i++) {
    rig *r = rig_create();
    peer clients[12];
    peer fars[12];
    size_t largest = largest_turn(r, counts[i], clients, fars);
    assert_true(largest > PS_RELAY_BUFFER && largest <= PS_RELAY_PIPE);
    assert_true(watch.largest_round <= PS_RELAY_ROUND + counts[i] * PS_RELAY_SHARE);
    end_bulk(r, counts[i], clients, fars);
    rig_destroy(r);
  }
}

/* Among them somebody who says a byte at a time: nobody is to take a turn that it would notice. */
static void test_turns_are_small_beside_little(void **state) {
  (void)state;
  rig *r = rig_create();
  peer clients[4];
  peer fars[4];
  peer talker = {.send_total = MIB(100000), .chunk = 1};
  peer listener = {0};
  rig_join(r, 100, 1, 0, &talker, &listener);
  size_t largest = largest_turn(r, 4, clients, fars);
  assert_true(largest > 0 && largest <= PS_RELAY_SHARE);
  talker.send_total = talker.sent; /* … and when it has nothing more to say */
  end_bulk(r, 4, clients, fars);
  assert_true(largest_turn(r, 4, clients, fars) > PS_RELAY_SHARE);
  end_bulk(r, 4, clients, fars);
  peer_stop(&talker, 1);
  rig_run_until_ended(r, 9);
  peer_stop(&listener, 0);
  rig_destroy(r);
}

/* Pipes are few. Streams that find none left read and write, and nothing is lost on either way. */
static void test_more_held_back_streams_than_pipes(void **state) {
  (void)state;
  rig *r = rig_create();
  peer clients[50];
  peer fars[50];
  size_t before = open_files();
  r->relay->bulk_from = 0;
  for (size_t i = 0; i < 50; i++) {
    clients[i] = (peer){.send_total = MIB(1), .half_close = 1};
    fars[i] = (peer){.half_close = 1, .not_reading = 1};
    rig_join(r, i, 1, 32768, &clients[i], &fars[i]);
  }
  rig_settle(r);
  size_t by_pipe = 0;
  for (ps_list *node = r->relay->streams.next; node != &r->relay->streams; node = node->next) {
    const ps_flow *up = &PS_CONTAINER(node, ps_stream, node)->up;
    assert_true(ps_flow_waiting(up) <= PS_RELAY_PIPE);
    by_pipe += up->pipe != NULL;
  }
  assert_true(by_pipe > 0 && by_pipe < 50);
  for (size_t i = 0; i < 50; i++) {
    fars[i].not_reading = 0;
    peer_arm(&fars[i]);
  }
  for (size_t i = 0; i < 50; i++) {
    rig_run_until(r, &fars[i].eof);
    assert_int_equal(fars[i].received, MIB(1));
    rig_run_until(r, &clients[i].eof);
  }
  rig_run_until_ended(r, 50);
  for (size_t i = 0; i < 50; i++) {
    assert_int_equal(r->ended[i].aborted, 0);
    peer_stop(&clients[i], 0);
    peer_stop(&fars[i], 0);
  }
  rig_settle(r);
  assert_true(open_files() <= before + 16); /* a few pipes are kept for the next */
  rig_destroy(r);
}

int main(void) {
  (void)signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lives),
      cmocka_unit_test(test_an_idle_stream_is_small),
      cmocka_unit_test(test_turns_of_bulk_are_large),
      cmocka_unit_test(test_turns_are_small_beside_little),
      cmocka_unit_test(test_more_held_back_streams_than_pipes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
