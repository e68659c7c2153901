/* SPDX-License-Identifier: MIT */
/*
 * connect: name, TCP connection and the server's greeting are waited for in the loop, so that they can be cancelled
 * (a host that is switched off is the usual failure); the handshake and the login then block within what is left of
 * the deadline, because agents, passphrases and libssh do.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/ssh/dial_race.h"
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"

enum {
  GREETING_MS = 5000,  /* servers speak first; one that has not by then may wait for us (a port shared by protocols) */
  HANDSHAKE_MS = 15000 /* of a server that has spoken: the lane must not stand still for longer if the way breaks */
};

struct ssh_connecting {
  ssh_link *link; /* which frees this; at the latest then the resolver is silent */
  const penstock_host *host;
  penstock_op *op; /* NULL once completed */
  uint64_t deadline_ns;
  uint64_t started_ns; /* of the leg that runs */
  dial_race *race;
  penstock_socket socket; /* that won it */
  penstock_watch *watch;
  penstock_timer *timer;
};

static void leg_done(ssh_connecting *connecting, uint32_t leg, const char *text) {
  const penstock_host *host = connecting->host;
  uint64_t now = host->now_ns(host);
  host->op_leg(host, connecting->op, leg, now - connecting->started_ns, text);
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
  const penstock_host *host = connecting->host;
  penstock_op *op = connecting->op;
  stop_waiting(connecting);
  dial_close(connecting->socket);
  connecting->socket = PENSTOCK_SOCKET_NONE;
  connecting->op = NULL;
  if (error) {
    ssh_link_hang_up(connecting->link);
  }
  host->op_done(host, op, error);
}

/* --- handshake and login --------------------------------------------------------------------------- */

static int establish(ssh_connecting *connecting, penstock_error *error) {
  ssh_link *link = connecting->link;
  known_hosts known = {0};
  char text[512] = "";
  uint64_t deadline_ns = link->host->now_ns(link->host) + HANDSHAKE_MS * 1000000ull;
  deadline_ns = deadline_ns < connecting->deadline_ns ? deadline_ns : connecting->deadline_ns;
  int result = ssh_handshake(link, deadline_ns, &known, error);
  if (!result) {
    result = ssh_verify_host(link, &known, text, sizeof(text), error);
  }
  known_hosts_unload(&known);
  if (result) {
    return result;
  }
  leg_done(connecting, PENSTOCK_LEG_HOST_KEY, text);
  result = ssh_log_in(link, connecting->deadline_ns, text, sizeof(text), error);
  ssh_log_banner(link); /* it may say why a login is refused */
  if (result) {
    return result;
  }
  leg_done(connecting, PENSTOCK_LEG_AUTH, text);
  penstock_logf(link->host, PENSTOCK_LOG_DEBUG, "%s: %s, cipher %s, libssh %s", link->settings.host,
                ssh_get_serverbanner(link->session), ssh_get_cipher_out(link->session), ssh_version(0));
  return ssh_link_go(link, error);
}

static void greeted(ssh_connecting *connecting) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  stop_waiting(connecting);
  connecting->link->socket = connecting->socket;
  connecting->socket = PENSTOCK_SOCKET_NONE;
  int result = establish(connecting, &error);
  complete(connecting, result ? &error : NULL);
}

/* --- the greeting ---------------------------------------------------------------------------------- */

static void on_greeting(void *context, uint32_t events) {
  (void)events;
  greeted(context);
}

static void on_no_greeting(void *context) {
  ssh_connecting *connecting = context;
  connecting->timer = NULL;
  greeted(connecting);
}

static void await_greeting(ssh_connecting *connecting) {
  const penstock_host *host = connecting->host;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  /* Half of the time at most: what the handshake then says of a silent server tells more than a deadline. */
  uint64_t half = ssh_time_left(connecting->link, connecting->deadline_ns) / 2;
  uint64_t wait = half < GREETING_MS ? half : GREETING_MS;
  connecting->watch = host->watch_start(host, connecting->socket, PENSTOCK_EVENT_READ, on_greeting, connecting);
  connecting->timer = host->timer_start(host, wait, 0, on_no_greeting, connecting);
  if (!connecting->watch || !connecting->timer) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    complete(connecting, &error);
  }
}

