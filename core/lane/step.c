/* SPDX-License-Identifier: MIT */
/* The asynchronous steps of a transport: started, timed, cancelled, completed exactly once. */
#include "base/error.h"
#include "lane/internal.h"

/* How long a cancelled step may take to say so, before the instance is taken for broken. */
#define CANCEL_GRACE_MS 3000

typedef void (*step_slot)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);

const penstock_end_ext *ps_step_end_ext(const ps_link *link) {
  const penstock_end_ext *ext =
      link->transport->get_extension ? link->transport->get_extension(link->instance, PENSTOCK_EXT_END) : NULL;
  return ext && PENSTOCK_HAS(ext, penstock_end_ext, how) && ext->look && ext->how ? ext : NULL;
}

static step_slot slot_of(const ps_link *link, ps_step step) {
  const penstock_transport *transport = link->transport;
  const penstock_end_ext *end = step == PS_STEP_END ? ps_step_end_ext(link) : NULL;
  switch (step) {
  case PS_STEP_END:
    return end ? end->look : NULL;
  case PS_STEP_CONNECT:
    return transport->connect;
  case PS_STEP_VALIDATE:
    return transport->validate;
  case PS_STEP_LAUNCH:
    return transport->launch;
  case PS_STEP_READY:
    return transport->ready;
  case PS_STEP_STOP:
    return transport->stop;
  case PS_STEP_IDENTIFY:
    return transport->identify;
  case PS_STEP_NONE:
    break;
  }
  return NULL;
}

int ps_step_has(const ps_link *link, ps_step step) {
  return slot_of(link, step) != NULL;
}

static void on_deadline(uv_timer_t *timer);

void ps_step_run(ps_link *link, ps_step step, uint64_t deadline_ms) {
  ps_lane *lane = link->lane;
  penstock_op *op = &link->op;
  memset(op, 0, sizeof(*op));
  op->link = link;
  op->step = step;
  op->started_ns = uv_hrtime();
  op->leg_ns = op->started_ns;
  op->deadline_ms = deadline_ms > 0 ? deadline_ms : 1;
  step_slot slot = slot_of(link, step);
  if (!slot) {
    op->completed = 1;
    ps_lane_later(lane);
    return;
  }
  atomic_store(&lane->blocked, step == PS_STEP_CONNECT); /* in the slot, or in what it set going */
  slot(link->instance, op, op->deadline_ms);
  /* connect() may have blocked: timers must count from now. */
  uv_update_time(&lane->loop);
  if (op->step == step && !op->completed) {
    (void)uv_timer_start(&lane->step, on_deadline, op->deadline_ms, 0);
  }
}

void ps_step_cancel(ps_link *link) {
  penstock_op *op = &link->op;
  if (op->step == PS_STEP_NONE || op->completed || op->cancelled) {
    return;
  }
  op->cancelled = 1;
  (void)uv_timer_start(&link->lane->step, on_deadline, CANCEL_GRACE_MS, 0);
  link->transport->cancel(link->instance, op);
}

void ps_step_give_up(ps_link *link) {
  link->op.hung = 1;
  ps_step_cancel(link);
}

static void complete(penstock_op *op, const penstock_error *error) {
  op->completed = 1;
  op->has_error = error != NULL;
  if (error) {
    op->error = *error;
  }
  atomic_store(&op->link->lane->blocked, 0);
  (void)uv_timer_stop(&op->link->lane->step);
  ps_lane_later(op->link->lane);
}

