/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_hop.h"
#include "common/ssh/ssh_internal.h"
#include "common/ssh/ssh_keepalive.h"
#include "common/ssh/ssh_log.h"
#include "common/ssh/ssh_reader.h"

enum {
  NEAR_NS = 2000000, /* a round trip in which 2 MiB are more than any session moves: more would only stand in the way */
  READ = 4096,       /* of libssh: as large as its buffer */
  READS_A_TURN = 16, /* a fair turn is 64 KiB; of a led session, so many bytes are given */
  READS_SHARED = 32, /* where they cost less, out of what was received at once */
  READS_ALONE = 64,  /* all of that, where nobody with little to say waits */
  /* Signs of life are looked for four times a keepalive: what happened in between is seen that much later. */
  TICKS_A_KEEPALIVE = 4,
  SILENT_TICKS_ASK = 3,      /* asks every so many silent ticks: before a keepalive is over */
  SILENT_TICKS_DEGRADED = 6, /* at the second question */
  VERIFY_MS = 5000
};

static void destroy(carrier *self) {
  ssh_link_destroy((ssh_link *)self);
}

static const carrier_ops link_ops = {
    .connect = ssh_connect_start,
    .connect_cancel = ssh_connect_cancel,
    .destroy = destroy,
    .run = ssh_run_start,
    .run_cancel = ssh_run_cancel,
    .open = ssh_stream_open,
    .open_command = ssh_command_open,
    .open_cancel = ssh_stream_open_cancel,
};

/* --- life ------------------------------------------------------------------------------------------ */

/* Finds mistakes in the profile's options before anything is connected. */
static int check_options(const penstock_config *config, int is_hop, penstock_error *error) {
  ssh_settings settings = {0};
  int result = ssh_profile_overlay(&settings, config, is_hop, error);
  ssh_settings_clear(&settings);
  return result;
}

