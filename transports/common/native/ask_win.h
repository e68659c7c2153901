/* SPDX-License-Identifier: MIT */
/**
 * @file ask_win.h
 * Asking a program without a window to end, as Ctrl-C does. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_ASK_WIN_H
#define TRANSPORTS_NATIVE_ASK_WIN_H

#include <windows.h>

/** Asks; blocks for a moment, and at most for `patience_ms`. Whether it ends is its own matter. Returns 0 if it was
 * asked. */
int ask_to_end(DWORD pid, DWORD patience_ms);

#endif
