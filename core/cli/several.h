/* SPDX-License-Identifier: MIT */
/**
 * @file several.h
 * `penstock up A B`: a process for each gateway, so that a crash or a login that hangs is one gateway's alone, and a
 * parent that starts one after the other, passes signals on and waits for all. Each begins when it is known how it
 * went for the one before, so that questions on the terminal do not mix. Thread: the main thread.
 */
#ifndef PS_SEVERAL_H
#define PS_SEVERAL_H

#include <penstock/sdk.h>

/** The most that there may be. */
#define PS_SEVERAL_MAX 64

/**
 * Calls `run` for each of `count` names in a process of its own, which must have no other thread yet. In such a process
 * it returns what `run` has returned (on Windows it is one that was started anew, which calls `run` itself: split.h).
 * In the parent, once all have ended: 0, or the exit code of the first that failed. One that fails does not end the
 * others. If the parent is killed, they end in order.
 */
int ps_several_run(const char *const *names, size_t count, int (*run)(void *context, size_t index), void *context);

/** In such a process: it is known how it went; it has begun to end. Elsewhere they do nothing. */
void ps_several_known(void);
void ps_several_stopping(void);

#endif
