/* SPDX-License-Identifier: MIT */
/*
 * A solver that does not answer any more while its link is up. Streams are served as ever, for it may be deep in work;
 * but the state says so, because a tunnel that is said to be up has to lead somewhere.
 *
 * It is asked only while somebody uses it and gets nothing: as long as bytes come from it, or a stream goes on taking
 * them, it lives, and an idle gateway sleeps. The question is one, and waits for as long as it must: a solver that
 * takes one connection after another has each question in its queue until it comes to it, so that asking again and
 * again would fill that queue. For the same reason no streams wait at the solver unused (prewarm.c) while it is asked.
 * Only after the solver is said to hang it is asked anew, more and more rarely, since a connection can be lost without
 * a word.
 *
 * Lanes have one solver: where another lane has had a sign of life, this one's silence is not the solver's.
 */
#include "lane/internal.h"

/* From look to look, as a part of the time after which it is said to hang; the first look that finds silence asks. */
#define LOOKS         3
#define LOOK_LEAST_MS 50
#define LOOK_MOST_MS  10000
/* A stream that is open and says nothing is no reason to ask more often. */
#define QUIET_MOST_NS (60ull * 1000000000)
/* One that hangs is asked anew at least so often. */
#define AGAIN_MOST_MS 600000

static void on_timer(uv_timer_t *timer);

static uint64_t look_ms(const ps_hang *hang) {
  uint64_t part = hang->limit_ns / LOOKS / 1000000;
  return part < LOOK_LEAST_MS ? LOOK_LEAST_MS : part > LOOK_MOST_MS ? LOOK_MOST_MS : part;
}

/* --- signs of life ------------------------------------------------------------------------------- */

/* What streams have carried so far, and which there are. */
typedef struct seen {
  const ps_lane *lane;
  uint64_t known;  /* the newest stream of the last look */
  uint64_t newest; /* and of this one */
  size_t count;    /* of clients' streams */
  uint64_t down;   /* from the solver, by all streams that ever were */
  uint64_t up;     /* to it, by those that live */
  uint64_t
      up_known; /* of that, by those that lived at the last look: what a new one sends waits in the kernel's buffers */
} seen;

static void see(void *context, const ps_stream_now *now) {
  seen *all = context;
  if (now->id == 0 || ps_command_has(all->lane, now->id)) { /* a question's own, or not the solver's to answer */
    return;
  }
  all->count++;
  all->newest = now->id > all->newest ? now->id : all->newest;
  all->down += now->down_bytes;
  all->up += now->up_bytes;
  all->up_known += now->id <= all->known ? now->up_bytes : 0;
}

/* Has the solver shown since the last look that it lives? *is_used: has anybody wanted something of it? */
static int shows_life(ps_lane *lane, int *is_used) {
  ps_hang *hang = &lane->hang;
  seen now = {.lane = lane, .known = hang->newest, .newest = hang->newest, .down = hang->ended_down};
  ps_relay_each(lane->relay, see, &now);
  int is_new = now.newest != hang->newest;
  int lives = now.down > hang->down || now.up_known > hang->up;
  *is_used = now.count > 0 || is_new || hang->ended_count != hang->ended;
  if (is_new) {
    hang->pause_ns = 0;
  }
  hang->newest = now.newest;
  hang->down = now.down;
  hang->up = now.up;
  hang->ended = hang->ended_count;
  return lives;
}

void ps_hang_stream_ended(ps_lane *lane, const ps_stream_end *end) {
  lane->hang.ended_count++;
  lane->hang.ended_down += end->down_bytes;
}

static void lives(ps_lane *lane) {
  ps_hang *hang = &lane->hang;
  uint64_t now = uv_hrtime();
  atomic_store(&lane->options.gate->answered_ns, now);
  hang->lived_ns = now;
  if (hang->is_hung) {
    hang->is_hung = 0;
    ps_log(PENSTOCK_LOG_INFO, lane->profile, "the solver answers again, after %llu s",
           (unsigned long long)((now - hang->silent_ns + 500000000) / 1000000000));
    ps_lane_tell_state(lane, PS_STATE_UP, NULL, 0);
  }
  hang->silent_ns = 0;
  ps_prewarm_later(lane);
}

void ps_hang_alive(ps_lane *lane) {
  if (lane->hang.limit_ns > 0) {
    lives(lane);
  }
}

/* --- asking -------------------------------------------------------------------------------------- */

static void ask(ps_lane *lane, uint64_t now) {
  ps_hang *hang = &lane->hang;
  uint64_t end_ns = hang->silent_ns + hang->limit_ns;
  uint64_t least_ns = hang->limit_ns / LOOKS;
  uint64_t wait_ns = end_ns > now + least_ns ? end_ns - now : least_ns;
  hang->pause_ns = hang->pause_ns * 2 > QUIET_MOST_NS ? QUIET_MOST_NS : hang->pause_ns ? hang->pause_ns * 2 : least_ns;
  hang->asked_ns = now;
  hang->asks = 1;
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "nothing comes from the solver: is it still at it?");
  ps_prewarm_clear(lane);
  ps_probe_wait(lane, wait_ns / 1000000);
}

static void forget_question(ps_lane *lane) {
  if (lane->hang.asks) {
    lane->hang.asks = 0;
    ps_probe_cancel(lane);
  }
}

