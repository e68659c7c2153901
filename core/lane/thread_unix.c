/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "lane/internal.h"

void ps_lane_block_signals(void) {
  /* Signals are the main thread's: a lane that may block must not be the one that gets them. */
  sigset_t all;
  (void)sigfillset(&all);
  (void)sigdelset(&all, SIGSEGV);
  (void)sigdelset(&all, SIGBUS);
  (void)sigdelset(&all, SIGFPE);
  (void)sigdelset(&all, SIGILL);
  (void)sigdelset(&all, SIGABRT);
  (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
}