/* What a step that its deadline ended is to be called: the transport only knows that it was cancelled. */
static void say_timeout(const penstock_op *op, penstock_error *error) {
  static const struct {
    uint32_t leg;
    const char *what;
    const char *setting;
  } words[] = {
      [PS_STEP_NONE] = {PENSTOCK_LEG_LOCAL, "the step", "connect_timeout"},
      [PS_STEP_CONNECT] = {PENSTOCK_LEG_TCP, "connecting", "connect_timeout"},
      [PS_STEP_VALIDATE] = {PENSTOCK_LEG_EXEC, "checking what the launch needs", "ready_timeout"},
      [PS_STEP_LAUNCH] = {PENSTOCK_LEG_LAUNCH, "starting the solver", "ready_timeout"},
      [PS_STEP_READY] = {PENSTOCK_LEG_READY, "waiting for the solver to be ready", "ready_timeout"},
      [PS_STEP_STOP] = {PENSTOCK_LEG_EXEC, "stopping the solver", "stop_timeout"},
      [PS_STEP_END] = {PENSTOCK_LEG_EXEC, "finding out how the solver ended", "connect_timeout"},
      [PS_STEP_IDENTIFY] = {PENSTOCK_LEG_ENDPOINT, "finding out who listens there", "connect_timeout"},
  };
  penstock_fail(error, words[op->step].leg, PENSTOCK_CLASS_TRANSIENT, "%s took longer than %llu ms",
                words[op->step].what, (unsigned long long)op->deadline_ms);
  penstock_next(error, "check that the machine is reachable and not overloaded, or raise `%s`",
                words[op->step].setting);
}

/* Likewise of one that was given up for a fresh try. */
static void say_hung(const penstock_op *op, penstock_error *error) {
  int is_connected = op->leg == PENSTOCK_LEG_TCP;
  penstock_fail(error, is_connected ? PENSTOCK_LEG_HOST_KEY : PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "%s",
                is_connected ? "the machine accepted the connection and said nothing" : "the machine did not answer");
  penstock_next(error, "it is tried anew at once; if this goes on, check that the machine is not overloaded");
}

void ps_step_forget(ps_lane *lane) {
  (void)uv_timer_stop(&lane->step);
}

static void on_deadline(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  ps_link *link = lane->link;
  if (!link || link->op.step == PS_STEP_NONE || link->op.completed) {
    return;
  }
  if (!link->op.cancelled) {
    link->op.timed_out = 1;
    ps_step_cancel(link);
    return;
  }
  ps_log(PENSTOCK_LOG_WARN, lane->profile,
         "the transport did not end a cancelled step within %d ms: its connection is given up", CANCEL_GRACE_MS);
  penstock_error error;
  say_timeout(&link->op, &error);
  complete(&link->op, &error);
  link->lost = 1;
  link->lost_error = error;
}

/* --- the host's slots --------------------------------------------------------------------------- */

static penstock_op *running(const penstock_host *host, penstock_op *op, const char *slot) {
  ps_link *link = ((ps_host *)host->impl)->owner;
  if (op != &link->op || op->step == PS_STEP_NONE || op->completed) {
    ps_log(PENSTOCK_LOG_WARN, link->lane->profile, "defect in the transport: %s for a step that is not running", slot);
    return NULL;
  }
  return op;
}

static void slot_op_done(const penstock_host *host, penstock_op *op, const penstock_error *error) {
  if (!running(host, op, "op_done")) {
    return;
  }
  if (!error) {
    complete(op, NULL);
    return;
  }
  penstock_error copy;
  ps_error_import(&copy, error);
  if (op->timed_out && copy.error_class == PENSTOCK_CLASS_CANCELLED) {
    say_timeout(op, &copy);
  } else if (op->hung && copy.error_class == PENSTOCK_CLASS_CANCELLED) {
    say_hung(op, &copy);
  }
  complete(op, &copy);
}

static void slot_op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  if (running(host, op, "op_progress")) {
    ps_lane_tell(op->link->lane, PS_LANE_PROGRESS, NULL, text);
  }
}

static void slot_op_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                        const char *text) {
  if (running(host, op, "op_leg")) {
    op->legs++;
    op->leg = leg;
    op->leg_ns = uv_hrtime();
    if (leg == PENSTOCK_LEG_HOST_KEY) {
      op->link->lane->greeting_ns = elapsed_ns;
    }
    ps_lane_tell_leg(op->link->lane, leg, elapsed_ns, text, NULL);
  }
}

void ps_step_fill_host(penstock_host *table) {
  table->op_done = slot_op_done;
  table->op_progress = slot_op_progress;
  table->op_leg = slot_op_leg;
}
