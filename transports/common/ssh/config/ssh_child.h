/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_child.h
 * A child process that is waited for in place: `ssh -G`, before the link is up. The host's spawn() reports on a
 * later turn of the loop, which a call that may block cannot wait for.
 *
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_CHILD_H
#define TRANSPORTS_SSH_CHILD_H

#include <penstock/sdk.h>

/** What became of it. */
typedef struct ssh_child_result {
  int code;           /**< exit status; 128 + number for a signal */
  int is_missing;     /**< there is no such program */
  int timed_out;      /**< it was ended, with its process group, at the deadline */
  char *output;       /**< standard output, NUL-terminated; free() */
  char *error_output; /**< standard error, NUL-terminated; free() */
} ssh_child_result;

/**
 * Runs `argv` (NULL-terminated; argv[0] is looked up in PATH) with an empty standard input. Each output may have at
 * most 1 MiB, the rest is dropped. Returns 0 with `result`, or a negative code with `error` (leg LOCAL) if it cannot
 * even be tried; nothing is to be freed then.
 */
int ssh_child_run(const char *const *argv, uint64_t deadline_ms, ssh_child_result *result, penstock_error *error);
/** Frees the outputs. */
void ssh_child_clear(ssh_child_result *result);

#endif
