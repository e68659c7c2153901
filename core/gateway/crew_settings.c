/* SPDX-License-Identifier: MIT */
/* A profile's settings, of which reloads bring new editions while its lanes run: old ones are freed when no lane reads
 * them and no transport has a text of them any more. Those that the crew began with are edition 0, and their owner's.
 */
#include "gateway/crew_internal.h"

#include <stdlib.h>

struct ps_crew_edition {
  struct ps_crew_edition *before;
  uint64_t number;
  uint32_t lanes; /* that may use it, a bit each */
  void (*release)(void *owner);
  void *owner;
};

static void drop(struct ps_crew_edition *one) {
  if (one->release) {
    one->release(one->owner);
  }
  free(one);
}

void ps_crew_read_hold(ps_crew *self) {
  self->door.hold_ns = (uint64_t)ps_settings_int(self->options.settings, "hold", 20000) * 1000000;
}

void ps_crew_settings_used(ps_crew *self, uint32_t lane) {
  if (self->editions) {
    self->editions->lanes |= UINT32_C(1) << lane;
  }
}

uint64_t ps_crew_settings_number(const ps_crew *self) {
  return self->editions ? self->editions->number : 0;
}

int ps_crew_renew(ps_crew *self, const ps_settings *settings, void (*release)(void *owner), void *owner) {
  struct ps_crew_edition *now = calloc(1, sizeof(*now));
  if (!now) {
    return PENSTOCK_E_NOMEM;
  }
  *now = (struct ps_crew_edition){
      .before = self->editions, .number = ps_crew_settings_number(self) + 1, .release = release, .owner = owner};
  self->editions = now;
  self->options.settings = settings;
  ps_crew_read_hold(self);
  for (uint32_t i = 0; i < self->started; i++) {
    if (self->slots[i].lane && ps_lane_renew(self->slots[i].lane, settings, now->number) == PENSTOCK_OK) {
      ps_crew_settings_used(self, i);
    }
  }
  return PENSTOCK_OK;
}

void ps_crew_settings_unused(ps_crew *self, uint32_t lane, uint64_t number, int and_before) {
  struct ps_crew_edition **at = &self->editions;
  while (*at) {
    struct ps_crew_edition *one = *at;
    if (one->number == number || (and_before && one->number < number)) {
      one->lanes &= ~(UINT32_C(1) << lane);
    }
    if (one->lanes == 0 && one != self->editions) {
      *at = one->before;
      drop(one);
    } else {
      at = &one->before;
    }
  }
}

void ps_crew_settings_free(ps_crew *self) {
  while (self->editions) {
    struct ps_crew_edition *one = self->editions;
    self->editions = one->before;
    drop(one);
  }
}
