/* SPDX-License-Identifier: MIT */
/* A lane's thread: its loop, its messages, its beginning and its end. */
#include <stdlib.h>

#include "base/advice.h"
#include "lane/internal.h"
#include "net/net.h"

/** A message to a lane. */
typedef enum {
  COMMAND_SERVE,
  COMMAND_ACCEPT,
  COMMAND_WAKE,
  COMMAND_NETWORK,
  COMMAND_RENEW,
  COMMAND_RECONNECT,
  COMMAND_SOLVER,
  COMMAND_REPORT,
  COMMAND_STOP
} command_kind;
typedef struct command {
  ps_list node;
  command_kind kind;
  ps_client *client;
  uint64_t drain_ms;
  ps_lane_ask ask;
  int stop_solver;
  int is_on;
  uint64_t ticket;
  const ps_settings *settings;
} command;

#define SWEEP_MS 250

void ps_client_refuse(ps_client *client) {
  ps_net_reset(client->socket);
  ps_client_free(client);
}

void ps_client_free(ps_client *client) {
  ps_command_free(client->command);
  free(client);
}

/* --- what a lane says --------------------------------------------------------------------------- */

static ps_lane_event *new_event(ps_lane *lane, ps_lane_event_kind kind) {
  ps_lane_event *event = calloc(1, sizeof(*event));
  if (event) {
    event->lane = lane;
    event->kind = kind;
    event->state = lane->state;
    event->ticket = lane->halt.ticket;
  }
  return event;
}

static void set_error(ps_lane_event *event, const penstock_error *error) {
  if (error) {
    event->has_error = 1;
    event->error = *error;
  }
}

void ps_lane_tell(ps_lane *lane, ps_lane_event_kind kind, const penstock_error *error, const char *text) {
  ps_lane_event *event = new_event(lane, kind);
  if (!event) {
    return;
  }
  set_error(event, error);
  event->adopted = !atomic_load(&lane->options.gate->launched);
  (void)snprintf(event->text, sizeof(event->text), "%s", text ? text : "");
  ps_mailbox_post(lane->options.out, &event->node);
}

void ps_lane_tell_state(ps_lane *lane, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  lane->state = state;
  ps_lane_event *event = new_event(lane, PS_LANE_STATE);
  if (!event) {
    return;
  }
  set_error(event, error);
  event->next_try_ms = next_try_ms;
  ps_mailbox_post(lane->options.out, &event->node);
}

void ps_lane_tell_leg(ps_lane *lane, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  ps_lane_event *event = new_event(lane, PS_LANE_LEG);
  if (!event) {
    return;
  }
  set_error(event, error);
  event->leg = leg;
  event->elapsed_ns = elapsed_ns;
  (void)snprintf(event->text, sizeof(event->text), "%s", text ? text : "");
  ps_mailbox_post(lane->options.out, &event->node);
}

void ps_lane_tell_unused(ps_lane *lane, uint64_t edition, int and_before) {
  ps_lane_event *event = new_event(lane, PS_LANE_UNUSED);
  if (event) {
    event->edition = edition;
    event->and_before = and_before;
    ps_mailbox_post(lane->options.out, &event->node);
  }
}

void ps_lane_tell_command(ps_lane *lane, void *call, const penstock_error *error) {
  ps_lane_event *event = new_event(lane, PS_LANE_COMMAND);
  if (event) {
    set_error(event, error);
    event->call = call;
    ps_mailbox_post(lane->options.out, &event->node);
  }
}

void ps_lane_return(ps_lane *lane, ps_client *client) {
  if (client->command) {
    ps_command_failed(lane, client, NULL);
    return;
  }
  ps_lane_event *event = new_event(lane, PS_LANE_RETURNED);
  if (!event) {
    ps_client_refuse(client);
    return;
  }
  event->client = client;
  ps_mailbox_post(lane->options.out, &event->node);
}

static void add_to_report(void *context, const ps_stream_now *now) {
  ps_lane_report *report = context;
  if (now->id == 0) { /* the lane's own question, which is nobody's stream */
    return;
  }
  report->count++;
  report->up_bytes += now->up_bytes;
  report->down_bytes += now->down_bytes;
  if (report->listed < PS_REPORT_STREAMS) {
    report->streams[report->listed++] = *now;
  }
}

