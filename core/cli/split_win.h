/* SPDX-License-Identifier: MIT */
/**
 * @file split_win.h
 * One more process of this program, with the same line, for one of its gateways. It is at the same console, and has the
 * same standard streams; beside them it inherits an end of a pipe, into which it says how it goes.
 * Thread: the main thread.
 */
#ifndef PS_SPLIT_WIN_H
#define PS_SPLIT_WIN_H

#include <stddef.h>

#include <windows.h>

#include "cli/split.h"

/** Such a process. Both are the caller's to close. */
typedef struct ps_split_child {
  HANDLE process;
  HANDLE words; /**< what it says; ends when it closes its end, or ends */
} ps_split_child;

/** Starts one. With `stays` it ends in order when we do; without, it leaves our job if it may, to outlive us. Returns 0
 * or an error of Windows. */
DWORD ps_split_start(size_t index, int stays, ps_split_child *child);

/** In such a process: says a byte. Elsewhere, or after the end, it does nothing. */
void ps_split_say(char what);
/** In such a process: nothing more will be said. */
void ps_split_end_words(void);

/** How such a process has ended, which it has: its exit code. If it crashed, PS_EXIT_FAILED, and `why` gets a few
 * words; else `why` is "". */
int ps_split_outcome(HANDLE process, char *why, size_t size);

/** Keys that the console tells of (Ctrl-C, Ctrl-Break) are for the children, who get them too: from now on they do not
 * end us, and each calls `told`, which may be NULL, on a thread of the system's. */
void ps_split_leave_keys_to_children(void (*told)(void));
/** They mean to us again what they did. */
void ps_split_take_keys_back(void);

#endif
