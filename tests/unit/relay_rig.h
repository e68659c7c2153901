/* SPDX-License-Identifier: MIT */
/**
 * @file relay_rig.h
 * What the tests of the relay share: a loop with a relay on it, connected sockets, and peers that send and
 * check a stream of bytes in which every place has its own value, in chunks of random size.
 */
#ifndef RELAY_RIG_H
#define RELAY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "net/net.h"
#include "relay/stream.h"

#define UNUSED    __attribute__((unused))
#define KIB(n)    ((uint64_t)(n)*1024)
#define MIB(n)    ((uint64_t)(n)*1024 * 1024)
#define DEADLINE  30000
#define MAX_ENDED 4096

/* --- random numbers, the same in every run ----------------------------------------------------- */

static uint64_t rig_seed = 0x9E3779B97F4A7C15u;

UNUSED static uint64_t rig_random(void) {
  rig_seed ^= rig_seed << 13;
  rig_seed ^= rig_seed >> 7;
  rig_seed ^= rig_seed << 17;
  return rig_seed;
}

UNUSED static size_t rig_between(size_t low, size_t high) {
  if (high <= low) {
    return low;
  }
  return low + (size_t)(rig_random() % (high - low + 1));
}

/* --- bytes that know their place --------------------------------------------------------------- */

UNUSED static unsigned char pattern_at(uint64_t key, uint64_t at) {
  uint64_t x = (key ^ (at >> 3)) * 0x9E3779B97F4A7C15u;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9u;
  return (unsigned char)(x >> (8 * (at & 7)));
}

UNUSED static void pattern_fill(uint64_t key, uint64_t at, unsigned char *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    data[i] = pattern_at(key, at + i);
  }
}

UNUSED static void pattern_check(uint64_t key, uint64_t at, const unsigned char *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (data[i] != pattern_at(key, at + i)) {
      fail_msg("byte %llu is wrong", (unsigned long long)(at + i));
    }
  }
}

/* --- the rig ----------------------------------------------------------------------------------- */

typedef struct rig {
  uv_loop_t loop;
  uv_timer_t watchdog;
  uv_check_t check;
  ps_relay *relay;
  uint64_t turns;
  size_t ended_count;
  ps_stream_end ended[MAX_ENDED];
  char error_what[512];
  int relay_closed;
} rig;

/** From how many bytes a turn on sockets are joined by pipes; 0 = from the first byte. */
UNUSED static size_t rig_bulk_from = PS_RELAY_BULK_FROM;
/** Bytes that went by pipes, in all rigs that are gone. */
UNUSED static uint64_t rig_spliced;

static void rig_on_ended(void *context, const ps_stream_end *end) {
  rig *r = context;
  assert_true(r->ended_count < MAX_ENDED);
  r->ended[r->ended_count] = *end;
  r->ended[r->ended_count++].error = NULL;
  if (end->error) {
    (void)snprintf(r->error_what, sizeof(r->error_what), "%s", end->error->what);
  }
}

static void rig_on_deadline(uv_timer_t *timer) {
  (void)timer;
  fail_msg("nothing happens any more");
}

static void rig_on_check(uv_check_t *check) {
  ((rig *)check->data)->turns++;
}

static void rig_on_relay_closed(void *context) {
  ((rig *)context)->relay_closed = 1;
}

UNUSED static rig *rig_create(void) {
  rig *r = calloc(1, sizeof(*r));
  assert_non_null(r);
  assert_int_equal(uv_loop_init(&r->loop), 0);
  uv_timer_init(&r->loop, &r->watchdog);
  uv_check_init(&r->loop, &r->check);
  r->check.data = r;
  uv_check_start(&r->check, rig_on_check);
  uv_unref((uv_handle_t *)&r->check);
  r->relay = ps_relay_create(&r->loop, rig_on_ended, r);
  assert_non_null(r->relay);
  r->relay->bulk_from = rig_bulk_from;
  return r;
}

