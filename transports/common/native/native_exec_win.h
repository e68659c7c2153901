/* SPDX-License-Identifier: MIT */
/**
 * @file native_exec_win.h
 * Opens of commands and logs (exec_win.h) that are under way. Thread: the lane's.
 */
#ifndef TRANSPORTS_NATIVE_NATIVE_EXEC_WIN_H
#define TRANSPORTS_NATIVE_NATIVE_EXEC_WIN_H

#include <penstock/exec.h>

#include "common/native/shared_win.h"

/** One that is under way; a list of them is its head. Opaque. */
typedef struct native_exec native_exec;

/** Begins one; completes `open` on a later turn, or now if it cannot be tried. */
void native_exec_begin(native_exec **list, const penstock_host *host, shared *settings, penstock_open *open,
                       const penstock_command *command);
/** Ends one early, if it is in the list: it completes `open` once it can. */
void native_exec_end(native_exec **list, penstock_open *open);
/** Forgets all; completes none. */
void native_exec_clear(native_exec **list);

#endif
