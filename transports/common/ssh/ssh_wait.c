/* SPDX-License-Identifier: MIT */
/* The one place where a link that is not yet up waits for its host. */
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_hop.h"
#include "common/ssh/ssh_internal.h"

int ssh_link_wait(ssh_link *link, uint64_t deadline_ns) {
  uint64_t left = ssh_time_left(link, deadline_ns);
  if (left == 0) {
    return PENSTOCK_E_TIMEOUT;
  }
  if (!ssh_is_connected(link->session) || (link->below && ssh_hop_error(link->below))) {
    return PENSTOCK_E_FAILED;
  }
  if (ssh_link_held(link) > 0) {
    return 0; /* what waits here has no event; hosts below are served once it is used up */
  }
  uint32_t events = PENSTOCK_EVENT_READ | (ssh_link_is_clogged(link) ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  dial_quick_ack(link->socket); /* each of the login's packets is waited for */
  ssh_loop_wait(link->loop, link->socket, events, left);
  return 0;
}