/* Timers may fire a little early: what is told is the nearest. */
static unsigned long long seconds(uint64_t ns) {
  return (ns + 500000000) / 1000000000;
}

static void tell_hung(ps_lane *lane, uint64_t now) {
  penstock_error error;
  ps_hang *hang = &lane->hang;
  hang->is_hung = 1;
  hang->again_ms = hang->limit_ns / 1000000;
  penstock_fail(&error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                "the solver has not answered for %llu s, and its link is up", seconds(now - hang->silent_ns));
  penstock_next(&error, "it may be deep in work: wait, or look at its log; if it hangs, `penstock restart` ends it and "
                        "starts it again");
  ps_log_error(lane->options.told ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_WARN, lane->profile, &error);
  ps_lane_tell_state(lane, PS_STATE_HUNG, &error, 0);
}

static void look_again_in(ps_lane *lane, uint64_t ms) {
  (void)uv_timer_start(&lane->hang.timer, on_timer, ms, 0);
}

void ps_hang_overdue(ps_lane *lane) {
  ps_hang *hang = &lane->hang;
  uint64_t now = uv_hrtime();
  int is_used;
  int is_open = lane->probe.running && lane->probe.opened_ns != 0;
  if (!is_open) {
    forget_question(lane); /* it is not even in the solver's queue */
  }
  if (shows_life(lane, &is_used) || atomic_load(&lane->options.gate->answered_ns) > hang->silent_ns) {
    forget_question(lane);
    lives(lane);
  } else if (!hang->is_hung) {
    tell_hung(lane, now);
  }
  look_again_in(lane, look_ms(hang));
}

void ps_hang_answered(ps_lane *lane) {
  ps_hang *hang = &lane->hang;
  const ps_probe *probe = &lane->probe;
  if (!hang->asks) {
    return;
  }
  hang->asks = 0;
  if (probe->result == PS_PROBE_FAILED && probe->is_late) {
    ps_hang_overdue(lane);
  } else {
    ps_prewarm_later(lane);
  }
}

/* --- looking ------------------------------------------------------------------------------------- */

static int is_on(const ps_lane *lane) {
  return lane->hang.limit_ns > 0 && lane->phase == PS_PHASE_SERVE &&
         (lane->state == PS_STATE_UP || lane->state == PS_STATE_HUNG);
}

/* Asks if it is time to. Returns in how many milliseconds there is something to do if nobody uses the solver; 0: never.
 */
static uint64_t look_at_hung(ps_lane *lane, uint64_t now) {
  ps_hang *hang = &lane->hang;
  uint64_t due_ns = hang->asked_ns + hang->again_ms * 1000000;
  if (now >= due_ns && !(lane->probe.running && !hang->asks)) {
    forget_question(lane);
    hang->again_ms = hang->again_ms * 2 > AGAIN_MOST_MS ? AGAIN_MOST_MS : hang->again_ms * 2;
    ask(lane, now);
    return hang->again_ms;
  }
  return due_ns > now ? (due_ns - now) / 1000000 + 1 : look_ms(hang);
}

static void on_timer(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  ps_hang *hang = &lane->hang;
  uint64_t now = uv_hrtime();
  int is_used;
  if (!is_on(lane)) {
    return;
  }
  if (shows_life(lane, &is_used)) {
    forget_question(lane);
    lives(lane);
  } else if (hang->is_hung) {
    uint64_t due_ms = look_at_hung(lane, now);
    look_again_in(lane, is_used && due_ms > look_ms(hang) ? look_ms(hang) : due_ms);
    return;
  } else if (is_used && !lane->probe.running && now >= hang->asked_ns + hang->pause_ns) {
    /* Nobody knows for how long it would have been silent before, if it had been asked. */
    hang->silent_ns = hang->looked_ns > hang->lived_ns ? hang->looked_ns : hang->lived_ns;
    ask(lane, now);
  }
  hang->looked_ns = now;
  if (is_used || hang->asks) {
    look_again_in(lane, look_ms(hang));
  }
}

void ps_hang_used(ps_lane *lane) {
  ps_hang *hang = &lane->hang;
  if (is_on(lane) && !uv_is_active((uv_handle_t *)&hang->timer)) {
    hang->looked_ns = uv_hrtime();
    look_again_in(lane, look_ms(hang));
  }
}

void ps_hang_begin(ps_lane *lane) {
  ps_hang *hang = &lane->hang;
  int64_t limit_ms = lane->probe_mode == PS_PROBE_TCMD && !lane->options.check_only
                         ? ps_settings_int(lane->settings, "hang_timeout", 30000)
                         : 0; /* who cannot be asked cannot stay silent */
  hang->limit_ns = (uint64_t)limit_ms * 1000000;
  hang->asks = 0;
  hang->silent_ns = hang->pause_ns = 0;
  hang->is_hung = lane->state == PS_STATE_HUNG;
  if (hang->is_hung) { /* a stop that failed has come between */
    hang->silent_ns = uv_hrtime();
    hang->again_ms = (uint64_t)limit_ms;
  }
  ps_hang_used(lane);
}

void ps_hang_end(ps_lane *lane) {
  (void)uv_timer_stop(&lane->hang.timer);
  forget_question(lane);
  lane->hang.is_hung = 0;
}
