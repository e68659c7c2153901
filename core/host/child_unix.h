/* SPDX-License-Identifier: MIT */
/**
 * @file child_unix.h
 * Starting a program: found in PATH, in a session of its own, with nothing of ours but three descriptors.
 */
#ifndef PS_CHILD_UNIX_H
#define PS_CHILD_UNIX_H

#include <spawn.h>
#include <sys/types.h>

#include <penstock/sdk.h>

/** What to start. All borrowed. */
typedef struct ps_child {
  const char *const *argv; /**< NULL-terminated; argv[0] is looked up in the child's PATH */
  const char *const *env;  /**< NAME=value to add to our environment; NULL = none */
  const char *cwd;         /**< NULL = ours */
  int input;               /**< its standard input, output and error: descriptors above 2, which stay the caller's */
  int output;
  int error_output;
} ps_child;

/**
 * Starts it as the leader of a new session and process group, with default signals. On failure returns a
 * negative code with `error`: leg EXEC for the program, LOCAL for the folder and this machine's limits.
 */
int32_t ps_child_start(const ps_child *child, pid_t *pid, penstock_error *error);

/** Adds what closes every other descriptor in the child: libraries may have opened some that are inherited. */
int ps_child_close_others(posix_spawn_file_actions_t *actions);

#endif
