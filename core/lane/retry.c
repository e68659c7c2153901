/* SPDX-License-Identifier: MIT */
/* What becomes of a lane whose try has failed: it ends, gives up, or waits for the next one; and what makes that one
 * come sooner: somebody who waits, a change of the network, the user. */
#include "lane/internal.h"

/* How soon after a try has begun somebody who waits causes the next one, if it has failed or its link is lost: so many
 * who wait do not make more tries, the way back to served stays under a second, and many gateways do not come in step.
 */
#define WAKE_AFTER_MS     250
#define WAKE_AFTER_MAX_MS 500
/* A peer that has accepted the connection and says nothing is given up for a fresh try while somebody waits: after this
 * at first, and after longer each time, for it may only be slow. */
#define HUNG_AFTER_MS     2000
#define HUNG_AFTER_MAX_MS 10000

static void drop_link(ps_lane *lane, const penstock_error *why) {
  if (lane->link) {
    ps_link_destroy(lane->link, why);
  }
}

/* Before the first success, an error that only the user can mend ends the gateway: they are there to see it. */
static int ends_first_start(const ps_lane *lane, const penstock_error *error) {
  if (lane->options.check_only) {
    return 1;
  }
  if (lane->halt.is_asked) {
    return error->error_class == PENSTOCK_CLASS_PEER_IDENTITY;
  }
  switch (error->error_class) {
  case PENSTOCK_CLASS_AUTH:
  case PENSTOCK_CLASS_CONFIG:
  case PENSTOCK_CLASS_PEER_IDENTITY:
  case PENSTOCK_CLASS_INTERNAL:
    return 1;
  case PENSTOCK_CLASS_REFUSED: /* a host that refuses the connection may be starting */
    return error->leg != PENSTOCK_LEG_TCP;
  default:
    return error->leg == PENSTOCK_LEG_LAUNCH || error->leg == PENSTOCK_LEG_READY;
  }
}

static void on_retry(uv_timer_t *timer) {
  ps_supervise_begin(timer->data);
}

static void wait_for_retry(ps_lane *lane, const penstock_error *error) {
  uint64_t delay = ps_backoff_next(&lane->backoff);
  lane->slow_retry = error->error_class == PENSTOCK_CLASS_AUTH || error->error_class == PENSTOCK_CLASS_CONFIG;
  if (lane->slow_retry) {
    delay = lane->backoff.max_ms;
  }
  (void)uv_timer_start(&lane->retry, on_retry, delay, 0);
  int again = strcmp(lane->logged, error->what) == 0;
  (void)snprintf(lane->logged, sizeof(lane->logged), "%s", error->what);
  int quiet = again || lane->options.told;
  ps_log_error(quiet ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_WARN, lane->profile, error);
  ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "next try in %llu ms", (unsigned long long)delay);
  ps_lane_tell_state(lane, PS_STATE_DOWN, error, delay > 0 ? delay : 1);
}

void ps_retry_now(ps_lane *lane) {
  (void)uv_timer_start(&lane->retry, on_retry, 0, 0);
}

void ps_retry_cancel(ps_lane *lane) {
  (void)uv_timer_stop(&lane->retry);
}

static void give_up(ps_lane *lane, const penstock_error *error) {
  lane->gave_up = 1;
  ps_lane_tell_state(lane, PS_STATE_DOWN, error, 0);
  if (lane->ever_up) {
    ps_log_error(lane->options.told ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_ERROR, lane->profile, error);
  } else {
    ps_lane_tell(lane, PS_LANE_FATAL, error, NULL);
  }
}

/* How long the leg took that has failed: since the one before it was passed. */
static uint64_t failed_after(const ps_lane *lane) {
  uint64_t since = lane->phase == PS_PHASE_FIND || lane->phase == PS_PHASE_CONFIRM ? lane->phase_ns
                   : lane->link                                                    ? lane->link->op.leg_ns
                                                                                   : 0;
  return since ? uv_hrtime() - since : 0;
}

