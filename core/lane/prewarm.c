/* SPDX-License-Identifier: MIT */
/*
 * Streams opened ahead of need. A few wait in the relay (relay/spare.h), the oldest is given to the next client at
 * once, and another one is opened behind its back.
 *
 * How old one may become is what keeps requests out of harm's way: bytes that cross with the end of their connection
 * may or may not have been read, and nobody can know. So a stream is given away long before a solver tires of it: after
 * 20 s it is closed here, and if the far side was first once, then after half of the time that it took for that. The
 * oldest goes first, because a solver that takes one connection after another has it in hand.
 *
 * Nothing is concluded from what happens to them: a solver that has gone is noticed by the next client's own open.
 */
#include <stdlib.h>

#include "lane/internal.h"
#include "net/net.h"

#define SECOND_NS (1000ull * 1000 * 1000)
/* The oldest of the known solvers hangs up on a client that has said nothing for 30 s; the newer ones never. */
#define LIFE_NS (20 * SECOND_NS)
/* Streams that may not live for that long are opened now and then only. */
#define LIFE_LEAST_NS (1 * SECOND_NS)
/* So long after the last client streams are still opened. Then the solver is left alone, and the loop sleeps. */
#define ACTIVE_NS (60 * SECOND_NS)
/* Between tries where they fail, and where the streams do not live; where the far side is the one to talk first. */
#define FAILED_MIN_MS 1000
#define FAILED_MAX_MS 60000
#define DEATHS_MIN_MS 500
#define DEATHS_MAX_MS 600000
#define SPOKE_NS      (600 * SECOND_NS)
/* One that was given is replaced when its client, or another, is through, or after that. Sooner, the answer would wait:
 * an SSH server holds back a small packet until the one before it, which says that the next stream is open, is
 * acknowledged. */
#define HOLD_NS (SECOND_NS / 5)
/* What changes a network changes it several times. */
#define RENEW_NS (SECOND_NS / 4)

static void on_timer(uv_timer_t *timer);

/* --- life of a lane's ---------------------------------------------------------------------------- */

static void on_lost(void *context, const ps_spare *spare, int spoke);
static void on_returned(void *context, const ps_spare_client *client);

void ps_prewarm_init(ps_lane *lane) {
  ps_prewarm *ahead = &lane->prewarm;
  int64_t otherwise = lane->probe_mode == PS_PROBE_TCMD ? 2 : 0;
  int64_t want = ps_settings_int(lane->settings, "prewarm", otherwise);
  const ps_spare_events events = {.context = lane, .lost = on_lost, .returned = on_returned};
  ahead->want = lane->options.check_only || want < 0 ? 0 : (size_t)want;
  if (ahead->want > PS_PREWARM_MAX) {
    ahead->want = PS_PREWARM_MAX;
  }
  ps_backoff_init(&ahead->failures, FAILED_MIN_MS, FAILED_MAX_MS, uv_hrtime() ^ (uint64_t)(uintptr_t)ahead);
  ps_backoff_init(&ahead->deaths, DEATHS_MIN_MS, DEATHS_MAX_MS, uv_hrtime() ^ (uint64_t)(uintptr_t)lane);
  ps_spare_listen(lane->relay, &events);
}

void ps_prewarm_start(ps_lane *lane) {
  ps_prewarm *ahead = &lane->prewarm;
  ahead->life_ns = LIFE_NS; /* what an earlier solver did says nothing of this one */
  ahead->pause_until_ns = 0;
  ahead->used_ns = uv_hrtime();
  ps_backoff_reset(&ahead->failures);
  ps_backoff_reset(&ahead->deaths);
  ps_prewarm_later(lane);
}

void ps_prewarm_clear(ps_lane *lane) {
  ps_prewarm *ahead = &lane->prewarm;
  (void)uv_timer_stop(&ahead->timer);
  while (ahead->count > 0) {
    ps_spare_discard(ahead->kept[--ahead->count].spare);
  }
  if (lane->link) {
    ps_open_forget_ahead(lane->link);
  }
}

