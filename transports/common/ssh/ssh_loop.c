/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_loop.h"

#include <stdlib.h>

#include "common/ssh/ssh_dial.h"

enum { ADDRESSES_MAX = 16, ROUND_MAX_MS = 60000 };

/* What is watched or timed; gone once `is_gone`, freed when no round is under way. */
typedef struct item {
  struct item *next;
  ssh_loop *loop;
  int is_gone;
  void *context;
  /* a watch */
  penstock_socket socket;
  uint32_t events;
  void (*ready)(void *context, uint32_t events);
  penstock_watch *watch; /* the host's; NULL if alone */
  size_t place;          /* among those of the round, from 1; 0 = not in it */
  /* a timer */
  uint64_t due_ns;
  uint64_t repeat_ms;
  void (*due)(void *context);
  penstock_timer *timer; /* the host's; NULL if alone */
} item;

/* A name that is looked up. */
typedef struct lookup {
  struct lookup *next;
  ssh_loop *loop;
  void (*done)(void *context, const penstock_address *addresses, uint32_t count, const penstock_error *error);
  void *context; /* NULL once nobody wants to know */
  uint32_t count;
  penstock_address addresses[ADDRESSES_MAX];
  penstock_error error;
} lookup;

struct ssh_loop {
  ssh_table own;
  const penstock_host *host;
  item *watches;
  item *timers;
  lookup *lookups;
  int is_alone;
  int rounds; /* that are under way */
};

static ssh_loop *loop_of(const penstock_host *table) {
  return ((const ssh_table *)(const void *)table)->loop;
}

static item *add_item(ssh_loop *loop, item **list, void *context) {
  item *made = calloc(1, sizeof(*made));
  if (made) {
    made->loop = loop;
    made->context = context;
    made->next = *list;
    *list = made;
  }
  return made;
}

static void sweep(item **list) {
  while (*list) {
    item *each = *list;
    if (each->is_gone) {
      *list = each->next;
      free(each);
    } else {
      list = &each->next;
    }
  }
}

static void sweep_all(ssh_loop *loop) {
  if (loop->rounds == 0) {
    sweep(&loop->watches);
    sweep(&loop->timers);
  }
}

/* --- watches --------------------------------------------------------------------------------------- */

static void on_ready(void *context, uint32_t events) {
  item *watch = context;
  watch->ready(watch->context, events);
}

static penstock_watch *watch_start(const penstock_host *table, penstock_socket socket, uint32_t events,
                                   void (*callback)(void *context, uint32_t events), void *context) {
  ssh_loop *loop = loop_of(table);
  item *watch = add_item(loop, &loop->watches, context);
  if (!watch) {
    return NULL;
  }
  watch->socket = socket;
  watch->events = events;
  watch->ready = callback;
  if (!loop->is_alone) {
    watch->watch = loop->host->watch_start(loop->host, socket, events, on_ready, watch);
    if (!watch->watch) {
      watch->is_gone = 1;
      sweep_all(loop);
      return NULL;
    }
  }
  return (penstock_watch *)(void *)watch;
}

static void watch_set(const penstock_host *table, penstock_watch *handle, uint32_t events) {
  item *watch = (item *)(void *)handle;
  const penstock_host *host = loop_of(table)->host;
  watch->events = events;
  if (watch->watch) {
    host->watch_set(host, watch->watch, events);
  }
}

static void watch_stop(const penstock_host *table, penstock_watch *handle) {
  item *watch = (item *)(void *)handle;
  ssh_loop *loop = loop_of(table);
  if (watch->watch) {
    loop->host->watch_stop(loop->host, watch->watch);
    watch->watch = NULL;
  }
  watch->is_gone = 1;
  sweep_all(loop);
}

/* --- timers ---------------------------------------------------------------------------------------- */

/* Calls a timer back: the last thing done with it, unless it repeats. */
static void fire(item *timer) {
  ssh_loop *loop = timer->loop;
  void (*due)(void *context) = timer->due;
  void *context = timer->context;
  if (timer->repeat_ms == 0) {
    timer->timer = NULL; /* the host frees one that has fired */
    timer->is_gone = 1;
    sweep_all(loop);
  } else {
    timer->due_ns = loop->host->now_ns(loop->host) + timer->repeat_ms * 1000000u;
  }
  due(context);
}

