/* SPDX-License-Identifier: MIT */
/**
 * @file process_win.h
 * Starting a program without a window, as a job of its own. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_PROCESS_WIN_H
#define TRANSPORTS_NATIVE_PROCESS_WIN_H

#include <windows.h>

/** What a process is started with. Borrowed; the handles have to be inheritable, and two may be the same. */
typedef struct process_start {
  const wchar_t *program; /**< its file, whole */
  wchar_t *line;          /**< its words; the system may write to it */
  wchar_t *environment;   /**< see environment_win.h */
  const wchar_t *folder;
  HANDLE input;
  HANDLE output;
  HANDLE errors;
} process_start;

/**
 * Makes it suspended, so that it starts nothing before it is in its job, and with nothing of ours but its three
 * handles. It leaves the job that we are in, such as a terminal's, if it may. Returns 0 or an error of Windows.
 */
DWORD process_create(const process_start *how, PROCESS_INFORMATION *made);
/** A job that ends, with all that is in it, with its last handle. `name` may be NULL. NULL on failure (GetLastError()).
 */
HANDLE process_make_job(const wchar_t *name);

#endif
