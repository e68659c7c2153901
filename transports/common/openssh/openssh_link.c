/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_internal.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_profile.h"

static void destroy(carrier *self) {
  openssh_link_destroy((openssh_link *)self);
}

static const carrier_ops ops = {
    .connect = openssh_connect_start,
    .connect_cancel = openssh_connect_cancel,
    .destroy = destroy,
    .run = openssh_run_start,
    .run_cancel = openssh_run_cancel,
    .open = openssh_stream_open,
    .open_command = openssh_exec_open,
    .open_cancel = openssh_stream_open_cancel,
    .streams_cost = openssh_program_streams_cost,
};

/* --- the end --------------------------------------------------------------------------------------- */

static void stop_echo(openssh_link *link) {
  if (link->echo_timer) {
    link->host->timer_stop(link->host, link->echo_timer);
    link->echo_timer = NULL;
  }
  link->echo = NULL; /* the mux's */
}

static void stop_timers(openssh_link *link) {
  stop_echo(link);
  if (link->renewal) {
    link->host->timer_stop(link->host, link->renewal);
    link->renewal = NULL;
  }
}

void openssh_link_hang_up(openssh_link *link) {
  const penstock_host *host = link->host;
  stop_timers(link);
  mux_destroy(link->mux);
  link->mux = NULL;
  if (link->ask_watch) {
    host->watch_stop(host, link->ask_watch);
    link->ask_watch = NULL;
  }
  openssh_program_end(link);
}

void openssh_link_error(const openssh_link *link, penstock_error *error) {
  const openssh_story_context context = {
      .host = link->request.host,
      .profile = link->config->profile,
      .fingerprint = link->extra.fingerprint,
      .others = link->others,
      .by_jump = link->by_jump,
      .exit_code = link->exit_code,
  };
  openssh_story_error(&link->story, &context, error);
}

void openssh_link_die(openssh_link *link, const char *what) {
  if (link->is_dead) {
    return;
  }
  openssh_program_read(link); /* the last words */
  link->is_dead = 1;
  if (what) {
    (void)penstock_fail(&link->death, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "%s", what);
  } else {
    openssh_link_error(link, &link->death);
  }
  link->shells.death = &link->death;
  openssh_stream_sweep(link);
  openssh_exec_sweep(link);
  far_run_sweep(&link->shells);
  link->host->link_lost(link->host, &link->death); /* the last thing: the host may let go of the link */
}

/* --- the session ----------------------------------------------------------------------------------- */

void openssh_link_kick(openssh_link *link) {
  link->wants_sweep = 1;
  if (link->mux) {
    mux_kick(link->mux);
  }
}

static void kick(void *link) {
  openssh_link_kick(link);
}

static void on_ready(void *context) {
  openssh_link *link = context;
  link->is_up = 1;
  openssh_connect_complete(link, NULL);
}

static void on_renewal(void *context) {
  openssh_link *link = context;
  link->renewal = NULL;
  openssh_link_die(link, "ssh is started anew, as its server has refused very many connections");
}

static void on_turn(void *context) {
  openssh_link *link = context;
  while (link->wants_sweep) {
    link->wants_sweep = 0;
    openssh_stream_sweep(link);
    openssh_exec_sweep(link);
    far_run_sweep(&link->shells);
  }
  if (link->is_worn && !link->renewal && !link->is_dead) {
    link->renewal = link->host->timer_start(link->host, 0, 0, on_renewal, link);
  }
}

static void on_dead(void *context, const char *why) {
  openssh_link *link = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  /* If it is ssh that has gone, it may have said why. */
  const char *what = strstr(why, "control socket") ? NULL : why;
  if (link->is_up) {
    openssh_link_die(link, what);
    return;
  }
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "%s", why);
  openssh_connect_complete(link, &error);
  openssh_link_hang_up(link);
}

mux_owner openssh_link_owner(openssh_link *link) {
  return (mux_owner){.ready = on_ready, .turn = on_turn, .dead = on_dead, .context = link};
}

/* --- a sign of life on request --------------------------------------------------------------------- */

static void ignore(void *context) {
  (void)context;
}

static void on_echo_opened(void *context) {
  openssh_link *link = context; /* no server does; it has answered all the same */
  mux_channel *channel = link->echo;
  stop_echo(link);
  mux_channel_close(channel);
}

static void on_echo_refused(void *context, uint32_t code, const char *text) {
  (void)code;
  (void)text;
  on_echo_opened(context);
}

static void ignore_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  (void)context;
  (void)data;
  (void)size;
  (void)is_stderr;
}

static void ignore_request(void *context, const mux_message *message) {
  (void)context;
  (void)message;
}

static void ignore_answer(void *context, int is_success) {
  (void)context;
  (void)is_success;
}

static void on_no_echo(void *context) {
  openssh_link *link = context;
  char text[400];
  link->echo_timer = NULL;
  (void)snprintf(text, sizeof(text), "%s does not answer since the network has changed", link->request.host);
  openssh_link_die(link, text);
}

void openssh_link_verify(openssh_link *link) {
  static const mux_user user = {.opened = on_echo_opened,
                                .refused = on_echo_refused,
                                .data = ignore_data,
                                .writable = ignore,
                                .eof = ignore,
                                .request = ignore_request,
                                .answered = ignore_answer,
                                .closed = ignore};
  if (!link->is_up || link->is_dead || link->echo) {
    return;
  }
  uint64_t patience = link->extra.keepalive_ms ? link->extra.keepalive_ms : 5000;
  link->echo = mux_channel_open(link->mux, "echo@penstock", NULL, &user, link);
  if (link->echo) {
    link->echo_timer = link->host->timer_start(link->host, patience, 0, on_no_echo, link);
  }
}

/* --- life ------------------------------------------------------------------------------------------ */

openssh_link *openssh_link_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                                  penstock_error *error) {
  openssh_link *link = calloc(1, sizeof(*link));
  if (!link) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  link->exit_code = -1;
  if (ssh_profile_overlay(&link->extra, config, 0, error)) {
    ssh_settings_clear(&link->extra);
    free(link);
    return NULL;
  }
  link->host = host;
  link->config = config;
  link->request = *request;
  memset(request, 0, sizeof(*request));
  link->carrier.ops = &ops;
  link->carrier.host = host;
  link->carrier.where = link->request.host;
  link->shells.ops = &openssh_run_ops;
  link->shells.link = link;
  link->shells.kick = kick;
  link->shells.host = host;
  link->shells.where = link->request.host;
  return link;
}

void openssh_link_destroy(openssh_link *link) {
  if (!link) {
    return;
  }
  openssh_connect_abandon(link);
  openssh_stream_drop_all(link);
  openssh_exec_drop_all(link);
  far_run_drop_all(&link->shells);
  openssh_link_hang_up(link);
  ssh_texts_clear(&link->asked);
  ssh_settings_clear(&link->extra);
  ssh_request_clear(&link->request);
  free(link->others);
  free(link);
}

carrier *openssh_link_carrier(openssh_link *link) {
  return &link->carrier;
}
