/* SPDX-License-Identifier: MIT */
#include "base/rate.h"

#define COUNT (PS_RATE_SLOTS + 1)

void ps_rate_add(ps_rate *rate, uint64_t now_ms, uint64_t amount) {
  uint64_t slot = now_ms / PS_RATE_SLOT_MS;
  for (uint64_t at = slot; at > rate->slot && slot - at < COUNT; at--) { /* what has passed since then */
    rate->sums[at % COUNT] = 0;
  }
  rate->slot = slot;
  rate->sums[slot % COUNT] += amount;
}

uint64_t ps_rate_now(const ps_rate *rate, uint64_t now_ms) {
  uint64_t slot = now_ms / PS_RATE_SLOT_MS;
  uint64_t span_ms = (uint64_t)PS_RATE_SLOTS * PS_RATE_SLOT_MS + now_ms % PS_RATE_SLOT_MS;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < COUNT && i <= slot; i++) {
    uint64_t at = slot - i;
    sum += at <= rate->slot && at + COUNT > rate->slot ? rate->sums[at % COUNT] : 0;
  }
  return sum * 1000 / span_ms;
}
