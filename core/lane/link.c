/* SPDX-License-Identifier: MIT */
/* One instance of the transport, with the host that is lent to it. */
#include <stdlib.h>

#include "base/error.h"
#include "lane/internal.h"

static void slot_link_lost(const penstock_host *host, const penstock_error *error) {
  ps_link *link = ((ps_host *)host->impl)->owner;
  if (!link->lost) {
    link->lost = 1;
    ps_error_import(&link->lost_error, error);
    ps_lane_later(link->lane);
  }
}

static void slot_link_degraded(const penstock_host *host, const penstock_error *error) {
  ps_link *link = ((ps_host *)host->impl)->owner;
  ps_lane *lane = link->lane;
  link->is_degraded = error != NULL;
  if (error) {
    ps_error_import(&link->degraded_error, error);
  }
  if (lane->link == link && lane->phase == PS_PHASE_SERVE) {
    ps_link_tell_health(lane);
  }
}

void ps_link_tell_health(ps_lane *lane) {
  const ps_link *link = lane->link;
  if (link->is_degraded && lane->state != PS_STATE_DEGRADED) {
    ps_hang_end(lane);
    ps_lane_tell_state(lane, PS_STATE_DEGRADED, &link->degraded_error, 0);
    ps_prewarm_clear(lane); /* a client that waits for its own open is kept if the link is lost */
  } else if (!link->is_degraded && lane->state == PS_STATE_DEGRADED) {
    ps_lane_tell_state(lane, PS_STATE_UP, NULL, 0);
    ps_hang_begin(lane);
    ps_prewarm_later(lane);
  }
}

static void slot_solver_exited(const penstock_host *host, const penstock_error *error) {
  ps_link *link = ((ps_host *)host->impl)->owner;
  if (!link->solver_gone) {
    link->solver_gone = 1;
    ps_error_import(&link->gone_error, error);
    ps_lane_later(link->lane);
  }
}

ps_link *ps_link_create(ps_lane *lane, penstock_error *error) {
  ps_link *link = calloc(1, sizeof(*link));
  if (!link) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  link->lane = lane;
  link->transport = lane->transport;
  ps_list_init(&link->opens);
  ps_host_init(&link->host, &lane->loop, lane->profile);
  link->host.owner = link;
  link->host.table.link_lost = slot_link_lost;
  link->host.table.link_degraded = slot_link_degraded;
  link->host.table.solver_exited = slot_solver_exited;
  ps_step_fill_host(&link->host.table);
  ps_open_fill_host(&link->host.table);
  penstock_error said = {.struct_size = sizeof(said)};
  int32_t result = lane->transport->create(&link->host.table, &lane->config, &link->instance, &said);
  if (result != PENSTOCK_OK || !link->instance) {
    link->instance = NULL;
    ps_error_import(error, &said);
    ps_link_destroy(link, error);
    return NULL;
  }
  return link;
}

static void on_host_closed(void *context) {
  ps_link *link = context;
  ps_lane *lane = link->lane;
  lane->links_closing--;
  free(link);
  if (lane->stopping) {
    ps_lane_later(lane);
  }
}

void ps_link_destroy(ps_link *link, const penstock_error *why) {
  ps_lane *lane = link->lane;
  if (lane->link == link) {
    ps_prewarm_clear(lane);
    lane->link = NULL;
  }
  atomic_store(&lane->blocked, 0);
  atomic_store(&lane->linked, 0);
  ps_step_forget(lane);
  ps_hang_end(lane);
  ps_probe_cancel(lane);
  ps_open_drop_all(link);
  ps_relay_abort_credit(lane->relay, why);
  if (link->instance) {
    link->transport->destroy(link->instance);
  }
  ps_lent_given_back(lane);
  lane->links_closing++;
  ps_host_close(&link->host, on_host_closed, link);
  ps_lane_count(lane);
}