ssh_link *ssh_link_create(const penstock_host *host, const penstock_config *config, ssh_request *request, int is_hop,
                          penstock_error *error) {
  ssh_link *link = calloc(1, sizeof(*link));
  if (!link) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  if (check_options(config, is_hop, error)) {
    free(link);
    return NULL;
  }
  link->loop = is_hop ? ((const ssh_table *)(const void *)host)->loop : ssh_loop_create(host);
  if (!link->loop) {
    free(link);
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  link->host = is_hop ? host : ssh_loop_table(link->loop);
  link->config = config;
  link->request = *request;
  memset(request, 0, sizeof(*request));
  link->is_hop = is_hop;
  link->carrier.ops = &link_ops;
  link->carrier.host = host;
  link->carrier.where = link->request.host;
  link->socket = PENSTOCK_SOCKET_NONE;
  link->writers_end = &link->writers;
  return link;
}

void ssh_link_close(ssh_link *link) {
  ssh_connect_abandon(link);
  ssh_run_drop_all(link);
  ssh_stream_drop_all(link);
  ssh_link_hang_up(link);
}

void ssh_link_destroy(ssh_link *link) {
  if (!link) {
    return;
  }
  ssh_link_close(link);
  ssh_hop_destroy(link->below);
  if (!link->is_hop) {
    ssh_loop_destroy(link->loop);
  }
  known_hosts_unload(&link->known);
  free(link->shown.blob);
  free(link->scratch);
  ssh_settings_clear(&link->settings);
  ssh_request_clear(&link->request);
  free(link);
}

int ssh_link_resolve(ssh_link *link, uint64_t deadline_ms, penstock_error *error) {
  if (link->settings.host) {
    return 0;
  }
  return ssh_settings_resolve(&link->settings, &link->request, link->config, link->host, link->is_hop, deadline_ms,
                              error);
}

carrier *ssh_link_carrier(ssh_link *link) {
  return &link->carrier;
}

void ssh_link_hang_up(ssh_link *link) {
  if (link->watch) {
    link->host->watch_stop(link->host, link->watch);
    link->watch = NULL;
  }
  if (link->kick) {
    link->host->timer_stop(link->host, link->kick);
    link->kick = NULL;
  }
  if (link->keepalive) {
    link->host->timer_stop(link->host, link->keepalive);
    link->keepalive = NULL;
  }
  if (link->verify) {
    link->host->timer_stop(link->host, link->verify);
    link->verify = NULL;
  }
  ssh_batch_end(link);
  while (link->graves) { /* ssh_disconnect frees their channels */
    ssh_grave *grave = link->graves;
    link->graves = grave->next;
    free(grave);
  }
  link->unanswered = 0;
  if (link->event) {
    (void)ssh_event_remove_session(link->event, link->session);
    ssh_event_free(link->event);
    link->event = NULL;
  }
  if (link->session) {
    /* A descriptor that was set from outside is left open by ssh_disconnect, and forgotten. */
    penstock_socket duplicate = (penstock_socket)ssh_get_fd(link->session);
    ssh_disconnect(link->session);
    dial_close(duplicate);
    ssh_free(link->session);
    link->session = NULL;
  }
  ssh_log_stop(link->host);
  dial_close(link->socket);
  link->socket = PENSTOCK_SOCKET_NONE;
  link->is_up = 0;
  ssh_proxy_end(link->proxy);
  link->proxy = NULL;
  if (link->below) {
    ssh_hop_stop(link->below);
  }
}

/* --- death ----------------------------------------------------------------------------------------- */

void ssh_link_fail(ssh_link *link, const penstock_error *error) {
  if (link->is_up && !link->is_dead) {
    link->is_dead = 1;
    link->death = *error;
    ssh_link_kick(link);
  }
}

void ssh_link_die(ssh_link *link, uint32_t leg, const char *what) {
  if (link->is_dead) {
    return;
  }
  link->is_dead = 1;
  if (!what) {
    static const char disconnect[] = "Received SSH_MSG_DISCONNECT: ";
    const char *reason = ssh_get_error(link->session);
    if (strncmp(reason, disconnect, sizeof(disconnect) - 1) == 0) {
      const char *text = strchr(reason + sizeof(disconnect) - 1, ':');
      (void)penstock_fail(&link->death, leg, PENSTOCK_CLASS_TRANSIENT, "%s ended the SSH session: %s",
                          link->settings.host, text ? text + 1 : reason);
    } else {
      (void)penstock_fail(&link->death, leg, PENSTOCK_CLASS_TRANSIENT, "the SSH session with %s broke: %s",
                          link->settings.host, reason[0] ? reason : "the connection was closed");
    }
  } else {
    (void)penstock_fail(&link->death, leg, PENSTOCK_CLASS_TRANSIENT, "%s", what);
  }
  ssh_link_kick(link);
}

int ssh_link_check(ssh_link *link) {
  if (!link->is_dead &&
      (!ssh_is_connected(link->session) || (ssh_get_status(link->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)))) {
    ssh_link_die(link, PENSTOCK_LEG_TCP, NULL);
  }
  return link->is_dead;
}

static void tell_lost(ssh_link *link) {
  if (link->is_dead && !link->is_lost_told) {
    link->is_lost_told = 1;
    if (link->watch) {
      link->host->watch_stop(link->host, link->watch);
      link->watch = NULL;
    }
    if (link->keepalive) {
      link->host->timer_stop(link->host, link->keepalive);
      link->keepalive = NULL;
    }
    link->host->link_lost(link->host, &link->death);
  }
}

/* --- channels that nobody uses any more ------------------------------------------------------------ */

void ssh_link_bury(ssh_link *link, ssh_channel channel, int is_opening) {
  ssh_grave *grave = calloc(1, sizeof(*grave));
  if (!grave) {
    /* The server's half stays open until the session ends: better than to fail the session. */
    ssh_channel_free(channel);
    return;
  }
  grave->channel = channel;
  grave->is_opening = is_opening;
  grave->next = link->graves;
  link->graves = grave;
  link->unanswered += is_opening != 0;
  ssh_link_kick(link);
}

/* Is the channel done with? Until then it is asked again in the next sweep. */
static int close_channel(ssh_link *link, ssh_grave *grave) {
  if (grave->is_opening) {
    /* Opening and denied look alike from outside; asking again for a channel that is opening sends nothing. */
    int result = ssh_channel_is_open(grave->channel) ? SSH_OK : ssh_channel_open_session(grave->channel);
    if (result == SSH_AGAIN) {
      return 0;
    }
    grave->is_opening = 0;
    link->unanswered--;
    if (result != SSH_OK) {
      return 1;
    }
  }
  return ssh_channel_close(grave->channel) != SSH_AGAIN;
}

static void sweep_graves(ssh_link *link) {
  for (ssh_grave **at = &link->graves; *at && !link->is_dead;) {
    ssh_grave *grave = *at;
    if (!close_channel(link, grave)) {
      at = &grave->next;
      continue;
    }
    *at = grave->next;
    ssh_channel_free(grave->channel);
    free(grave);
  }
}

/* --- the turn -------------------------------------------------------------------------------------- */

int ssh_link_is_clogged(const ssh_link *link) {
  return (ssh_get_status(link->session) & SSH_WRITE_PENDING) != 0;
}

int ssh_link_is_shared(const ssh_link *link) {
  return link->shared_until_ns && link->host->now_ns(link->host) < link->shared_until_ns;
}

int ssh_link_is_near(const ssh_link *link) {
  return link->nearest_ns <= NEAR_NS;
}

size_t ssh_link_held(const ssh_link *link) {
  return ssh_reader_pending((int)ssh_get_fd(link->session));
}

unsigned ssh_link_denial(const ssh_link *link, const char **text) {
  /* "Channel opening failure: channel 43 error (2) Connection refused" */
  const char *code = strstr(link->denial, "error (");
  const char *after = code ? strchr(code, ')') : NULL;
  *text = after ? after + 1 + strspn(after + 1, " ") : "";
  return code ? (unsigned)strtoul(code + 7, NULL, 10) : 0;
}

void ssh_link_note_denial(ssh_link *link) {
  const char *reason = ssh_get_error(link->session);
  if (strncmp(reason, "Channel opening failure", 23) == 0 &&
      strncmp(reason, link->denial, sizeof(link->denial) - 1) != 0) {
    (void)snprintf(link->denial, sizeof(link->denial), "%s", reason);
    link->is_denial_new = 1;
  }
}

/* Lets libssh read the socket; returns whether there may be more. */
static int dispatch(ssh_link *link) {
  int result = ssh_event_dopoll(link->event, 0);
  ssh_link_note_denial(link);
  if (result == SSH_ERROR) {
    ssh_link_die(link, PENSTOCK_LEG_TCP, NULL);
  }
  return !ssh_link_check(link) && result != SSH_AGAIN;
}

/* Gives libssh up to about `limit` bytes of what has come. */
static void feed(ssh_link *link, size_t limit) {
  int fd = (int)ssh_get_fd(link->session);
  size_t given = 0;
  size_t count = 1;
  if (ssh_reader_pending(fd) == 0) {
    size_t read = ssh_reader_read(fd);
    link->counter.in_bytes += read;
    ssh_batch_note(link, read);
  }
  while (count > 0 && given < limit && !ssh_link_check(link)) {
    count = ssh_reader_give(fd, link->session);
    ssh_link_note_denial(link);
    given += count;
  }
}

static void read_socket(ssh_link *link) {
  link->is_stalled = 0;
  link->may_deliver = 1;
  ssh_link_note_denial(link);
  int is_fast = ssh_reader_size() > 0;
  int reads = !is_fast ? READS_A_TURN : ssh_link_is_shared(link) ? READS_SHARED : READS_ALONE;
  if (ssh_reader_lead((int)ssh_get_fd(link->session), link->session)) {
    feed(link, (size_t)reads * READ);
    reads = 1; /* for what waits to be sent, and for the end */
  }
  for (int i = 0; i < reads && dispatch(link) && (!is_fast || ssh_link_held(link) > 0); i++) {
  }
  link->may_deliver = 0;
  if (link->bytes_handled != link->counter.in_bytes) {
    link->bytes_handled = link->counter.in_bytes;
    link->heard_ns = link->host->now_ns(link->host);
  }
}

void ssh_link_settle(ssh_link *link) {
  if (ssh_link_check(link)) {
    ssh_link_kick(link);
    return;
  }
  if (link->counter.in_bytes != link->bytes_handled || ssh_link_held(link) > 0) {
    ssh_link_kick(link);
  }
  uint32_t events = PENSTOCK_EVENT_READ | (ssh_link_is_clogged(link) ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  if (link->watch && events != link->watch_events) {
    link->watch_events = events;
    link->host->watch_set(link->host, link->watch, events);
  }
}

static void turn(ssh_link *link) {
  link->turns++;
  if (!link->is_dead) {
    read_socket(link);
  }
  ssh_stream_sweep(link);
  ssh_run_sweep(link);
  link->is_denial_new = 0;
  if (!link->is_dead) {
    ssh_stream_write_turn(link);
    sweep_graves(link);
  }
  ssh_link_settle(link);
  /* Last: what is sent turns it off, and sshd's small packets wait for our ACKs. In a fast download the next read is
   * one. */
  if (!link->pace.tick && !ssh_reader_is_behind((int)ssh_get_fd(link->session))) {
    dial_quick_ack(link->socket);
  }
  if (link->is_dead) {
    ssh_stream_sweep(link); /* the death may have been found after the first sweep */
    ssh_run_sweep(link);
    tell_lost(link); /* the last thing: the host may let go of the link */
  }
}

static void on_socket(void *context, uint32_t events) {
  (void)events;
  turn(context);
}

static void on_kick(void *context) {
  ssh_link *link = context;
  link->kick = NULL;
  turn(link);
}

void ssh_link_kick(ssh_link *link) {
  if (!link->kick && link->is_up && !link->is_lost_told) {
    link->kick = link->host->timer_start(link->host, 0, 0, on_kick, link);
  }
}

/* --- signs of life --------------------------------------------------------------------------------- */

static void ask(ssh_link *link) {
  if (!ssh_link_is_clogged(link)) {
    /* Twice: a call that finds the last one answered only takes note of that. One that is under way is not repeated. */
    ssh_keepalive_send(link->session);
    ssh_keepalive_send(link->session);
    ssh_link_settle(link);
  }
}

static void on_keepalive(void *context);

/* The silent ticks after which a peer is dead: before `keepalive_count` keepalives are over, but with the usual ones
 * not before what was lost as the silence began is sent again: after 0.2, 0.6, 1.4 … 12.6 s (RFC 6298, Linux's least
 * RTO). */
static unsigned ticks_to_death(const ssh_link *link) {
  unsigned count = link->settings.keepalive_count;
  return count > 1 ? TICKS_A_KEEPALIVE * count - 1 : SILENT_TICKS_ASK + 3;
}

static unsigned silent_seconds(const ssh_link *link) {
  return link->settings.keepalive_ms / TICKS_A_KEEPALIVE * link->silent_ticks / 1000;
}

/* Looks again when it is time to ask, not before: an idle session wakes nobody up without need. */
static void look_later(ssh_link *link) {
  const penstock_host *host = link->host;
  uint32_t tick = link->settings.keepalive_ms / TICKS_A_KEEPALIVE;
  uint64_t due = link->heard_ns + (uint64_t)tick * SILENT_TICKS_ASK * 1000000u;
  uint64_t now = host->now_ns(host);
  host->timer_stop(host, link->keepalive);
  link->keepalive = host->timer_start(host, due > now ? (due - now) / 1000000u + 1 : 1, tick, on_keepalive, link);
  if (!link->keepalive) {
    ssh_link_die(link, PENSTOCK_LEG_LOCAL, "out of memory");
  }
}

static void heard(ssh_link *link) {
  link->bytes_seen = link->counter.in_bytes;
  link->silent_ticks = SILENT_TICKS_ASK - 1; /* at the next look, if nothing comes until then: they are over */
  look_later(link);
  if (link->is_degraded) {
    link->is_degraded = 0;
    link->host->link_degraded(link->host, NULL);
  }
}

static void degrade(ssh_link *link) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "%s has not answered for %u s",
                      link->settings.host, silent_seconds(link));
  penstock_next(&error,
                "it is asked again, and connected to anew if it stays silent; see whether the network on the way "
                "is there");
  link->is_degraded = 1;
  link->host->link_degraded(link->host, &error);
}