void ps_retry_failed(ps_lane *lane, const penstock_error *error, int keep_link) {
  penstock_error copy = *error; /* may lie in the link */
  uint64_t elapsed = failed_after(lane);
  ps_launch_release_gate(lane);
  ps_halt_failed(lane, &copy);
  lane->phase = PS_PHASE_IDLE;
  ps_lane_tell_leg(lane, copy.leg, elapsed, NULL, &copy);
  if (!keep_link) {
    drop_link(lane, &copy);
  }
  if (lane->ever_up ? copy.error_class == PENSTOCK_CLASS_PEER_IDENTITY : ends_first_start(lane, &copy)) {
    give_up(lane, &copy);
  } else {
    wait_for_retry(lane, &copy);
  }
}

/* Milliseconds since the connect that runs has got anywhere, if it waits for the network; else 0. */
static uint64_t connect_hangs(const ps_lane *lane) {
  const penstock_op *op = &lane->link->op;
  /* LOCAL: no network is in it, but a container may have to start, which itself changes this machine's network. */
  int is_past = op->leg > PENSTOCK_LEG_TCP || op->leg == PENSTOCK_LEG_LOCAL;
  if (op->step != PS_STEP_CONNECT || op->completed || op->cancelled || is_past) {
    return 0;
  }
  return (uv_hrtime() - op->leg_ns) / 1000000;
}

/* The way may be there again, and the try that runs may have been lost with the old one. */
static void give_up_hung(ps_lane *lane) {
  uint64_t limit = 4 * lane->greeting_ns / 1000000;
  limit = (limit > HUNG_AFTER_MS ? limit : HUNG_AFTER_MS) << lane->hung_tries;
  limit = limit < HUNG_AFTER_MAX_MS ? limit : HUNG_AFTER_MAX_MS;
  /* Only there: a name look-up cannot be hurried, and a transport dials anew by itself. */
  if (lane->ever_up && lane->link->op.leg == PENSTOCK_LEG_TCP && connect_hangs(lane) > limit) {
    lane->hung_tries += lane->hung_tries < 3 ? 1 : 0;
    ps_step_give_up(lane->link);
  }
}

void ps_retry_begun(ps_lane *lane) {
  lane->last_try_ns = uv_hrtime();
  lane->wake_after_ms = ps_backoff_between(&lane->backoff, WAKE_AFTER_MS, WAKE_AFTER_MAX_MS);
}

void ps_retry_wake(ps_lane *lane) {
  if (lane->stopping) {
    return;
  }
  if (lane->phase == PS_PHASE_CONNECT) {
    give_up_hung(lane);
  }
  if (lane->phase == PS_PHASE_PARKED) {
    ps_halt_look(lane);
  }
  if (lane->phase != PS_PHASE_IDLE || lane->gave_up || lane->slow_retry) {
    return;
  }
  uint64_t since = (uv_hrtime() - lane->last_try_ns) / 1000000;
  uint64_t wait = since >= lane->wake_after_ms ? 0 : lane->wake_after_ms - since;
  if (uv_timer_get_due_in(&lane->retry) > wait) {
    (void)uv_timer_start(&lane->retry, on_retry, wait, 0);
  }
}

void ps_retry_network(ps_lane *lane) {
  ps_link *link = lane->link;
  ps_backoff_reset(&lane->backoff);
  if (link && link->connected && !link->lost) {
    const penstock_link_ext *ext =
        link->transport->get_extension ? link->transport->get_extension(link->instance, PENSTOCK_EXT_LINK) : NULL;
    if (ext && PENSTOCK_HAS(ext, penstock_link_ext, verify)) {
      ext->verify(link->instance);
      ps_prewarm_renew(lane);
    }
  } else if (link && lane->phase == PS_PHASE_CONNECT && connect_hangs(lane) > WAKE_AFTER_MS) {
    ps_step_give_up(link);
  }
  ps_retry_wake(lane);
}

void ps_retry_reconnect(ps_lane *lane) {
  penstock_error why;
  if (lane->stopping) {
    return;
  }
  ps_log(PENSTOCK_LOG_INFO, lane->profile, "connects anew, as it was asked to");
  penstock_fail(&why, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, "a new connection was asked for");
  /* Also what only the user could mend: it is they who ask. */
  lane->gave_up = 0;
  lane->slow_retry = 0;
  lane->hung_tries = 0;
  ps_backoff_reset(&lane->backoff);
  ps_launch_release_gate(lane);
  lane->phase = PS_PHASE_IDLE;
  drop_link(lane, &why);
  ps_supervise_begin(lane);
}
