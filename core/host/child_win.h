/* SPDX-License-Identifier: MIT */
/**
 * @file child_win.h
 * Starting a program: found along PATH, without a window, in a job of its own, with nothing of ours but three handles.
 */
#ifndef PS_CHILD_WIN_H
#define PS_CHILD_WIN_H

#include <penstock/sdk.h>

/** What to start. All borrowed. */
typedef struct ps_child {
  const char *const *argv; /**< NULL-terminated; argv[0] is looked up along the child's PATH */
  const char *const *env;  /**< NAME=value to add to our environment; NULL = none */
  const char *cwd;         /**< NULL = ours */
  HANDLE input;            /**< its standard input, output and error, which stay the caller's */
  HANDLE output;
  HANDLE error_output;
} ps_child;

/**
 * Starts it. *job holds it and all that it starts: ending the job ends all of them. On failure returns a negative code
 * with `error`: leg EXEC for the program, LOCAL for the folder and this machine's limits. The caller closes both
 * handles.
 */
int32_t ps_child_start(const ps_child *child, HANDLE *process, HANDLE *job, penstock_error *error);

#endif
