/* SPDX-License-Identifier: MIT */
/**
 * @file process.h
 * Starting a program: found along PATH, without a window, suspended until it is in a job, and with no handle of ours
 * but three. Thread: any; nothing is shared.
 */
#ifndef PS_PROCESS_H
#define PS_PROCESS_H

#include <windows.h>

/** What a process is started with. Borrowed; the handles have to be inheritable, and two may be the same. */
typedef struct ps_process {
  const wchar_t *program; /**< its file, whole */
  wchar_t *line;          /**< its words (command_line.h); the system may write to it */
  wchar_t *environment;   /**< see ps_environment() */
  const wchar_t *folder;  /**< NULL = ours */
  HANDLE input;           /**< its standard input, output and error, which stay the caller's */
  HANDLE output;
  HANDLE errors;
  int leaves_job; /**< it leaves the job that we are in, such as a terminal's, if it may */
} ps_process;

/**
 * Makes it suspended, so that it starts nothing before it is in its job. Returns 0 or an error of Windows:
 * ERROR_BAD_EXE_FORMAT for a batch file, too, of which cmd.exe would take the words apart by rules of its own.
 */
DWORD ps_process_create(const ps_process *how, PROCESS_INFORMATION *made);
/**
 * Puts what was made into the job, and lets it run. Returns 0 and leaves `made->hProcess` to the caller, or an error of
 * Windows: then it has been ended, and both handles are closed and NULL.
 */
DWORD ps_process_set_off(PROCESS_INFORMATION *made, HANDLE job);
/** A job that ends, with all that is in it, with its last handle. `name` may be NULL. NULL on failure (GetLastError()).
 */
HANDLE ps_process_make_job(const wchar_t *name);

/**
 * The path of a program, to free(): of a name without a folder along PATH alone, and never in the current folder,
 * `.exe` added if it has no ending. NULL if there is none, or memory is out.
 */
wchar_t *ps_process_find(const char *name);

#endif