/* libssh never says whether a keepalive was answered: any byte that arrives is a sign of life. */
static void on_keepalive(void *context) {
  ssh_link *link = context;
  char text[320];
  if (link->is_dead) {
    return;
  }
  if (link->counter.in_bytes != link->bytes_seen) {
    heard(link);
    return;
  }
  link->silent_ticks++;
  if (link->silent_ticks >= ticks_to_death(link)) {
    (void)snprintf(text, sizeof(text), "%s has not answered for %u s: the connection is taken for dead",
                   link->settings.host, silent_seconds(link));
    ssh_link_die(link, PENSTOCK_LEG_TCP, text);
    return;
  }
  if (link->silent_ticks == SILENT_TICKS_DEGRADED) {
    degrade(link);
  }
  if (link->silent_ticks % SILENT_TICKS_ASK == 0) {
    ask(link);
  }
}

static void on_verified(void *context) {
  ssh_link *link = context;
  char text[320];
  link->verify = NULL;
  if (!link->is_dead && link->counter.in_bytes == link->bytes_before) {
    (void)snprintf(text, sizeof(text),
                   "%s has not answered since this machine's network has changed: the connection is taken for dead",
                   link->settings.host);
    ssh_link_die(link, PENSTOCK_LEG_TCP, text);
  }
}

