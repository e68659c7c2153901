/* SPDX-License-Identifier: MIT */
/* May the solver be launched now, and by this lane: one lane at a time, within the limit of relaunches. */
#include "base/error.h"
#include "lane/internal.h"

/* Between two looks while another lane launches it. */
#define GATE_EVERY_MS     200
#define RESTART_WINDOW_NS (600ull * 1000000000)

void ps_launch_release_gate(ps_lane *lane) {
  if (lane->has_gate) {
    lane->has_gate = 0;
    lane->options.gate->released_ns = uv_hrtime();
    atomic_store(&lane->options.gate->busy, 0);
  }
}

/* 0 if another lane is at it. */
static int take_gate(ps_lane *lane) {
  if (!lane->has_gate && atomic_exchange(&lane->options.gate->busy, 1) == 0) {
    lane->has_gate = 1;
  }
  return lane->has_gate;
}

/* Forgets relaunches that are long ago. Is there room for another one? */
static int is_within_limit(ps_launch_gate *gate, const ps_settings *settings) {
  int64_t limit = ps_settings_int(settings, "restart_limit", 5);
  uint64_t now = uv_hrtime();
  size_t kept = 0;
  for (size_t i = 0; i < gate->launch_count; i++) {
    if (now - gate->launches[i] < RESTART_WINDOW_NS) {
      gate->launches[kept++] = gate->launches[i];
    }
  }
  gate->launch_count = kept;
  return (int64_t)kept < limit && kept < PS_LAUNCHES_MAX;
}

/* How the solver ended that was served. Whoever is there is told: why it is down is more than that it is. */
static void hear_end(ps_lane *lane) {
  const penstock_end_ext *ext = ps_step_end_ext(lane->link);
  const penstock_op *op = &lane->link->op;
  penstock_error said = {.struct_size = sizeof(said)};
  memset(&lane->end, 0, sizeof(lane->end));
  lane->end.is_known = 1; /* as well as it can be */
  if (!ext || op->has_error) {
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "how the solver ended cannot be found out: %s", op->error.what);
    return;
  }
  uint32_t kind = ext->how(lane->link->instance, &said);
  if (kind != PENSTOCK_END_UNKNOWN) {
    lane->end.kind = kind;
    ps_error_import(&lane->end.how, &said);
    ps_log_error(kind == PENSTOCK_END_CLEAN ? PENSTOCK_LOG_INFO : PENSTOCK_LOG_WARN, lane->profile, &lane->end.how);
    ps_lane_tell_state(lane, PS_STATE_CONNECTING, &lane->end.how, 0);
  }
}

/* Adds to a refusal how the solver ended, and its last words. */
static void add_end(penstock_error *error, const penstock_error *how) {
  size_t size = strlen(error->what);
  if (how->what[0]) {
    (void)snprintf(error->what + size, sizeof(error->what) - size, "; %s", how->what);
    penstock_utf8_trim(error->what, sizeof(error->what));
    memcpy(error->detail, how->detail, sizeof(error->detail));
  }
}

static int is_never(const ps_settings *settings) {
  const char *restart = ps_settings_string(settings, "restart");
  return restart && strcmp(restart, "never") == 0;
}

int ps_launch_allows(ps_launch_gate *gate, const ps_settings *settings) {
  if (is_never(settings) || atomic_exchange(&gate->busy, 1) != 0) {
    return 0;
  }
  int is_allowed = is_within_limit(gate, settings);
  atomic_store(&gate->busy, 0);
  return is_allowed;
}

static int is_left(const ps_settings *settings, uint32_t end) {
  const char *restart = ps_settings_string(settings, "restart");
  return end == PENSTOCK_END_CLEAN && restart && strcmp(restart, "on-failure") == 0;
}

/* A solver that ends again and again is not started for ever. */
static int is_allowed(ps_lane *lane, uint32_t end, penstock_error *error) {
  ps_launch_gate *gate = lane->options.gate;
  if (!atomic_load(&gate->served)) { /* the first of all, or the first since the user has wanted it */
    gate->launch_count = 0;
    return 1;
  }
  if (is_never(lane->settings)) {
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "the solver has ended, and `restart = never` forbids to start it again");
    penstock_next(error, "`penstock start` launches it, and one that is started by hand is found; or set `restart = "
                         "always`");
    return 0;
  }
  if (is_left(lane->settings, end)) {
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "the solver has ended well, and `restart = on-failure` leaves it so");
    penstock_next(error, "`penstock start` launches it, and one that is started by hand is found; or set `restart = "
                         "always`");
    return 0;
  }
  if (!is_within_limit(gate, lane->settings)) {
    penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                  "the solver was started %zu times within 10 minutes and ended each time", gate->launch_count);
    penstock_next(error, "read its server.log; then `penstock start` launches it anew, and one that is started by hand "
                         "is found; `restart_limit` sets how often it is tried");
    return 0;
  }
  return 1;
}

void ps_launch_count(const ps_lane *lane) {
  ps_launch_gate *gate = lane->options.gate;
  if (atomic_load(&gate->served) && gate->launch_count < PS_LAUNCHES_MAX) {
    gate->launches[gate->launch_count++] = uv_hrtime();
  }
}

static void launch_if_allowed(ps_lane *lane) {
  penstock_error error;
  if (is_allowed(lane, lane->end.kind, &error)) {
    ps_supervise_validate(lane);
    return;
  }
  lane->phase = PS_PHASE_FIND;
  add_end(&error, &lane->end.how);
  ps_retry_failed(lane, &error, 1);
}

void ps_launch_go_on(ps_lane *lane) {
  hear_end(lane);
  launch_if_allowed(lane);
}

void ps_launch_begin(ps_lane *lane) {
  penstock_error error;
  if (!lane->may_launch) {
    const char *said = lane->probe.error.what; /* in the transport's words */
    penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "nothing listens at the solver's endpoint%s%s", said[0] ? ": " : "", said);
    int is_flag = lane->options.no_launch && strcmp(ps_settings_string(lane->settings, "launch"), "never") != 0;
    penstock_next(&error, lane->transport->launch && is_flag
                              ? "start the solver there, or leave out --no-launch so that penstock does"
                          : lane->transport->launch
                              ? "start the solver there, or set `launch = auto` so that penstock does"
                              : "start what should listen there; this transport only forwards");
    ps_retry_failed(lane, &error, 1);
    return;
  }
  if (!take_gate(lane)) {
    ps_supervise_ask_again(lane, GATE_EVERY_MS); /* another lane is at it: soon there will be a solver to find */
    return;
  }
  if (lane->options.gate->released_ns > lane->probe.started_ns) {
    ps_supervise_ask_again(lane, 0); /* another lane was at it since we looked */
    return;
  }
  atomic_store(&lane->options.gate->launched, 0); /* if we did before, that one is gone */
  if (atomic_load(&lane->options.gate->served) && !lane->end.is_known && ps_step_has(lane->link, PS_STEP_END)) {
    ps_supervise_end_look(lane);
  } else {
    launch_if_allowed(lane);
  }
}