/* Of streams that have ended. */
static ps_lane_report *new_report(const ps_lane *lane, uint64_t ticket) {
  ps_lane_report *report = calloc(1, sizeof(*report));
  if (report) {
    report->ticket = ticket;
    report->ended = lane->ended.count;
    report->aborted = lane->ended.aborted;
    report->up_bytes = lane->ended.up_bytes;
    report->down_bytes = lane->ended.down_bytes;
    report->opens = lane->opens;
    report->first_bytes = lane->first_bytes;
    report->said_ns = lane->probe.said_ns;
    memcpy(report->said, lane->probe.said, sizeof(report->said));
  }
  return report;
}

static void tell_report(ps_lane *lane, uint64_t ticket) {
  ps_lane_event *event = new_event(lane, PS_LANE_REPORT);
  if (!event) {
    return; /* whoever asked has a limit for waiting */
  }
  event->report = new_report(lane, ticket);
  if (event->report) {
    ps_relay_each(lane->relay, add_to_report, event->report);
    ps_relay_rates(lane->relay, &event->report->up_rate, &event->report->down_rate);
  }
  ps_mailbox_post(lane->options.out, &event->node);
}

void ps_lane_tell_quiet(ps_lane *lane, size_t streams) {
  ps_lane_event *event = new_event(lane, PS_LANE_QUIET);
  if (event) {
    event->has_link = lane->link && lane->link->connected && !lane->link->lost;
    event->count = streams;
    ps_mailbox_post(lane->options.out, &event->node);
  }
}

/* --- what a lane hears -------------------------------------------------------------------------- */

static int is_serving(const ps_lane *lane) {
  return lane->phase == PS_PHASE_SERVE && lane->link && !lane->link->lost && !lane->link->solver_gone;
}

void ps_lane_open(ps_lane *lane, ps_client *client) {
  if (is_serving(lane)) {
    ps_open_client(lane->link, client);
  } else {
    ps_lane_return(lane, client);
  }
}

void ps_lane_take(ps_lane *lane, ps_client *client) {
  if (client->command) {
    ps_command_open(lane, client);
  } else if (!is_serving(lane) || !ps_prewarm_give(lane, client)) {
    ps_lane_open(lane, client);
  }
  ps_lane_count(lane);
}

static void read_backoff(ps_lane *lane) {
  ps_backoff_init(&lane->backoff, (uint64_t)ps_settings_int(lane->settings, "retry_min", 500),
                  (uint64_t)ps_settings_int(lane->settings, "retry_max", 30000),
                  uv_hrtime() ^ ((uint64_t)(uintptr_t)lane << 16));
}

static void on_command(void *context, ps_list *node) {
  ps_lane *lane = context;
  command *heard = PS_CONTAINER(node, command, node);
  switch (heard->kind) {
  case COMMAND_SERVE:
    ps_lane_take(lane, heard->client);
    atomic_fetch_sub_explicit(&lane->posted, 1, memory_order_relaxed);
    break;
  case COMMAND_ACCEPT:
    ps_acceptor_set(&lane->acceptor, heard->is_on);
    break;
  case COMMAND_WAKE:
    ps_retry_wake(lane);
    break;
  case COMMAND_NETWORK:
    ps_retry_network(lane);
    break;
  case COMMAND_RENEW:
    ps_lent_renew(lane, heard->settings, heard->ticket);
    read_backoff(lane);
    break;
  case COMMAND_RECONNECT:
    ps_retry_reconnect(lane);
    break;
  case COMMAND_SOLVER:
    ps_halt_asked(lane, heard->ask, heard->drain_ms, heard->ticket);
    break;
  case COMMAND_REPORT:
    if (!lane->finished) {
      tell_report(lane, heard->ticket);
    }
    break;
  case COMMAND_STOP:
    ps_acceptor_close(&lane->acceptor);
    lane->stop_solver = heard->stop_solver;
    ps_drain_begin(lane, heard->drain_ms);
    lane->stopping = 1;
    ps_lane_later(lane);
    break;
  }
  free(heard);
}

static void on_undelivered(void *context, ps_list *node) {
  (void)context;
  command *heard = PS_CONTAINER(node, command, node);
  if (heard->client) {
    ps_client_refuse(heard->client);
  }
  free(heard);
}

/* --- its loop ----------------------------------------------------------------------------------- */

static void on_turn(uv_timer_t *timer) {
  ps_supervise_turn(timer->data);
}