void ssh_link_verify(ssh_link *link) {
  if (!link->is_up || link->is_dead) {
    return;
  }
  if (link->verify) { /* it may have been this change that the link has not survived */
    link->host->timer_stop(link->host, link->verify);
  }
  link->bytes_before = link->counter.in_bytes;
  uint32_t limit = link->settings.keepalive_ms < VERIFY_MS ? link->settings.keepalive_ms : (uint32_t)VERIFY_MS;
  link->verify = link->host->timer_start(link->host, limit, 0, on_verified, link);
  ask(link);
}

int ssh_link_go(ssh_link *link, penstock_error *error) {
  ssh_set_blocking(link->session, 0);
  dial_set_nonblocking(link->socket); /* libssh has cleared it */
  uint64_t silence = (uint64_t)link->settings.keepalive_ms * link->settings.keepalive_count;
  dial_set_timeout(link->socket, silence < INT32_MAX ? (uint32_t)silence : (uint32_t)INT32_MAX);
  ssh_set_counters(link->session, &link->counter, NULL);
  link->scratch = malloc(SSH_WINDOW_MAX);
  link->event = ssh_event_new();
  if (!link->scratch || !link->event || ssh_event_add_session(link->event, link->session) != SSH_OK) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  link->watch_events = PENSTOCK_EVENT_READ;
  link->watch = link->host->watch_start(link->host, link->socket, link->watch_events, on_socket, link);
  uint32_t tick = link->settings.keepalive_ms / TICKS_A_KEEPALIVE;
  link->heard_ns = link->host->now_ns(link->host);
  link->keepalive = link->host->timer_start(link->host, tick, tick, on_keepalive, link);
  if (!link->watch || !link->keepalive) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "cannot watch the connection");
  }
  link->is_up = 1;
  ssh_link_kick(link); /* packets may have come along with the last answer: libssh has them, no event will say so */
  return 0;
}
