/* SPDX-License-Identifier: MIT */
#include "cli/several.h"

#include "cli/cli.h"

/* A process cannot be split here. */
int ps_several_check(penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "one command runs one gateway on Windows, and several profiles are named");
  penstock_next(error, "start each in a window of its own: penstock up PROFILE");
  return PENSTOCK_E_UNSUPPORTED;
}

int ps_several_run(const char *const *names, size_t count, int (*run)(void *context, size_t index), void *context) {
  (void)names;
  (void)count;
  (void)run;
  (void)context;
  return PS_EXIT_FAILED; /* nobody gets so far */
}

void ps_several_known(void) {}

void ps_several_stopping(void) {}
