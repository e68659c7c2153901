/* SPDX-License-Identifier: MIT */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>

const int ps_gateway_signals[PS_GATEWAY_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

static void change(int how) {
  sigset_t set;
  (void)sigemptyset(&set);
  for (size_t i = 0; i < PS_GATEWAY_SIGNALS; i++) {
    (void)sigaddset(&set, ps_gateway_signals[i]);
  }
  (void)pthread_sigmask(how, &set, NULL);
}

void ps_signals_block(void) {
  change(SIG_BLOCK);
}

void ps_signals_unblock(void) {
  change(SIG_UNBLOCK);
}

int ps_signals_reopens_log(int number) {
  return number == SIGUSR1;
}

unsigned ps_signals_patience_ms(int number) {
  (void)number;
  return 0;
}

void ps_signals_ignore(int number) {
  (void)signal(number, SIG_IGN);
}

void ps_signals_obey(int number) {
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

void ps_signals_prepare(void) {
  (void)signal(SIGPIPE, SIG_IGN);
}