void ps_prewarm_later(ps_lane *lane) {
  if (lane->prewarm.want > 0 && !uv_is_closing((uv_handle_t *)&lane->prewarm.timer)) {
    (void)uv_timer_start(&lane->prewarm.timer, on_timer, 0, 0);
  }
}

void ps_prewarm_renew(ps_lane *lane) {
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t until = uv_hrtime() + RENEW_NS;
  ps_prewarm_clear(lane);
  ahead->pause_until_ns = ahead->pause_until_ns > until ? ahead->pause_until_ns : until;
  ps_prewarm_later(lane);
}

/* --- opening ------------------------------------------------------------------------------------- */

static int is_active(const ps_prewarm *ahead, uint64_t now) {
  return now - ahead->used_ns < ACTIVE_NS;
}

int ps_prewarm_is_free(const ps_link *link) {
  const penstock_transport *transport = link->transport;
  const penstock_ahead_ext *ext =
      transport->get_extension ? transport->get_extension(link->instance, PENSTOCK_EXT_AHEAD) : NULL;
  return !ext || !PENSTOCK_HAS(ext, penstock_ahead_ext, is_free) || ext->is_free(link->instance);
}

/* Whoever waits for a stream of its own comes first. */
static int may_open(const ps_lane *lane, uint64_t now) {
  const ps_prewarm *ahead = &lane->prewarm;
  const ps_link *link = lane->link;
  return link && lane->phase == PS_PHASE_SERVE && lane->state == PS_STATE_UP && !lane->stopping && !link->lost &&
         !link->solver_gone && !lane->hang.asks && link->open_count == ahead->opening && is_active(ahead, now) &&
         now >= ahead->pause_until_ns && now >= ahead->hold_until_ns && ps_prewarm_is_free(link);
}

static void remove_at(ps_prewarm *ahead, size_t at) {
  ahead->count--;
  memmove(&ahead->kept[at], &ahead->kept[at + 1], (ahead->count - at) * sizeof(ahead->kept[0]));
}

/* It has lived: whatever killed others before was not impatience. */
static void note_age(ps_prewarm *ahead, uint64_t age_ns) {
  if (age_ns >= LIFE_LEAST_NS) {
    ps_backoff_reset(&ahead->deaths);
  }
}

/* They do not live long enough for others to take their place at once. */
static void rest(ps_prewarm *ahead, uint64_t now) {
  if (ahead->life_ns < LIFE_LEAST_NS && now >= ahead->pause_until_ns) {
    ahead->pause_until_ns = now + ps_backoff_next(&ahead->deaths) * 1000000;
  }
}

static void drop_old(ps_prewarm *ahead, uint64_t now) {
  while (ahead->count > 0 && now - ahead->kept[0].opened_ns >= ahead->life_ns) {
    note_age(ahead, now - ahead->kept[0].opened_ns);
    ps_spare_discard(ahead->kept[0].spare);
    remove_at(ahead, 0);
    rest(ahead, now);
  }
}

static void sleep_until_due(ps_lane *lane, uint64_t now) {
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t due = ahead->count > 0 ? ahead->kept[0].opened_ns + ahead->life_ns : UINT64_MAX;
  int is_short = ahead->count + ahead->opening < ahead->want;
  uint64_t until = ahead->pause_until_ns > ahead->hold_until_ns ? ahead->pause_until_ns : ahead->hold_until_ns;
  if (is_short && is_active(ahead, now) && until > now && until < due) {
    due = until;
  }
  if (due != UINT64_MAX) {
    (void)uv_timer_start(&ahead->timer, on_timer, due > now ? (due - now) / 1000000 + 1 : 0, 0);
  }
}

static void on_timer(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t now = uv_hrtime();
  drop_old(ahead, now);
  for (size_t i = 0; i < ahead->want && ahead->count + ahead->opening < ahead->want && may_open(lane, now); i++) {
    ps_open_ahead(lane->link); /* may end at once, well or badly */
  }
  sleep_until_due(lane, now);
}