void ps_lane_later(ps_lane *lane) {
  if (!uv_is_closing((uv_handle_t *)&lane->turn) && !uv_is_active((uv_handle_t *)&lane->turn)) {
    (void)uv_timer_start(&lane->turn, on_turn, 0, 0);
  }
}

static void on_sweep(uv_timer_t *timer) {
  ps_open_sweep(timer->data);
}

/* For figures, and for signs of life: what a command has carried is none. */
static void count_ended(ps_lane *lane, const ps_stream_end *end) {
  lane->ended.count++;
  lane->ended.aborted += end->aborted ? 1 : 0;
  lane->ended.up_bytes += end->up_bytes;
  lane->ended.down_bytes += end->down_bytes;
  if (!ps_command_has(lane, end->id)) {
    ps_hang_stream_ended(lane, end);
    if (end->first_byte_ns) {
      ps_histogram_add(&lane->first_bytes, end->first_byte_ns);
    }
  }
}

static void on_stream_end(void *context, const ps_stream_end *end) {
  ps_lane *lane = context;
  ps_lane_count(lane);
  if (end->id != 0) { /* 0 is the lane's own question */
    count_ended(lane, end);
  }
  /* A client that gives up is daily bread; what the far side breaks off is worth a line. */
  if (end->aborted) {
    ps_log(end->error ? PENSTOCK_LOG_INFO : PENSTOCK_LOG_DEBUG, lane->profile,
           "stream %llu aborted: %s%s%s; %llu bytes up, %llu down in %llu ms", (unsigned long long)end->id,
           end->reason ? end->reason : "?", end->error ? ": " : "", end->error ? end->error->what : "",
           (unsigned long long)end->up_bytes, (unsigned long long)end->down_bytes,
           (unsigned long long)(end->duration_ns / 1000000));
  } else {
    ps_log(PENSTOCK_LOG_DEBUG, lane->profile, "stream %llu ended: %llu bytes up, %llu down in %llu ms",
           (unsigned long long)end->id, (unsigned long long)end->up_bytes, (unsigned long long)end->down_bytes,
           (unsigned long long)(end->duration_ns / 1000000));
  }
  if (!ps_command_ended(lane, end->id, end->aborted)) {
    ps_doubt_stream_ended(lane, end);
    ps_prewarm_stream_ended(lane);
  }
  if (lane->stopping || lane->halt.is_on) {
    ps_lane_later(lane);
  }
}