static void on_due(void *context) {
  fire(context);
}

static penstock_timer *timer_start(const penstock_host *table, uint64_t delay_ms, uint64_t repeat_ms,
                                   void (*callback)(void *context), void *context) {
  ssh_loop *loop = loop_of(table);
  item *timer = add_item(loop, &loop->timers, context);
  if (!timer) {
    return NULL;
  }
  timer->due = callback;
  timer->repeat_ms = repeat_ms;
  timer->due_ns = loop->host->now_ns(loop->host) + delay_ms * 1000000u;
  if (!loop->is_alone) {
    timer->timer = loop->host->timer_start(loop->host, delay_ms, repeat_ms, on_due, timer);
    if (!timer->timer) {
      timer->is_gone = 1;
      sweep_all(loop);
      return NULL;
    }
  }
  return (penstock_timer *)(void *)timer;
}

static void timer_stop(const penstock_host *table, penstock_timer *handle) {
  item *timer = (item *)(void *)handle;
  ssh_loop *loop = loop_of(table);
  if (timer->timer) {
    loop->host->timer_stop(loop->host, timer->timer);
    timer->timer = NULL;
  }
  timer->is_gone = 1;
  sweep_all(loop);
}

/* --- names ----------------------------------------------------------------------------------------- */

static void free_lookup(lookup *done) {
  lookup **at = &done->loop->lookups;
  while (*at != done) {
    at = &(*at)->next;
  }
  *at = done->next;
  free(done);
}

static void on_resolved(void *context, const penstock_address *addresses, uint32_t count, const penstock_error *error) {
  lookup *asked = context;
  if (asked->context) {
    asked->done(asked->context, addresses, count, error);
  }
  free_lookup(asked);
}

static void on_resolved_in_place(void *context) {
  lookup *asked = context;
  on_resolved(asked, asked->addresses, asked->count, asked->count ? NULL : &asked->error);
}

static int32_t resolve(const penstock_host *table, const char *name, uint16_t port, uint32_t family,
                       void (*done)(void *context, const penstock_address *addresses, uint32_t count,
                                    const penstock_error *error),
                       void *context) {
  ssh_loop *loop = loop_of(table);
  lookup *asked = calloc(1, sizeof(*asked));
  if (!asked) {
    return PENSTOCK_E_NOMEM;
  }
  int32_t result = PENSTOCK_OK;
  asked->loop = loop;
  asked->done = done;
  asked->context = context;
  asked->error.struct_size = (uint32_t)sizeof(asked->error);
  asked->next = loop->lookups;
  loop->lookups = asked;
  if (loop->is_alone) {
    asked->count = dial_resolve(name, port, family, asked->addresses, ADDRESSES_MAX, &asked->error);
    result = timer_start(table, 0, 0, on_resolved_in_place, asked) ? PENSTOCK_OK : PENSTOCK_E_NOMEM;
  } else {
    result = loop->host->resolve(loop->host, name, port, family, on_resolved, asked);
  }
  if (result) {
    free_lookup(asked);
  }
  return result;
}

void ssh_loop_forget(ssh_loop *loop, const void *context) {
  for (lookup *each = loop->lookups; each; each = each->next) {
    if (each->context == context) {
      each->context = NULL;
    }
  }
}

/* --- life ------------------------------------------------------------------------------------------ */

void ssh_loop_lend(ssh_loop *loop, ssh_table *table) {
  const penstock_host *host = loop->host;
  size_t size = host->struct_size < sizeof(table->host) ? host->struct_size : sizeof(table->host);
  memset(table, 0, sizeof(*table));
  memcpy(&table->host, host, size);
  table->host.struct_size = (uint32_t)size;
  table->host.watch_start = watch_start;
  table->host.watch_set = watch_set;
  table->host.watch_stop = watch_stop;
  table->host.timer_start = timer_start;
  table->host.timer_stop = timer_stop;
  table->host.resolve = resolve;
  table->loop = loop;
}

