/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_log.h"

#include <libssh/callbacks.h>

/* libssh's 1 (warnings) to 4 (every function) are the gateway's levels from WARN to TRACE. */
enum { STEP = PENSTOCK_LOG_WARN - SSH_LOG_WARN };

static void on_line(int priority, const char *function, const char *text, void *context) {
  const penstock_host *host = context;
  (void)function; /* it stands in the text too */
  if (host) {
    penstock_logf(host, (uint32_t)(priority + STEP), "libssh: %s", text);
  }
}

void ssh_log_start(const penstock_host *host, int level) {
  if (level >= PENSTOCK_LOG_WARN && ssh_set_log_userdata((void *)(uintptr_t)host) == SSH_OK &&
      ssh_set_log_callback(on_line) == SSH_OK) {
    (void)ssh_set_log_level(level - STEP);
  }
}

void ssh_log_stop(const penstock_host *host) {
  if (ssh_get_log_userdata() == host) {
    (void)ssh_set_log_level(SSH_LOG_NONE);
    (void)ssh_set_log_userdata(NULL);
  }
}
