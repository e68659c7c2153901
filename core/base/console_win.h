/* SPDX-License-Identifier: MIT */
/**
 * @file console_win.h
 * Handlers of what the console tells. Thread: any.
 */
#ifndef PS_CONSOLE_WIN_H
#define PS_CONSOLE_WIN_H

#include <windows.h>

/**
 * SetConsoleCtrlHandler(), for the end of a gateway. While a handler runs, the system may keep everybody else from
 * changing the list, and that of a window's end (libuv's) or of a shutdown (ours) does not come back before the process
 * has ended: so this waits for a moment only, and what was asked then happens later or never.
 */
void ps_console_handler(PHANDLER_ROUTINE handler, BOOL add);

#endif
