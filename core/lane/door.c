/* SPDX-License-Identifier: MIT */
/* The way in: what becomes of an accepted connection, and the lane that takes connections in by itself. */
#include <stdlib.h>

#include "lane/internal.h"

ps_client *ps_door_enter(ps_door *door, penstock_socket accepted) {
  ps_client *client = calloc(1, sizeof(*client));
  if (!client) {
    ps_net_reset(accepted);
    return NULL;
  }
  client->id = atomic_fetch_add_explicit(door->count, 1, memory_order_relaxed) + 1;
  client->socket = accepted;
  client->deadline_ns = uv_hrtime() + atomic_load_explicit(&door->hold_ns, memory_order_relaxed);
  return client;
}

/* A connection that is taken in needs another descriptor for its far side: if all were used up by those that wait
 * for one, none would ever get it. */
int ps_door_is_full(const ps_door *door, size_t streams) {
  return streams + atomic_load_explicit(door->held, memory_order_relaxed) >= door->clients_max;
}

static int is_full(void *context) {
  const ps_lane *lane = context;
  return ps_door_is_full(lane->options.door, ps_lane_load(lane));
}

static void on_accepted(void *context, penstock_socket accepted) {
  ps_lane *lane = context;
  ps_client *client = ps_door_enter(lane->options.door, accepted);
  if (client) {
    ps_lane_take(lane, client);
  }
}

int ps_lane_door_open(ps_lane *lane) {
  const ps_acceptor_options options = {.own_only = lane->options.door->own_only,
                                       .source = lane->profile,
                                       .full = is_full,
                                       .accepted = on_accepted,
                                       .context = lane};
  lane->acceptor.socket = PENSTOCK_SOCKET_NONE;
  if (lane->options.listening == PENSTOCK_SOCKET_NONE) {
    return PENSTOCK_OK;
  }
  return ps_acceptor_open(&lane->acceptor, &lane->loop, lane->options.listening, &options);
}
