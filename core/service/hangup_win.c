/* SPDX-License-Identifier: MIT */
/* The end of a console's window comes as SIGHUP, and nothing else does. */
#include "service/hangup.h"

void ps_hangup_begin(void) {}

int ps_hangup_is_ignored(void) {
  return 0;
}

int ps_hangup_has_come(void) {
  return 1;
}