ssh_loop *ssh_loop_create(const penstock_host *host) {
  ssh_loop *loop = calloc(1, sizeof(*loop));
  if (loop) {
    loop->host = host;
    ssh_loop_lend(loop, &loop->own);
  }
  return loop;
}

void ssh_loop_destroy(ssh_loop *loop) {
  if (!loop) {
    return;
  }
  loop->rounds = 1; /* nothing is freed before its turn here */
  for (item *each = loop->watches; each; each = each->next) {
    watch_stop(&loop->own.host, (penstock_watch *)(void *)each);
  }
  for (item *each = loop->timers; each; each = each->next) {
    timer_stop(&loop->own.host, (penstock_timer *)(void *)each);
  }
  loop->rounds = 0;
  sweep_all(loop);
  while (loop->lookups) { /* the host does not call back any more: the instance is going away */
    lookup *each = loop->lookups;
    loop->lookups = each->next;
    free(each);
  }
  free(loop);
}

const penstock_host *ssh_loop_table(const ssh_loop *loop) {
  return &loop->own.host;
}

const penstock_host *ssh_loop_host(const ssh_loop *loop) {
  return loop->host;
}

void ssh_loop_set_alone(ssh_loop *loop, int is_alone) {
  loop->is_alone = is_alone;
}

/* --- a round --------------------------------------------------------------------------------------- */

static uint64_t time_to_poll(const ssh_loop *loop, uint64_t now_ns, uint64_t timeout_ms) {
  uint64_t wait_ms = timeout_ms < ROUND_MAX_MS ? timeout_ms : ROUND_MAX_MS;
  for (const item *each = loop->timers; each; each = each->next) {
    if (!each->is_gone) {
      uint64_t left_ms = each->due_ns > now_ns ? (each->due_ns - now_ns + 999999u) / 1000000u : 0;
      wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
  }
  return wait_ms;
}

/* Timers that were due before the round: one that a callback starts waits for the next. */
static void fire_due(ssh_loop *loop, uint64_t now_ns) {
  const penstock_host *host = loop->host;
  for (item *each = loop->timers; each; each = each->next) {
    if (each->is_gone || each->due_ns > now_ns) {
      continue;
    }
    if (each->timer) {
      host->timer_stop(host, each->timer);
      each->timer = NULL;
      if (each->repeat_ms > 0) {
        each->timer = host->timer_start(host, each->repeat_ms, each->repeat_ms, on_due, each);
      }
    }
    fire(each);
  }
}

/* Those of the round whose place says that they are ready; one that a callback starts has none. */
static void call_ready(ssh_loop *loop, const dial_poller *pollers) {
  for (item *each = loop->watches; each; each = each->next) {
    uint32_t ready = each->place ? pollers[each->place - 1].ready : 0;
    if (ready && !each->is_gone) {
      each->ready(each->context, ready);
    }
  }
}

void ssh_loop_wait(ssh_loop *loop, penstock_socket socket, uint32_t events, uint64_t timeout_ms) {
  size_t count = 1;
  for (const item *each = loop->watches; each; each = each->next) {
    count++;
  }
  dial_poller *pollers = calloc(count, sizeof(*pollers));
  if (!pollers) {
    (void)dial_poll(socket, events, timeout_ms < 100 ? timeout_ms : 100);
    return;
  }
  size_t used = 0;
  for (item *each = loop->watches; each; each = each->next) {
    each->place = 0;
    if (!each->is_gone && each->events) {
      pollers[used] = (dial_poller){.socket = each->socket, .events = each->events};
      each->place = ++used;
    }
  }
  pollers[used] = (dial_poller){.socket = socket, .events = events};
  loop->rounds++;
  if (dial_poll_all(pollers, used + 1, time_to_poll(loop, loop->host->now_ns(loop->host), timeout_ms)) > 0) {
    call_ready(loop, pollers);
  }
  fire_due(loop, loop->host->now_ns(loop->host));
  loop->rounds--;
  sweep_all(loop);
  free(pollers);
}
