/* SPDX-License-Identifier: MIT */
/**
 * @file who_win.h
 * Which process is which. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_WHO_WIN_H
#define TRANSPORTS_NATIVE_WHO_WIN_H

#include <stddef.h>
#include <stdint.h>

#include <windows.h>

#include "common/native/record.h"

/** A solver that runs. */
typedef struct who_solver {
  HANDLE process;
  HANDLE job; /**< NULL: it is in none that we know, so that it is not proven to be ours */
} who_solver;

/** Finds the solver of a record. Returns 1, or 0 if it does not run any more. The caller calls who_close. */
int who_find(const record *kept, who_solver *found);
void who_close(who_solver *found);
/** When a process began, as record.h has it; 0 if that is not known. */
uint64_t who_start(HANDLE process);
/** The name of the job of a record. */
void who_job_name(const char *token, wchar_t name[64]);
/** Does the job hold this process? */
int who_holds(HANDLE job, DWORD pid);

/** Somebody, of whom the system does not say who it is. */
#define WHO_UNKNOWN ((DWORD)-1)
/** Who listens on a port of this machine, on any of its addresses: a process, or WHO_UNKNOWN; 0 if nobody does. */
DWORD who_listens(uint16_t port);
/** "'nginx.exe' (pid 123)", or as much of it as may be known. */
void who_describe(DWORD pid, char *text, size_t size);

#endif
