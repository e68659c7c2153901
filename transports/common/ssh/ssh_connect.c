/* SPDX-License-Identifier: MIT */
/*
 * connect: everything up to the host's key is waited for in the loop, so that it can be cancelled (a host that is
 * switched off is the usual failure). The login then blocks within what is left of the deadline, because agents,
 * passphrases and libssh do; hosts on the way are kept going meanwhile (ssh_wait.c).
 *
 * A connection comes from one of three places: the host on the way (ProxyJump), a command (ProxyCommand), or TCP.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/ssh/dial_race.h"
#include "common/ssh/ssh_hop.h"
#include "common/ssh/ssh_internal.h"

enum {
  HANDSHAKE_MS = 15000, /* no server takes that long: the next attempt is better than more patience */
  PAUSE_MS = 1000       /* between two of ConnectionAttempts */
};

struct ssh_connecting {
  ssh_link *link; /* which frees this */
  const penstock_host *host;
  penstock_op *op; /* NULL: nobody is told of its legs */
  int is_over;     /* it has been completed */
  uint64_t deadline_ns;
  uint64_t started_ns; /* of the leg that runs */
  penstock_address addresses[DIAL_RACE_ADDRESSES_MAX];
  uint32_t count;
  dial_options options;
  unsigned attempts; /* so far */
  uint64_t dialled_ns;
  dial_race *race;
  penstock_watch *watch;
  penstock_timer *timer;
  int is_look; /* ends when the host has shown its key */
  carrier_done *done;
  void *context;
};

static void leg_done(ssh_connecting *connecting, uint32_t leg, const char *text) {
  const penstock_host *host = connecting->host;
  uint64_t now = host->now_ns(host);
  if (connecting->op) {
    host->op_leg(host, connecting->op, leg, now - connecting->started_ns, text);
  }
  connecting->started_ns = now;
}

static void stop_waiting(ssh_connecting *connecting) {
  const penstock_host *host = connecting->host;
  if (connecting->watch) {
    host->watch_stop(host, connecting->watch);
    connecting->watch = NULL;
  }
  if (connecting->timer) {
    host->timer_stop(host, connecting->timer);
    connecting->timer = NULL;
  }
  dial_race_stop(connecting->race);
  connecting->race = NULL;
}

/* Completes the step: the last thing done with `connecting`. */
static void complete(ssh_connecting *connecting, const penstock_error *error) {
  stop_waiting(connecting);
  connecting->is_over = 1;
  if (error) {
    ssh_link_hang_up(connecting->link);
  }
  connecting->done(connecting->context, error);
}

static void fail_memory(ssh_connecting *connecting) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  complete(connecting, &error);
}

/* What is left of the step, or of ConnectTimeout if that is less, since `since_ns`. */
static uint64_t time_for_attempt(const ssh_connecting *connecting, uint64_t since_ns) {
  const ssh_link *link = connecting->link;
  uint64_t left = ssh_time_left(link, connecting->deadline_ns);
  uint64_t limit = link->settings.connect_timeout_ms;
  uint64_t attempt = limit ? ssh_time_left(link, since_ns + limit * 1000000u) : left;
  return attempt < left ? attempt : left;
}

/* --- login ----------------------------------------------------------------------------------------- */

static int log_in(ssh_connecting *connecting, penstock_error *error) {
  ssh_link *link = connecting->link;
  char text[512] = "";
  if (ssh_verify_host(link, text, sizeof(text), error)) {
    return PENSTOCK_E_FAILED;
  }
  link->shown.verdict = KNOWN_HOSTS_OK; /* also one that was pinned, or has just been added */
  leg_done(connecting, PENSTOCK_LEG_HOST_KEY, text);
  int result = ssh_log_in(link, connecting->deadline_ns, text, sizeof(text), error);
  ssh_log_banner(link); /* it may say why a login is refused */
  if (result) {
    return result;
  }
  leg_done(connecting, PENSTOCK_LEG_AUTH, text);
  penstock_logf(link->host, PENSTOCK_LOG_DEBUG, "%s: %s, cipher %s, libssh %s", link->settings.host,
                ssh_get_serverbanner(link->session), ssh_get_cipher_out(link->session), ssh_version(0));
  return ssh_link_go(link, error);
}