void ps_lane_count(ps_lane *lane) {
  size_t opens = lane->link ? lane->link->open_count : 0;
  size_t load = ps_relay_count(lane->relay) + opens - lane->prewarm.opening; /* which are nobody's */
  atomic_store_explicit(&lane->load, load, memory_order_relaxed);
  if (load > 0) {
    ps_hang_used(lane);
  }
  if (opens > 0 && !uv_is_active((uv_handle_t *)&lane->sweep)) {
    (void)uv_timer_start(&lane->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
  } else if (opens == 0) {
    (void)uv_timer_stop(&lane->sweep);
  }
}

#define TIMERS 11

static void get_timers(ps_lane *lane, uv_timer_t *timers[TIMERS]) {
  uv_timer_t *const all[TIMERS] = {&lane->turn,          &lane->sweep,       &lane->retry,      &lane->ask,
                                   &lane->step,          &lane->probe.timer, &lane->doubt.due,  &lane->doubt.idle,
                                   &lane->prewarm.timer, &lane->hang.timer,  &lane->drain.timer};
  memcpy(timers, all, sizeof(all));
}

static void close_timers(ps_lane *lane) {
  uv_timer_t *timers[TIMERS];
  get_timers(lane, timers);
  for (size_t i = 0; i < TIMERS; i++) {
    uv_close((uv_handle_t *)timers[i], NULL);
  }
}

static void on_relay_closed(void *context) {
  ps_lane *lane = context;
  ps_acceptor_close(&lane->acceptor); /* if nobody has asked for the end */
  ps_mailbox_close(&lane->inbox, NULL);
  close_timers(lane);
}

void ps_lane_finish(ps_lane *lane) {
  ps_relay_destroy(lane->relay, on_relay_closed, lane);
}

static void tell_stopped(ps_lane *lane) {
  ps_lane_event *event = new_event(lane, PS_LANE_STOPPED);
  if (event) {
    event->report = new_report(lane, 0);
    ps_mailbox_post(lane->options.out, &event->node);
  }
}

static void run_lane(void *argument) {
  ps_lane *lane = argument;
  ps_lane_block_signals();
  ps_supervise_begin(lane);
  (void)uv_run(&lane->loop, UV_RUN_DEFAULT);
  tell_stopped(lane);
}

/* --- for the gateway ---------------------------------------------------------------------------- */

static ps_probe_mode choose_probe(const ps_lane *lane, int can_launch) {
  const char *word = ps_settings_string(lane->settings, "probe");
  if (word && strcmp(word, "none") == 0) {
    return PS_PROBE_NONE;
  }
  if (word && strcmp(word, "tcp") == 0) {
    return PS_PROBE_TCP;
  }
  if (word && strcmp(word, "tcmd") == 0) {
    return PS_PROBE_TCMD;
  }
  return can_launch ? PS_PROBE_TCMD : PS_PROBE_TCP;
}

int ps_lane_may_launch(const penstock_transport *transport, const ps_settings *settings, int no_launch) {
  const char *launch = ps_settings_string(settings, "launch");
  const char *probe = ps_settings_string(settings, "probe");
  int is_asked = !probe || strcmp(probe, "none") != 0; /* else nobody can tell a running solver from none */
  return transport->launch && !no_launch && is_asked && (!launch || strcmp(launch, "never") != 0);
}

static void read_settings(ps_lane *lane) {
  ps_lent_begin(lane);
  read_backoff(lane);
  lane->transport = lane->options.transport;
  lane->profile = lane->options.profile;
  const char *launch = ps_settings_string(lane->settings, "launch");
  int wants = (!launch || strcmp(launch, "never") != 0) && lane->transport->launch != NULL;
  lane->probe_mode = choose_probe(lane, wants);
  lane->may_launch = ps_lane_may_launch(lane->transport, lane->settings, lane->options.no_launch);
}

/* A loop has four descriptors. libuv (1.44) leaves the first ones open if it cannot have them all, so whether it can is
 * tried before. */
static int has_descriptors(void) {
  penstock_socket pairs[2][2];
  size_t count = 0;
  while (count < 2 && ps_net_pair(pairs[count]) == PENSTOCK_OK) {
    count++;
  }
  for (size_t i = 0; i < count; i++) {
    ps_net_close(pairs[i][0]);
    ps_net_close(pairs[i][1]);
  }
  return count == 2;
}

static int open_loop(ps_lane *lane) {
  if (!has_descriptors() || uv_loop_init(&lane->loop) != 0) {
    return PENSTOCK_E_LIMIT;
  }
  lane->loop.data = lane;
  uv_timer_t *timers[TIMERS];
  get_timers(lane, timers);
  for (size_t i = 0; i < TIMERS; i++) {
    (void)uv_timer_init(&lane->loop, timers[i]);
    timers[i]->data = lane;
  }
  return PENSTOCK_OK;
}

/* There are no more descriptors, say: the gateway may go on without this lane, so nothing of it may be left. */
static void undo(ps_lane *lane, int has_inbox) {
  if (lane->relay) {
    ps_relay_destroy(lane->relay, on_relay_closed, lane);
  } else if (has_inbox) {
    on_relay_closed(lane);
  } else {
    close_timers(lane);
  }
  (void)uv_run(&lane->loop, UV_RUN_DEFAULT);
  if (has_inbox) {
    ps_mailbox_dispose(&lane->inbox, on_undelivered);
  }
  (void)uv_loop_close(&lane->loop);
}

/* Opens it and starts its thread. It owns `listening` from the moment that it has an acceptor for it, or has failed to
 * make one. */
static int open_lane(ps_lane *lane, penstock_socket *listening) {
  lane->probe.socket = PENSTOCK_SOCKET_NONE;
  lane->acceptor.socket = PENSTOCK_SOCKET_NONE;
  read_settings(lane);
  if (open_loop(lane) != 0) {
    return PENSTOCK_E_LIMIT;
  }
  int has_inbox = ps_mailbox_open(&lane->inbox, &lane->loop, on_command, lane) == PENSTOCK_OK;
  lane->relay = has_inbox ? ps_relay_create(&lane->loop, on_stream_end, lane) : NULL;
  if (lane->relay) {
    ps_prewarm_init(lane);
    *listening = PENSTOCK_SOCKET_NONE;
    if (ps_lane_door_open(lane) == PENSTOCK_OK && uv_thread_create(&lane->thread, run_lane, lane) == 0) {
      return PENSTOCK_OK;
    }
  }
  undo(lane, has_inbox);
  return PENSTOCK_E_LIMIT;
}

ps_lane *ps_lane_start(const ps_lane_options *options, penstock_error *error) {
  ps_lane *lane = calloc(1, sizeof(*lane));
  penstock_socket listening = options->listening;
  if (lane) {
    lane->options = *options;
    ps_list_init(&lane->commands);
    if (open_lane(lane, &listening) == PENSTOCK_OK) {
      return lane;
    }
    free(lane);
  }
  if (listening != PENSTOCK_SOCKET_NONE) {
    ps_net_close(listening);
  }
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                "cannot start a lane: out of memory or descriptors");
  penstock_next(error, "%s, or set fewer `lanes`", ps_advice_descriptors);
  return NULL;
}

