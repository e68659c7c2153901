/* SPDX-License-Identifier: MIT */
/**
 * @file exec_win.h
 * Commands on this machine, and the solver's log, as streams (penstock/exec.h). What begins them blocks for a moment,
 * and runs on a worker thread; then a thread of their own carries them to their end, whatever becomes of the instance.
 */
#ifndef TRANSPORTS_NATIVE_EXEC_WIN_H
#define TRANSPORTS_NATIVE_EXEC_WIN_H

#include <penstock/exec.h>

#include "common/native/solver_win.h"

/** What is wanted, with texts of its own. */
typedef struct exec_wanted {
  char **argv; /**< NULL: the log */
  uint32_t flags;
  uint32_t lines;
  char *mark;
  char *token;
} exec_wanted;

/** Copies a command. NULL if memory is out. */
exec_wanted *exec_wanted_copy(const penstock_command *command);
void exec_wanted_free(exec_wanted *wanted);

/**
 * Begins a command: in the solver's folder and with its environment, if there is such a folder, without a window, in a
 * job of its own. Returns 0 with *stream, connected and non-blocking, the caller's; or a negative code with `error`.
 */
int exec_begin(const solver_settings *settings, const exec_wanted *wanted, penstock_socket *stream,
               penstock_error *error);
/** The same for the log (exec_log_win.c). */
int exec_log_begin(const solver_settings *settings, const exec_wanted *wanted, penstock_socket *stream,
                   penstock_error *error);

#endif
