/* SPDX-License-Identifier: MIT */
/* The one place where a link that is not yet up waits for its host. */
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"

int ssh_link_wait(ssh_link *link, uint64_t deadline_ns) {
  uint64_t left = ssh_time_left(link, deadline_ns);
  if (left == 0 || !ssh_is_connected(link->session)) {
    return PENSTOCK_E_TIMEOUT;
  }
  uint32_t events = PENSTOCK_EVENT_READ | (ssh_link_is_clogged(link) ? (uint32_t)PENSTOCK_EVENT_WRITE : 0u);
  (void)dial_poll(link->socket, events, left);
  return 0;
}
