/* SPDX-License-Identifier: MIT */
/**
 * @file ended_win.h
 * How solvers have ended. The system keeps a process's exit code for as long as somebody has a handle of it: so we have
 * one of each that was launched or found, by whichever instance. One that ends while no gateway runs is nobody's.
 *
 * Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_ENDED_WIN_H
#define TRANSPORTS_NATIVE_ENDED_WIN_H

#include <windows.h>

#include "common/native/record.h"

/** Keeps a handle of the process of a record; `process` stays the caller's. */
void ended_watch(const record *kept, HANDLE process);
/** The exit code of the process of a record, which is waited for so long. Returns 1, or 0: it runs, or nobody knows. */
int ended_code(const record *kept, DWORD patience_ms, DWORD *code);

#endif
