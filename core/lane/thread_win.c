/* SPDX-License-Identifier: MIT */
#include "lane/internal.h"

/* What the console tells comes to a thread of its own. */
void ps_lane_block_signals(void) {}
