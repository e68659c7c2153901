/* SPDX-License-Identifier: MIT */
#include "common/ssh/dial_race.h"

#include <errno.h>
#include <stdlib.h>

enum {
  FIRST_ROUND_MS = 250, /* between two addresses, the first time round */
  AGAIN_MS = 500,       /* between two attempts from then on */
  RUNNERS_MAX = 12      /* then the oldest makes room: it has had six seconds */
};

typedef struct runner {
  struct dial_race *race;
  penstock_socket socket; /* PENSTOCK_SOCKET_NONE: not running */
  penstock_watch *watch;
  uint32_t number; /* of the attempt */
} runner;

struct dial_race {
  const penstock_host *host;
  const dial_options *options;
  penstock_address addresses[DIAL_RACE_ADDRESSES_MAX];
  uint32_t count;
  uint32_t started; /* attempts so far */
  runner runners[RUNNERS_MAX];
  penstock_timer *next;
  penstock_timer *limit;
  dial_race_done done; /* NULL once it has come */
  void *context;
  int code;                  /* why the last one failed */
  char last[DIAL_TEXT_SIZE]; /* and where */
};

static const penstock_address *address_of(const dial_race *race, uint32_t number) {
  return &race->addresses[number % race->count];
}

static void stop_timer(const dial_race *race, penstock_timer **timer) {
  if (*timer) {
    race->host->timer_stop(race->host, *timer);
    *timer = NULL;
  }
}

/* Takes a runner out; its socket is the caller's. */
static penstock_socket retire(runner *each) {
  const penstock_host *host = each->race->host;
  penstock_socket socket = each->socket;
  if (each->watch) {
    host->watch_stop(host, each->watch);
    each->watch = NULL;
  }
  each->socket = PENSTOCK_SOCKET_NONE;
  return socket;
}

static void stop_all(dial_race *race) {
  stop_timer(race, &race->next);
  stop_timer(race, &race->limit);
  for (size_t i = 0; i < RUNNERS_MAX; i++) {
    dial_close(retire(&race->runners[i]));
  }
}

/* The last thing done with the race: the receiver may free it. */
static void finish(dial_race *race, penstock_socket socket, int code) {
  dial_race_done done = race->done;
  race->done = NULL;
  stop_all(race);
  done(race->context, socket, race->last, code);
}

static int any_runs(const dial_race *race) {
  for (size_t i = 0; i < RUNNERS_MAX; i++) {
    if (race->runners[i].socket != PENSTOCK_SOCKET_NONE) {
      return 1;
    }
  }
  return 0;
}

static void on_next(void *context);

static void plan_next(dial_race *race, uint64_t delay_ms) {
  stop_timer(race, &race->next);
  race->next = race->host->timer_start(race->host, delay_ms, 0, on_next, race);
}

static void failed(dial_race *race, uint32_t number, int code) {
  char where[DIAL_TEXT_SIZE];
  char reason[160];
  dial_text(address_of(race, number), where);
  penstock_logf(race->host, PENSTOCK_LOG_DEBUG, "%s: %s", where,
                dial_reason(code < 0 ? -code : code, reason, sizeof(reason)));
  race->code = code;
  memcpy(race->last, where, sizeof(where));
}

static void on_writable(void *context, uint32_t events) {
  runner *each = context;
  dial_race *race = each->race;
  (void)events;
  int code = dial_result(each->socket);
  penstock_socket socket = retire(each);
  if (code == 0) {
    dial_text(address_of(race, each->number), race->last);
    finish(race, socket, 0);
    return;
  }
  dial_close(socket);
  failed(race, each->number, code);
  if (race->started < race->count) {
    plan_next(race, 0);
  } else if (!any_runs(race)) {
    finish(race, PENSTOCK_SOCKET_NONE, code);
  }
}

/* A place for one more: a free one, else that of the oldest. */
static runner *make_room(dial_race *race) {
  runner *oldest = &race->runners[0];
  for (size_t i = 0; i < RUNNERS_MAX; i++) {
    runner *each = &race->runners[i];
    if (each->socket == PENSTOCK_SOCKET_NONE) {
      return each;
    }
    oldest = each->number < oldest->number ? each : oldest;
  }
  dial_close(retire(oldest));
  return oldest;
}

static void on_next(void *context) {
  dial_race *race = context;
  const penstock_host *host = race->host;
  race->next = NULL;
  runner *each = make_room(race);
  each->number = race->started++;
  int code = dial_start(address_of(race, each->number), race->options, &each->socket);
  if (code == 0) {
    each->watch = host->watch_start(host, each->socket, PENSTOCK_EVENT_WRITE, on_writable, each);
    if (!each->watch) {
      dial_close(retire(each));
      code = ENOMEM;
    }
  }
  if (code) {
    failed(race, each->number, code);
  }
  int is_first_round = race->started < race->count;
  if (code && !is_first_round && !any_runs(race)) {
    finish(race, PENSTOCK_SOCKET_NONE, code);
    return;
  }
  plan_next(race, !is_first_round ? AGAIN_MS : code ? 0 : FIRST_ROUND_MS);
}

static void on_limit(void *context) {
  dial_race *race = context;
  race->limit = NULL;
  if (any_runs(race)) { /* what still hangs is the reason, not an address that was tried in passing */
    for (size_t i = 0; i < RUNNERS_MAX; i++) {
      if (race->runners[i].socket != PENSTOCK_SOCKET_NONE) {
        dial_text(address_of(race, race->runners[i].number), race->last);
      }
    }
    race->code = ETIMEDOUT;
  }
  finish(race, PENSTOCK_SOCKET_NONE, race->code ? race->code : ETIMEDOUT);
}

dial_race *dial_race_start(const penstock_host *host, const penstock_address *addresses, uint32_t count,
                           const dial_options *options, uint64_t limit_ms, dial_race_done done, void *context) {
  dial_race *race = calloc(1, sizeof(*race));
  if (!race || count == 0 || count > DIAL_RACE_ADDRESSES_MAX) {
    free(race);
    return NULL;
  }
  race->host = host;
  race->options = options;
  race->count = count;
  race->done = done;
  race->context = context;
  memcpy(race->addresses, addresses, count * sizeof(*addresses));
  for (size_t i = 0; i < RUNNERS_MAX; i++) {
    race->runners[i].race = race;
    race->runners[i].socket = PENSTOCK_SOCKET_NONE;
  }
  plan_next(race, 0);
  race->limit = host->timer_start(host, limit_ms, 0, on_limit, race);
  if (!race->next || !race->limit) {
    dial_race_stop(race);
    return NULL;
  }
  return race;
}

void dial_race_stop(dial_race *race) {
  if (race) {
    stop_all(race);
    free(race);
  }
}