/* --- TCP ------------------------------------------------------------------------------------------- */

static void on_dialled(void *context, penstock_socket socket, const char *address, int code) {
  ssh_connecting *connecting = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (code) {
    dial_connect_error(&error, connecting->link->settings.host, address, code);
    complete(connecting, &error);
    return;
  }
  connecting->socket = socket;
  leg_done(connecting, PENSTOCK_LEG_TCP, address);
  stop_waiting(connecting);
  /* From here on, so that a way that breaks during the handshake is noticed there. */
  dial_set_timeout(socket, 3 * connecting->link->settings.keepalive_ms);
  await_greeting(connecting);
}

/* --- DNS ------------------------------------------------------------------------------------------- */

static void on_resolved(void *context, const penstock_address *resolved, uint32_t count, const penstock_error *why) {
  ssh_connecting *connecting = context;
  penstock_address addresses[DIAL_RACE_ADDRESSES_MAX];
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char first[DIAL_TEXT_SIZE];
  char text[DIAL_TEXT_SIZE + 32];
  if (!connecting->op) {
    return; /* cancelled, or too late */
  }
  stop_waiting(connecting);
  if (count == 0) {
    dial_name_error(&error, connecting->link->settings.host, why ? why->what : "it has no address");
    complete(connecting, &error);
    return;
  }
  const char *each = (const char *)resolved;
  count = count < DIAL_RACE_ADDRESSES_MAX ? count : (uint32_t)DIAL_RACE_ADDRESSES_MAX;
  for (uint32_t i = 0; i < count; i++, each += resolved->struct_size) {
    addresses[i] = *(const penstock_address *)(const void *)each;
  }
  dial_text(&addresses[0], first);
  (void)snprintf(text, sizeof(text), count > 1 ? "%s and %u more" : "%s", first, count - 1);
  leg_done(connecting, PENSTOCK_LEG_DNS, text);
  uint64_t left = ssh_time_left(connecting->link, connecting->deadline_ns);
  connecting->race = dial_race_start(connecting->host, addresses, count, left, on_dialled, connecting);
  if (!connecting->race) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    complete(connecting, &error);
  }
}

static void on_resolve_timeout(void *context) {
  ssh_connecting *connecting = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  connecting->timer = NULL;
  dial_name_error(&error, connecting->link->settings.host, "no name server answered in time");
  complete(connecting, &error);
}

/* --- the step -------------------------------------------------------------------------------------- */

void ssh_link_connect(ssh_link *link, penstock_op *op, uint64_t deadline_ms) {
  const penstock_host *host = link->host;
  const ssh_settings *settings = &link->settings;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  ssh_connecting *connecting = calloc(1, sizeof(*connecting));
  if (!connecting) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    host->op_done(host, op, &error);
    return;
  }
  link->connecting = connecting;
  connecting->link = link;
  connecting->host = host;
  connecting->op = op;
  connecting->socket = PENSTOCK_SOCKET_NONE;
  connecting->started_ns = host->now_ns(host);
  connecting->deadline_ns = connecting->started_ns + deadline_ms * 1000000u;
  if (ssh_link_resolve(link, deadline_ms, &error)) {
    complete(connecting, &error);
    return;
  }
  connecting->started_ns = host->now_ns(host);
  connecting->timer = host->timer_start(host, deadline_ms, 0, on_resolve_timeout, connecting);
  if (host->resolve(host, settings->host, settings->port, (uint32_t)settings->family, on_resolved, connecting)) {
    (void)penstock_fail(&error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_INTERNAL,
                        "cannot resolve %s: the resolver is not to be had", settings->host);
    complete(connecting, &error);
  }
}

void ssh_link_connect_cancel(ssh_link *link, penstock_op *op) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (link->connecting && link->connecting->op == op) {
    (void)penstock_fail(&error, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, "cancelled");
    complete(link->connecting, &error);
  }
}

void ssh_connect_progress(ssh_link *link, const char *text) {
  if (link->connecting && link->connecting->op) {
    link->host->op_progress(link->host, link->connecting->op, text);
  }
}

void ssh_connect_abandon(ssh_link *link) {
  if (link->connecting) {
    stop_waiting(link->connecting);
    dial_close(link->connecting->socket);
    free(link->connecting);
    link->connecting = NULL;
  }
}
