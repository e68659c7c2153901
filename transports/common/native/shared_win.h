/* SPDX-License-Identifier: MIT */
/**
 * @file shared_win.h
 * Settings of an instance that jobs of worker threads use too, which may outlive it. Only the lane's thread counts.
 */
#ifndef TRANSPORTS_NATIVE_SHARED_WIN_H
#define TRANSPORTS_NATIVE_SHARED_WIN_H

#include <stdlib.h>

#include "common/native/solver_win.h"

/** Settings, and how many use them. */
typedef struct shared {
  solver_settings *settings;
  unsigned users;
} shared;

/** One more uses them. */
static inline shared *shared_take(shared *held) {
  held->users++;
  return held;
}

/** One less; the last one frees them. */
static inline void shared_let_go(shared *held) {
  if (--held->users == 0) {
    solver_settings_free(held->settings);
    free(held);
  }
}

#endif
