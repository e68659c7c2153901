/* SPDX-License-Identifier: MIT */
#include "lane/state.h"

const char *ps_state_name(ps_state state) {
  switch (state) {
  case PS_STATE_DOWN:
    return "down";
  case PS_STATE_CONNECTING:
    return "connecting";
  case PS_STATE_LAUNCHING:
    return "launching";
  case PS_STATE_UP:
    return "up";
  case PS_STATE_DEGRADED:
    return "degraded";
  case PS_STATE_HUNG:
    return "hung";
  case PS_STATE_STOPPED:
    return "stopped";
  case PS_STATE_STOPPING:
    return "stopping";
  }
  return "unknown";
}

int ps_state_serves(ps_state state) {
  return state == PS_STATE_UP || state == PS_STATE_DEGRADED || state == PS_STATE_HUNG;
}
