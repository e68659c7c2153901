/* SPDX-License-Identifier: MIT */
/**
 * @file told.h
 * What a gateway has told of itself so far (ps_gateway_events), kept for whoever asks how it is.
 * Thread: the main thread.
 */
#ifndef PS_TOLD_H
#define PS_TOLD_H

#include <jansson.h>
#include <time.h>

#include "gateway/gateway.h"

/** Legs that are remembered: the way has about ten, and some for each host on it. */
#define PS_TOLD_LEGS 40

/** A moment, for people and for reckoning. */
typedef struct ps_told_moment {
  struct timespec when;
  uint64_t ns; /**< uv_hrtime */
} ps_told_moment;

/** A leg of the way as it is now, or as far as it got. */
typedef struct ps_told_leg {
  uint32_t leg;
  uint64_t elapsed_ns;
  int failed; /**< why is the reason of the state */
  char text[256];
} ps_told_leg;

typedef struct ps_told {
  ps_told_moment began;
  char listen[128];
  ps_state state;
  ps_told_moment since;  /**< of the state */
  penstock_error reason; /**< why it is not up; `what` is empty: nothing was said */
  uint64_t next_try_ns;  /**< DOWN: uv_hrtime of the next try; 0 = there is none */
  penstock_error last;   /**< the last error, whatever has become of it */
  ps_told_moment last_at;
  ps_told_leg legs[PS_TOLD_LEGS];
  size_t leg_count;
  int connects; /**< a try has begun, of which no leg was told yet */
  char progress[256];
  int adopted;
  char protocol_version[64]; /**< "" = not known */
  ps_told_moment served;     /**< since when the solver is served */
  uint64_t times_served;
  int is_wanted;        /**< the next try is the user's: it is not counted */
  uint64_t retries;     /**< tries since it was last up, without the first of all */
  uint64_t retries_all; /**< … of all times */
} ps_told;

void ps_told_begin(ps_told *told);
/** As the slots of ps_gateway_events. */
void ps_told_listening(ps_told *told, const char *address);
void ps_told_state(ps_told *told, ps_state state, const penstock_error *error, uint64_t next_try_ms);
/** The user has asked for something that may need a try (1), or that is over (0). */
void ps_told_wanted(ps_told *told, int is_wanted);
void ps_told_leg_is(ps_told *told, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error);
void ps_told_progress(ps_told *told, const char *text);
void ps_told_serving(ps_told *told, int adopted, const char *protocol_version);
/** What `next` told of another profile, beside this, is how the gateway is from now on. */
void ps_told_take(ps_told *told, const ps_told *next);
/** Of what was told of a profile that comes: the part `swap` of a status. A new reference. */
json_t *ps_told_swap_json(const ps_told *next);
/** All of it: the part of a status that docs/CONTROL.md says comes from the gateway's events. A new reference. */
json_t *ps_told_json(const ps_told *told);

#endif
