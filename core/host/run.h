/* SPDX-License-Identifier: MIT */
/**
 * @file run.h
 * A program that the caller waits for: on a loop of its own, with all that penstock_host::spawn promises.
 */
#ifndef PS_RUN_H
#define PS_RUN_H

#include <penstock/sdk.h>

/**
 * Starts `spawn` and blocks until its `done` was called (on this thread). A descriptor `cancel_fd` that becomes
 * readable ends it early, its group with it. Returns PENSTOCK_OK, PENSTOCK_E_CANCELLED (`done` was called as
 * well), or a negative code with `error` if it could not start (no `done`).
 */
int32_t ps_run(const penstock_spawn *spawn, int cancel_fd, penstock_error *error);

#endif
