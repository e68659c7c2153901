/* SPDX-License-Identifier: MIT */
/*
 * libuv makes signals of what the console tells: Ctrl-C is SIGINT, Ctrl-Break SIGBREAK, and its window's end SIGHUP,
 * after which Windows ends the process within some seconds. SIGTERM nobody sends; what means the same is in
 * service/session_win.c. Nothing asks for the log file to be opened again: it can be renamed while it is open.
 */
#include "base/signals.h"

#include <signal.h>
#include <uv.h>

#include "base/console_win.h"

/* What the console tells comes on a thread of its own, which libuv passes on: nothing is to be blocked. */
void ps_signals_block(void) {}

void ps_signals_unblock(void) {}

const int ps_gateway_signals[PS_GATEWAY_SIGNALS] = {SIGINT, SIGBREAK, SIGHUP, SIGTERM};

int ps_signals_reopens_log(int number) {
  (void)number;
  return 0;
}

static BOOL WINAPI take_no_notice(DWORD event) {
  (void)event;
  return TRUE;
}

/* Microsoft's page on HandlerRoutine: 5 s after a window was closed, if nobody has changed that. */
unsigned ps_signals_patience_ms(int number) {
  return number == SIGHUP ? 5000 : 0;
}

void ps_signals_ignore(int number) {
  if (number == SIGINT) {
    ps_console_handler(take_no_notice, TRUE);
  }
}

/* What a console's program has that nobody asked about such an event. */
void ps_signals_obey(int number) {
  (void)number;
  exit((int)STATUS_CONTROL_C_EXIT); /* what is to be done at the end is: the console gets its ways back */
}

void ps_signals_prepare(void) {}
