/* SPDX-License-Identifier: MIT */
/**
 * @file spare_rig.h
 * What the tests of streams that were opened ahead share: one is kept, given, and what has become of it is noted.
 */
#ifndef SPARE_RIG_H
#define SPARE_RIG_H

#include "relay_rig.h"

typedef struct watch {
  rig *r;
  const ps_spare *lost;
  uint64_t losses;
  int spoke;
  uint64_t returns;
  ps_spare_client client;
} watch;

static void on_lost(void *context, const ps_spare *spare, int spoke) {
  watch *w = context;
  w->losses++;
  w->lost = spare;
  w->spoke = spoke;
}

static void on_returned(void *context, const ps_spare_client *client) {
  watch *w = context;
  w->returns++;
  w->client = *client;
}

UNUSED static void watch_begin(watch *w) {
  memset(w, 0, sizeof(*w));
  w->r = rig_create();
  const ps_spare_events events = {.context = w, .lost = on_lost, .returned = on_returned};
  ps_spare_listen(w->r->relay, &events);
}

/* A spare whose far side is `*far`. */
UNUSED static ps_spare *open_spare(watch *w, int tcp, int *far) {
  int pair[2];
  rig_pair(tcp, 0, pair);
  *far = pair[1];
  ps_spare *spare = ps_spare_of_socket(w->r->relay, pair[0]);
  assert_non_null(spare);
  return spare;
}

UNUSED static void give(ps_spare *spare, uint64_t id, int client, uint64_t stale_ns) {
  const ps_spare_client who = {.id = id, .socket = client, .deadline_ns = id + 7};
  ps_spare_give(spare, &who, stale_ns);
}

/* What a socket holds: its bytes, then 0 for an end, -1 for a reset, 1 for neither. */
UNUSED static int read_to_end(int fd, char *text, size_t size) {
  size_t have = 0;
  ssize_t count;
  while ((count = recv(fd, text + have, size - 1 - have, MSG_DONTWAIT)) > 0) {
    have += (size_t)count;
  }
  text[have] = '\0';
  return count == 0 ? 0 : errno == EAGAIN ? 1 : -1;
}

UNUSED static void assert_holds(int fd, const char *expected, int how) {
  char text[256];
  int found = read_to_end(fd, text, sizeof(text));
  assert_string_equal(text, expected);
  assert_int_equal(found, how);
}

#endif
