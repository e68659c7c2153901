/* SPDX-License-Identifier: MIT */
#include "cli/background.h"

/* A process cannot be split here, and one that is started anew could not ask its questions at this console. */
static int32_t unsupported(penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "a gateway does not go into the background by itself on Windows");
  penstock_next(error,
                "run it without --detach in a window of its own, or have the Task Scheduler start it when you log on");
  return PENSTOCK_E_UNSUPPORTED;
}

char *ps_background_log(const char *profile, penstock_error *error) {
  (void)profile;
  (void)unsupported(error);
  return NULL;
}

int ps_background_begin(int *exit_code, int *has_ended, penstock_error *error) {
  (void)exit_code;
  (void)has_ended;
  return unsupported(error);
}

void ps_background_let_go(const char *log) {
  (void)log;
}
