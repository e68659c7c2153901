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
  case PS_STATE_STOPPING:
    return "stopping";
  }
  return "unknown";
}