/* The error, or that of a host on the way if it is the reason. */
static const penstock_error *reason_of(const ssh_connecting *connecting, const penstock_error *error) {
  const ssh_hop *below = connecting->link->below;
  const penstock_error *reason = below ? ssh_hop_error(below) : NULL;
  return reason ? reason : error;
}

static void set_out(ssh_connecting *connecting);

static void on_again(void *context) {
  ssh_connecting *connecting = context;
  connecting->timer = NULL;
  ssh_hop_destroy(connecting->link->below);
  connecting->link->below = NULL;
  set_out(connecting);
}

/* Leaves this connection for another one, in which the host is asked for another of its keys. */
static void begin_again(ssh_connecting *connecting) {
  ssh_link_hang_up(connecting->link);
  connecting->timer = connecting->host->timer_start(connecting->host, 0, 0, on_again, connecting);
  if (!connecting->timer) {
    fail_memory(connecting);
  }
}

static void key_shown(ssh_connecting *connecting) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  stop_waiting(connecting); /* nothing of ours may be called back while the login blocks */
  if (ssh_pin_wants_another(connecting->link)) {
    begin_again(connecting);
  } else if (!connecting->is_look && log_in(connecting, &error)) {
    error = *reason_of(connecting, &error);
    complete(connecting, &error);
  } else {
    complete(connecting, NULL);
  }
}

/* --- handshake ------------------------------------------------------------------------------------- */

static void handshake_failed(ssh_connecting *connecting, penstock_error *error) {
  if (connecting->link->proxy) {
    ssh_proxy_explain(connecting->link->proxy, error);
  }
  *error = *reason_of(connecting, error); /* a copy: the hop is stopped before the host is told */
  complete(connecting, error);
}

static void on_handshake(void *context, uint32_t events) {
  ssh_connecting *connecting = context;
  ssh_link *link = connecting->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)events;
  int result = ssh_handshake_step(link, &error);
  if (result > 0) {
    /* What was read already has no event of its own; that the socket can be written comes at once. */
    int is_more = ssh_link_is_clogged(link) || ssh_link_held(link) > 0;
    connecting->host->watch_set(connecting->host, connecting->watch,
                                PENSTOCK_EVENT_READ | (is_more ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u));
  } else if (result < 0) {
    handshake_failed(connecting, &error);
  } else {
    key_shown(connecting);
  }
}

static void on_late(void *context) {
  ssh_connecting *connecting = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  connecting->timer = NULL;
  ssh_handshake_explain(connecting->link, 1, &error);
  handshake_failed(connecting, &error);
}

/* There is a connection, which becomes the link's. */
static void connected(ssh_connecting *connecting, penstock_socket socket, const char *text) {
  const penstock_host *host = connecting->host;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  stop_waiting(connecting);
  connecting->link->socket = socket;
  leg_done(connecting, PENSTOCK_LEG_TCP, text);
  if (ssh_handshake_start(connecting->link, &error)) {
    complete(connecting, &error);
    return;
  }
  /* A little less than the whole step: what is then said of a silent server tells more than a deadline. */
  uint64_t left = time_for_attempt(connecting, connecting->dialled_ns) / 10 * 9;
  left = left < HANDSHAKE_MS ? left : HANDSHAKE_MS;
  connecting->watch =
      host->watch_start(host, socket, PENSTOCK_EVENT_READ | PENSTOCK_EVENT_WRITE, on_handshake, connecting);
  connecting->timer = host->timer_start(host, left, 0, on_late, connecting);
  if (!connecting->watch || !connecting->timer) {
    fail_memory(connecting);
  }
}

/* --- TCP ------------------------------------------------------------------------------------------- */

static void dial(ssh_connecting *connecting);

static void on_pause_over(void *context) {
  ssh_connecting *connecting = context;
  connecting->timer = NULL;
  dial(connecting);
}