/** Runs the loop until `*flag` is not 0. */
UNUSED static void rig_run_until(rig *r, const int *flag) {
  uv_timer_start(&r->watchdog, rig_on_deadline, DEADLINE, 0);
  while (!*flag) {
    uv_run(&r->loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&r->watchdog);
}

UNUSED static void rig_run_until_ended(rig *r, size_t count) {
  uv_timer_start(&r->watchdog, rig_on_deadline, DEADLINE, 0);
  while (r->ended_count < count) {
    uv_run(&r->loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&r->watchdog);
}

/** Runs the loop until `*count` is at least `least`. */
UNUSED static void rig_run_until_count(rig *r, const uint64_t *count, uint64_t least) {
  uv_timer_start(&r->watchdog, rig_on_deadline, DEADLINE, 0);
  while (*count < least) {
    uv_run(&r->loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&r->watchdog);
}

/** Does nothing happen on the loop for `quiet_ms`? Something that is ready, again and again, is something. */
static int rig_is_quiet(rig *r, int quiet_ms) {
  struct pollfd entry = {.fd = uv_backend_fd(&r->loop), .events = POLLIN};
  uv_run(&r->loop, UV_RUN_NOWAIT);
  return !uv_loop_alive(&r->loop) || (uv_backend_timeout(&r->loop) != 0 && poll(&entry, 1, quiet_ms) == 0);
}

/** Lets the relay and the peers do all they can do now. */
UNUSED static void rig_settle(rig *r) {
  for (int turns = 0; !rig_is_quiet(r, 10); turns++) {
    assert_true(turns < 1000000);
  }
}

/** The loop sleeps. A late probe of the kernel's may wake it now and then, a watch that spins does so always. */
UNUSED static void rig_check_quiet(rig *r) {
  for (int turns = 0; !rig_is_quiet(r, 50); turns++) {
    assert_true(turns < 1000);
  }
}

UNUSED static void rig_destroy(rig *r) {
  rig_spliced += r->relay->spliced;
  ps_relay_destroy(r->relay, rig_on_relay_closed, r);
  rig_run_until(r, &r->relay_closed);
  uv_close((uv_handle_t *)&r->watchdog, NULL);
  uv_close((uv_handle_t *)&r->check, NULL);
  uv_run(&r->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&r->loop), 0);
  free(r);
}

/* --- sockets ----------------------------------------------------------------------------------- */

/** A connected pair, non-blocking: TCP over loopback (small buffers on request), or local sockets. */
UNUSED static void rig_pair(int tcp, int buffer, int pair[2]) {
  if (!tcp) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    return;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(listener >= 0);
  if (buffer > 0) {
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
  }
  assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (buffer > 0) {
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
  }
  assert_int_equal(connect(pair[0], (struct sockaddr *)&address, size), 0);
  pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(pair[1] >= 0);
  close(listener);
  for (int i = 0; i < 2; i++) {
    int one = 1;
    assert_int_equal(fcntl(pair[i], F_SETFL, fcntl(pair[i], F_GETFL) | O_NONBLOCK), 0);
    assert_int_equal(setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
  }
}

/* --- peers ------------------------------------------------------------------------------------- */

/** A program at one end of a stream. */
typedef struct peer {
  uv_poll_t *poll;
  int fd;
  uint64_t send_key; /**< what it sends */
  uint64_t send_total;
  uint64_t sent;
  int half_close; /**< ends its direction after the last byte */
  int shut;
  uint64_t receive_key; /**< what it expects */
  uint64_t received;
  size_t chunk; /**< largest read and write */
  int not_reading;
  int eof;    /**< the other direction ended cleanly */
  int broken; /**< reset */
  int over;   /**< eof or broken */
} peer;

static void peer_on_ready(uv_poll_t *poll, int status, int events);

UNUSED static void peer_arm(peer *p) {
  int events = UV_READABLE * (!p->over && !p->not_reading) + UV_WRITABLE * (p->sent < p->send_total && !p->broken);
  if (events) {
    uv_poll_start(p->poll, events, peer_on_ready);
  } else {
    uv_poll_stop(p->poll);
  }
}

static void peer_broke(peer *p) {
  p->broken = 1;
  p->over = 1;
}

UNUSED static void peer_send(peer *p) {
  unsigned char data[64 * 1024];
  size_t size = rig_between(1, p->chunk);
  if (size > p->send_total - p->sent) {
    size = (size_t)(p->send_total - p->sent);
  }
  pattern_fill(p->send_key, p->sent, data, size);
  ssize_t count = write(p->fd, data, size);
  if (count > 0) {
    p->sent += (uint64_t)count;
  } else if (errno != EAGAIN) {
    peer_broke(p);
  }
}

UNUSED static void peer_receive(peer *p) {
  unsigned char data[64 * 1024];
  ssize_t count = read(p->fd, data, rig_between(1, p->chunk));
  if (count > 0) {
    pattern_check(p->receive_key, p->received, data, (size_t)count);
    p->received += (uint64_t)count;
  } else if (count == 0) {
    p->eof = 1;
    p->over = 1;
  } else if (errno != EAGAIN) {
    peer_broke(p);
  }
}

UNUSED static void peer_end_sending(peer *p) {
  if (p->half_close && !p->shut && p->sent == p->send_total && !p->broken) {
    p->shut = 1;
    assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
  }
}

static void peer_on_ready(uv_poll_t *poll, int status, int events) {
  peer *p = poll->data;
  if (status < 0) {
    peer_broke(p);
  } else {
    if (events & UV_WRITABLE) {
      peer_send(p);
    }
    if (events & UV_READABLE && !p->over) {
      peer_receive(p);
    }
    peer_end_sending(p);
  }
  peer_arm(p);
}

/** Starts a program at `fd`; members that say what it does are set by the caller before. */
UNUSED static void peer_start(rig *r, peer *p, int fd) {
  p->fd = fd;
  if (p->chunk == 0 || p->chunk > KIB(64)) {
    p->chunk = KIB(64);
  }
  p->poll = malloc(sizeof(*p->poll));
  assert_non_null(p->poll);
  assert_int_equal(uv_poll_init(&r->loop, p->poll, fd), 0);
  p->poll->data = p;
  peer_end_sending(p);
  peer_arm(p);
}

static void peer_on_closed(uv_handle_t *handle) {
  free(handle);
}

/** Its program ends: with RST if `reset`. */
UNUSED static void peer_stop(peer *p, int reset) {
  if (p->poll) {
    uv_close((uv_handle_t *)p->poll, peer_on_closed);
    p->poll = NULL;
    if (reset) {
      ps_net_reset(p->fd);
    } else {
      close(p->fd);
    }
  }
}

/** Client and far side of an fd stream. */
UNUSED static void rig_join(rig *r, uint64_t id, int tcp, int buffer, peer *client, peer *far) {
  int near_pair[2];
  int far_pair[2];
  rig_pair(tcp, buffer, near_pair);
  rig_pair(tcp, buffer, far_pair);
  assert_int_equal(ps_relay_join_socket(r->relay, id, near_pair[1], far_pair[0]), 0);
  client->send_key = far->receive_key = id * 2 + 1;
  far->send_key = client->receive_key = id * 2 + 2;
  peer_start(r, client, near_pair[0]);
  peer_start(r, far, far_pair[1]);
}

#endif