void ps_prewarm_opened(ps_lane *lane, ps_spare *spare, uint64_t started_ns) {
  ps_prewarm *ahead = &lane->prewarm;
  if (!spare || ahead->count == PS_PREWARM_MAX) {
    if (spare) {
      ps_spare_discard(spare);
    }
    return;
  }
  ahead->kept[ahead->count].spare = spare;
  ahead->kept[ahead->count++].opened_ns = started_ns; /* the solver has not had it for longer */
  ps_backoff_reset(&ahead->failures);
  ps_prewarm_later(lane);
}

void ps_prewarm_failed(ps_lane *lane, const penstock_error *error) {
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t now = uv_hrtime();
  if (now >= ahead->pause_until_ns) {
    ahead->pause_until_ns = now + ps_backoff_next(&ahead->failures) * 1000000;
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "no stream can be opened ahead: %s", error->what);
  }
  ps_prewarm_later(lane);
}

/* --- giving, and losing -------------------------------------------------------------------------- */

static int give(ps_lane *lane, size_t at, ps_client *client) {
  ps_prewarm *ahead = &lane->prewarm;
  ps_spare *spare = ahead->kept[at].spare;
  const ps_spare_client who = {.id = client->id, .socket = client->socket, .deadline_ns = client->deadline_ns};
  uint64_t stale_ns = ahead->kept[at].opened_ns + ahead->life_ns;
  note_age(ahead, ahead->used_ns - ahead->kept[at].opened_ns);
  remove_at(ahead, at);
  ahead->hold_until_ns = ahead->used_ns + HOLD_NS;
  ps_spare_give(spare, &who, stale_ns);
  free(client);
  return 1;
}

void ps_prewarm_stream_ended(ps_lane *lane) {
  ps_prewarm *ahead = &lane->prewarm;
  if (ahead->hold_until_ns > 0 && ahead->count + ahead->opening < ahead->want) {
    ahead->hold_until_ns = 0;
    ps_prewarm_later(lane);
  }
}

int ps_prewarm_give(ps_lane *lane, ps_client *client) {
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t now = uv_hrtime();
  if (ahead->want == 0) {
    return 0;
  }
  ahead->used_ns = now;
  ps_prewarm_later(lane);
  drop_old(ahead, now);
  for (size_t i = 0; i < ahead->count; i++) {
    if (ps_spare_is_good(ahead->kept[i].spare)) { /* on_lost follows for those that are not */
      return give(lane, i, client);
    }
  }
  return 0;
}

/* The far side has closed one that it was not asked on: how long did it wait? */
static void learn(ps_lane *lane, uint64_t age_ns, uint64_t now) {
  ps_prewarm *ahead = &lane->prewarm;
  ahead->life_ns = age_ns / 2 < ahead->life_ns ? age_ns / 2 : ahead->life_ns;
  rest(ahead, now);
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "the far side closed a stream that was opened ahead, after %llu ms",
         (unsigned long long)(age_ns / 1000000));
}

static void on_lost(void *context, const ps_spare *spare, int spoke) {
  ps_lane *lane = context;
  ps_prewarm *ahead = &lane->prewarm;
  uint64_t now = uv_hrtime();
  size_t at = 0;
  while (at < ahead->count && ahead->kept[at].spare != spare) {
    at++;
  }
  if (at == ahead->count) {
    return;
  }
  uint64_t age_ns = now - ahead->kept[at].opened_ns;
  remove_at(ahead, at);
  if (!spoke) {
    learn(lane, age_ns, now);
  } else if (now >= ahead->pause_until_ns) {
    ahead->pause_until_ns = now + SPOKE_NS;
    ps_log(PENSTOCK_LOG_INFO, lane->profile,
           "the far side talks first, so no streams are opened ahead for a while; set `prewarm = 0`");
  }
  ps_prewarm_later(lane);
}

static void on_returned(void *context, const ps_spare_client *who) {
  ps_lane *lane = context;
  ps_client *client = calloc(1, sizeof(*client));
  if (!client) {
    ps_net_reset(who->socket);
    return;
  }
  client->id = who->id;
  client->socket = who->socket;
  client->deadline_ns = who->deadline_ns;
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile,
         "connection %llu: the stream that was opened ahead was spent, another is opened", (unsigned long long)who->id);
  ps_lane_open(lane, client);
}