static void on_dialled(void *context, penstock_socket socket, const char *address, int code) {
  ssh_connecting *connecting = context;
  const penstock_host *host = connecting->host;
  const ssh_settings *settings = &connecting->link->settings;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char where[DIAL_TEXT_SIZE];
  char reason[160];
  (void)snprintf(where, sizeof(where), "%s", address);
  stop_waiting(connecting); /* `address` was the race's */
  if (!code) {
    /* From here on, so that a way that breaks during the handshake is noticed there. */
    dial_set_timeout(socket, 3 * settings->keepalive_ms);
    connected(connecting, socket, where);
  } else if (connecting->attempts < settings->connect_attempts &&
             ssh_time_left(connecting->link, connecting->deadline_ns) > 2 * (uint64_t)PAUSE_MS) {
    penstock_logf(host, PENSTOCK_LOG_INFO, "%s (%s): %s; attempt %u of %u", settings->host, where,
                  dial_reason(code < 0 ? -code : code, reason, sizeof(reason)), connecting->attempts,
                  settings->connect_attempts);
    connecting->timer = host->timer_start(host, PAUSE_MS, 0, on_pause_over, connecting);
  } else {
    dial_connect_error(&error, settings->host, where, &connecting->options, code);
    complete(connecting, &error);
  }
}

static void dial(ssh_connecting *connecting) {
  const penstock_host *host = connecting->host;
  connecting->attempts++;
  connecting->dialled_ns = host->now_ns(host);
  connecting->race = dial_race_start(host, connecting->addresses, connecting->count, &connecting->options,
                                     time_for_attempt(connecting, connecting->dialled_ns), on_dialled, connecting);
  if (!connecting->race) {
    fail_memory(connecting);
  }
}

/* --- DNS ------------------------------------------------------------------------------------------- */

static void on_resolved(void *context, const penstock_address *resolved, uint32_t count, const penstock_error *why) {
  ssh_connecting *connecting = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char first[DIAL_TEXT_SIZE];
  char text[DIAL_TEXT_SIZE + 32];
  if (connecting->is_over) {
    return; /* cancelled, or too late */
  }
  stop_waiting(connecting);
  if (count == 0) {
    dial_name_error(&error, connecting->link->settings.host, why ? why->what : "it has no address");
    complete(connecting, &error);
    return;
  }
  const char *each = (const char *)resolved;
  connecting->count = count < DIAL_RACE_ADDRESSES_MAX ? count : (uint32_t)DIAL_RACE_ADDRESSES_MAX;
  for (uint32_t i = 0; i < connecting->count; i++, each += resolved->struct_size) {
    connecting->addresses[i] = *(const penstock_address *)(const void *)each;
  }
  dial_text(&connecting->addresses[0], first);
  (void)snprintf(text, sizeof(text), count > 1 ? "%s and %u more" : "%s", first, count - 1);
  leg_done(connecting, PENSTOCK_LEG_DNS, text);
  dial(connecting);
}

static void on_resolve_timeout(void *context) {
  ssh_connecting *connecting = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  connecting->timer = NULL;
  dial_name_error(&error, connecting->link->settings.host, "no name server answered in time");
  complete(connecting, &error);
}

static void resolve(ssh_connecting *connecting) {
  const penstock_host *host = connecting->host;
  const ssh_settings *settings = &connecting->link->settings;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  connecting->options = (dial_options){.family = (uint32_t)settings->family,
                                       .bind_address = settings->bind_address,
                                       .bind_interface = settings->bind_interface,
                                       .keepalive = settings->tcp_keepalive};
  connecting->timer = host->timer_start(host, ssh_time_left(connecting->link, connecting->deadline_ns), 0,
                                        on_resolve_timeout, connecting);
  if (host->resolve(host, settings->host, settings->port, (uint32_t)settings->family, on_resolved, connecting)) {
    (void)penstock_fail(&error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_INTERNAL,
                        "cannot resolve %s: the resolver is not to be had", settings->host);
    complete(connecting, &error);
  }
}

