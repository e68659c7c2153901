/* SPDX-License-Identifier: MIT */
/**
 * @file autostart.h
 * Gateways that start when their user logs on: tasks of Windows' Task Scheduler. Elsewhere the system has its own
 * commands for that, which the errors name. All of it blocks. Thread: the main thread.
 */
#ifndef PS_AUTOSTART_H
#define PS_AUTOSTART_H

#include <penstock/sdk.h>

/** One that is registered. Borrowed. */
typedef struct ps_autostart_entry {
  const char *profile;
  const char *task;  /**< its name in the Task Scheduler */
  const char *state; /**< "waits for the logon", "runs", "disabled", … */
} ps_autostart_entry;

/** Is there anything of the kind on this system? Returns 0, or a negative code with `error`. */
int ps_autostart_check(penstock_error *error);
/** Registers a profile's, in place of one that there is. `words` is what penstock is called with (NULL-terminated).
 * Returns 0, or a negative code with `error`. */
int ps_autostart_enable(const char *profile, const char *const *words, penstock_error *error);
/** Takes a profile's away; what runs goes on. Returns 1, 0 if there was none, or a negative code with `error`. */
int ps_autostart_disable(const char *profile, penstock_error *error);
/** Calls `each` for all of this user's, which must not change them. Returns 0, or a negative code with `error`. */
int ps_autostart_each(void (*each)(void *context, const ps_autostart_entry *entry), void *context,
                      penstock_error *error);

#endif