uint32_t ps_lane_index(const ps_lane *lane) {
  return lane->options.index;
}

static int post(ps_lane *lane, command what) {
  command *said = calloc(1, sizeof(*said));
  if (!said) {
    if (what.client) {
      atomic_fetch_sub_explicit(&lane->posted, 1, memory_order_relaxed);
      ps_client_refuse(what.client);
    }
    return PENSTOCK_E_NOMEM;
  }
  *said = what;
  ps_mailbox_post(&lane->inbox, &said->node);
  return PENSTOCK_OK;
}

void ps_lane_serve(ps_lane *lane, ps_client *client) {
  atomic_fetch_add_explicit(&lane->posted, 1, memory_order_relaxed);
  (void)post(lane, (command){.kind = COMMAND_SERVE, .client = client});
}

int ps_lane_run(ps_lane *lane, ps_client *client) {
  atomic_fetch_add_explicit(&lane->posted, 1, memory_order_relaxed);
  return post(lane, (command){.kind = COMMAND_SERVE, .client = client});
}

int ps_lane_accept(ps_lane *lane, int is_on) {
  int is_able = lane->options.listening != PENSTOCK_SOCKET_NONE;
  return is_able ? post(lane, (command){.kind = COMMAND_ACCEPT, .is_on = is_on}) : PENSTOCK_E_LIMIT;
}

void ps_lane_wake(ps_lane *lane) {
  (void)post(lane, (command){.kind = COMMAND_WAKE});
}

void ps_lane_network_changed(ps_lane *lane) {
  (void)post(lane, (command){.kind = COMMAND_NETWORK});
}

int ps_lane_renew(ps_lane *lane, const ps_settings *settings, uint64_t edition) {
  return post(lane, (command){.kind = COMMAND_RENEW, .settings = settings, .ticket = edition});
}

void ps_lane_reconnect(ps_lane *lane) {
  (void)post(lane, (command){.kind = COMMAND_RECONNECT});
}

void ps_lane_solver(ps_lane *lane, ps_lane_ask what, uint64_t drain_ms, uint64_t ticket) {
  (void)post(lane, (command){.kind = COMMAND_SOLVER, .ask = what, .drain_ms = drain_ms, .ticket = ticket});
}

void ps_lane_ask_report(ps_lane *lane, uint64_t ticket) {
  (void)post(lane, (command){.kind = COMMAND_REPORT, .ticket = ticket});
}

void ps_lane_stop(ps_lane *lane, uint64_t drain_ms, int stop_solver) {
  (void)post(lane, (command){.kind = COMMAND_STOP, .drain_ms = drain_ms, .stop_solver = stop_solver});
}

size_t ps_lane_load(const ps_lane *lane) {
  return atomic_load_explicit(&lane->load, memory_order_relaxed) +
         atomic_load_explicit(&lane->posted, memory_order_relaxed);
}

int ps_lane_linked(const ps_lane *lane) {
  return atomic_load_explicit(&lane->linked, memory_order_relaxed);
}

int ps_lane_blocked(const ps_lane *lane) {
  return atomic_load_explicit(&lane->blocked, memory_order_relaxed) && ps_lane_load(lane) == 0;
}

void ps_lane_join(ps_lane *lane) {
  (void)uv_thread_join(&lane->thread);
  ps_mailbox_dispose(&lane->inbox, on_undelivered);
  (void)uv_loop_close(&lane->loop);
  free(lane);
}
