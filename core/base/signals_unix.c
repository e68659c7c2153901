/* SPDX-License-Identifier: MIT */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>

static void change(int how) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
  sigset_t set;
  (void)sigemptyset(&set);
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    (void)sigaddset(&set, numbers[i]);
  }
  (void)pthread_sigmask(how, &set, NULL);
}

void ps_signals_block(void) {
  change(SIG_BLOCK);
}

void ps_signals_unblock(void) {
  change(SIG_UNBLOCK);
}
