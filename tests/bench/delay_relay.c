/* SPDX-License-Identifier: MIT */
/*
 * A long way: a TCP relay that holds each byte for a time, keeps the order, and limits nothing else.
 *
 *   penstock_delay --to PORT --delay MICROSECONDS      prints its own port, and serves until a signal ends it
 *
 * Each direction of a connection is a thread with a queue of pieces. Bytes that come within COALESCE of a piece's
 * first are added to it, so that the queue stays short whatever the sizes of reads are; those leave that much early.
 * An end of data takes the delay too. A connection that breaks on one side is ended on the other at once, and
 * connecting costs nothing: what is measured over it is a session that stands.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define PIECE       ((size_t)256 * 1024)
#define COALESCE_NS 100000u
/* More pieces than are made within the delay: full ones of them are some GB/s. */
#define SPARE_PIECES 64

typedef struct piece {
  struct piece *next;
  uint64_t due_ns;
  size_t size; /* 0 = the end */
  size_t sent;
  unsigned char bytes[PIECE];
} piece;

typedef struct pair {
  int near;
  int far;
  atomic_int users; /* the threads of its directions */
} pair;

typedef struct way {
  pair *of;
  int source;
  int sink;
  piece *first;
  piece *last;
  piece *spare; /* used pieces, whose memory is warm */
  uint64_t count;
  int ended;
} way;

static uint64_t delay_ns;
static uint64_t most_pieces;

static piece *add_piece(way *w, uint64_t now) {
  piece *p = w->spare;
  if (p) {
    w->spare = p->next;
  } else {
    p = malloc(sizeof(*p));
  }
  if (!p) {
    return NULL;
  }
  p->next = NULL;
  p->due_ns = now + delay_ns;
  p->size = p->sent = 0;
  if (w->last) {
    w->last->next = p;
  } else {
    w->first = p;
  }
  w->last = p;
  w->count++;
  return p;
}

static void drop_first(way *w) {
  piece *p = w->first;
  w->first = p->next;
  if (!w->first) {
    w->last = NULL;
  }
  w->count--;
  p->next = w->spare;
  w->spare = p;
}

/* At once: a sender that waits for a delayed acknowledgement would wait for the relay, not for the way. Whose window
 * has shrunk to a few segments (BBR looks for the least delay that way, and it shrinks after a loss) waits for each. */
static void acknowledge(const way *w) {
  int on = 1;
  (void)setsockopt(w->source, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* Takes what the source has. Returns -1 for an abort. */
static int take(way *w) {
  uint64_t now = load_now_ns();
  piece *p = w->last;
  if (!p || p->size == PIECE || p->sent > 0 || now + delay_ns > p->due_ns + COALESCE_NS) {
    p = add_piece(w, now);
  }
  if (!p) {
    return -1;
  }
  ssize_t count = recv(w->source, p->bytes + p->size, PIECE - p->size, MSG_DONTWAIT);
  if (count > 0) {
    acknowledge(w);
    p->size += (size_t)count;
    return 0;
  }
  if (count < 0) {
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
  }
  w->ended = 1;
  return p->size == 0 || add_piece(w, now) ? 0 : -1;
}

/* Sends the first piece. Returns 1 when it was the end, -1 for an abort. */
static int give(way *w) {
  piece *p = w->first;
  if (!p) {
    return 0;
  }
  if (p->size == 0) {
    drop_first(w);
    if (w->first || !w->ended) {
      return 0; /* a read that brought nothing has left it */
    }
    (void)shutdown(w->sink, SHUT_WR);
    return 1;
  }
  ssize_t count = send(w->sink, p->bytes + p->sent, p->size - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) {
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
  }
  p->sent += (size_t)count;
  if (p->sent == p->size) {
    drop_first(w);
  }
  return 0;
}

/* Waits until there is something to take or to give, and does it. */
static int turn(way *w) {
  uint64_t now = load_now_ns();
  int is_due = w->first && w->first->due_ns <= now;
  struct pollfd fds[2] = {
      {.fd = !w->ended && w->count < most_pieces ? w->source : -1, .events = POLLIN},
      {.fd = is_due ? w->sink : -1, .events = POLLOUT},
  };
  uint64_t left = w->first && !is_due ? w->first->due_ns - now : 0;
  struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
  if (ppoll(fds, 2, left > 0 ? &timeout : NULL, NULL) < 0) {
    return errno == EINTR ? 0 : -1;
  }
  if (fds[0].revents && take(w) != 0) {
    return -1;
  }
  return fds[1].revents ? give(w) : 0;
}

/* Wakes the other direction's thread, wherever it waits. */
static void break_off(const pair *p) {
  (void)shutdown(p->near, SHUT_RDWR);
  (void)shutdown(p->far, SHUT_RDWR);
}

static void free_pieces(piece *p) {
  while (p) {
    piece *next = p->next;
    free(p);
    p = next;
  }
}

static void *run_way(void *argument) {
  way *w = argument;
  pair *of = w->of;
  int result;
  do {
    result = turn(w);
  } while (result == 0);
  if (result < 0) {
    break_off(of);
  }
  free_pieces(w->first);
  free_pieces(w->spare);
  free(w);
  if (atomic_fetch_sub(&of->users, 1) == 1) {
    close(of->near);
    close(of->far);
    free(of);
  }
  return NULL;
}

static int start_way(pair *of, int source, int sink) {
  pthread_t thread;
  way *w = calloc(1, sizeof(*w));
  if (!w) {
    return -1;
  }
  *w = (way){.of = of, .source = source, .sink = sink};
  if (pthread_create(&thread, NULL, run_way, w) != 0) {
    free(w);
    return -1;
  }
  (void)pthread_detach(thread);
  return 0;
}

static void serve(int near, uint16_t to) {
  pair *p = malloc(sizeof(*p));
  int far = load_connect(to);
  if (!p || far < 0) {
    perror("penstock_delay: connect");
    free(p);
    close(near);
    return;
  }
  *p = (pair){.near = near, .far = far, .users = 2};
  if (start_way(p, near, far) != 0 || start_way(p, far, near) != 0) {
    perror("penstock_delay: thread");
    exit(1);
  }
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"to", required_argument, NULL, 't'}, {"delay", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
  uint16_t to = 0;
  uint16_t port = 0;
  int letter;
  while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (letter == 't') {
      to = (uint16_t)strtoul(optarg, NULL, 10);
    } else if (letter == 'd') {
      delay_ns = strtoull(optarg, NULL, 10) * 1000;
    } else {
      to = 0;
      break;
    }
  }
  most_pieces = delay_ns / COALESCE_NS + SPARE_PIECES;
  int listener = to != 0 ? load_listen(&port) : -1;
  if (listener < 0) {
    (void)fputs("usage: penstock_delay --to PORT --delay MICROSECONDS\n", stderr);
    return 2;
  }
  printf("%u\n", port);
  (void)fflush(stdout);
  for (;;) {
    int near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (near >= 0) {
      serve(near, to);
    }
  }
}