/* --- ProxyJump, ProxyCommand ----------------------------------------------------------------------- */

static void on_way(void *context, penstock_socket socket, const penstock_error *error) {
  ssh_connecting *connecting = context;
  const ssh_hop *below = connecting->link->below;
  char text[300];
  if (error) {
    penstock_error copy = *error;
    complete(connecting, &copy);
    return;
  }
  (void)snprintf(text, sizeof(text), "through %.256s", ssh_hop_link(below)->request.host);
  connecting->started_ns = ssh_hop_asked_ns(below);
  connected(connecting, socket, text);
}

/* No timer of ours runs meanwhile: the hop has the same deadline. */
static void go_through_hop(ssh_connecting *connecting) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  uint64_t left = ssh_time_left(connecting->link, connecting->deadline_ns);
  if (!ssh_hop_start(connecting->link, connecting->op, left, on_way, connecting, &error)) {
    complete(connecting, &error);
  }
}

static void go_through_command(ssh_connecting *connecting) {
  ssh_link *link = connecting->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  penstock_socket socket;
  link->proxy = ssh_proxy_start(link->host, link->settings.alias, link->settings.proxy_command, &socket, &error);
  if (link->proxy) {
    connected(connecting, socket, "by ProxyCommand");
  } else {
    complete(connecting, &error);
  }
}

/* --- the step -------------------------------------------------------------------------------------- */

/* Towards the host whose settings are known. */
static void set_out(ssh_connecting *connecting) {
  const ssh_link *link = connecting->link;
  const penstock_host *host = connecting->host;
  connecting->started_ns = connecting->dialled_ns = host->now_ns(host);
  if (link->settings.jump) {
    go_through_hop(connecting);
  } else if (link->settings.proxy_command) {
    go_through_command(connecting);
  } else {
    resolve(connecting);
  }
}

static void begin(ssh_connecting *connecting) {
  ssh_link *link = connecting->link;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (ssh_link_resolve(link, ssh_time_left(link, connecting->deadline_ns), &error) ||
      (link->is_hop && ssh_hop_check_route(link, &error))) {
    complete(connecting, &error);
  } else {
    set_out(connecting);
  }
}

static void start(ssh_link *link, penstock_op *op, int is_look, uint64_t deadline_ms, carrier_done *done,
                  void *context) {
  const penstock_host *host = link->host;
  ssh_connecting *connecting = calloc(1, sizeof(*connecting));
  if (!connecting) {
    penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    done(context, &error);
    return;
  }
  /* What an earlier look at the host's key has left. */
  ssh_connect_abandon(link);
  ssh_hop_destroy(link->below);
  link->below = NULL;
  link->connecting = connecting;
  connecting->link = link;
  connecting->host = host;
  connecting->op = op;
  connecting->is_look = is_look;
  connecting->done = done;
  connecting->context = context;
  connecting->deadline_ns = host->now_ns(host) + deadline_ms * 1000000u;
  begin(connecting);
}

void ssh_connect_start(carrier *self, penstock_op *op, uint64_t deadline_ms, carrier_done *done, void *context) {
  start((ssh_link *)self, op, 0, deadline_ms, done, context);
}

void ssh_connect_to_see(ssh_link *link, uint64_t deadline_ms, carrier_done *done, void *context) {
  start(link, NULL, 1, deadline_ms, done, context);
}

void ssh_connect_cancel(carrier *self, penstock_op *op) {
  ssh_link *link = (ssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (link->connecting && !link->connecting->is_over && link->connecting->op == op) {
    (void)penstock_fail(&error, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, "cancelled");
    complete(link->connecting, &error);
  }
}

void ssh_connect_progress(ssh_link *link, const char *text) {
  if (link->connecting && !link->connecting->is_over && link->connecting->op) {
    link->host->op_progress(link->host, link->connecting->op, text);
  }
}

void ssh_connect_abandon(ssh_link *link) {
  if (link->connecting) {
    stop_waiting(link->connecting);
    ssh_loop_forget(link->loop, link->connecting);
    free(link->connecting);
    link->connecting = NULL;
  }
}
