/* SPDX-License-Identifier: MIT */
/**
 * @file child_win.h
 * Child processes that a transport starts by itself, where the host's spawn() does not do: it carries a stream, or must
 * be waited for in place. As child_unix.h, with what Windows has: a job in the place of a process group.
 *
 * Text is UTF-8. Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_WIN_CHILD_WIN_H
#define TRANSPORTS_WIN_CHILD_WIN_H

#include <windows.h>

/** What to start. All borrowed. */
typedef struct child_command {
  const char *program;     /**< its path; NULL: argv[0], as child_find looks for it */
  const char *const *argv; /**< its words, NULL-terminated */
  const char *line;        /**< the whole command line as it is, in the place of `argv`; only with `program` */
  const char *const *env;  /**< NULL-terminated NAME=value to add to our environment; NULL = none */
} child_command;

/** One that runs or has ended. */
typedef struct child_process {
  HANDLE process;
  HANDLE job; /**< holds it and all that it starts, which ends with this handle at the latest */
} child_process;

/**
 * Starts it: without a window, suspended until it is in a job of its own, and with no handle of ours but the three,
 * which stay the caller's and must be inheritable. Returns 0 with `made`, or an error of Windows:
 * ERROR_FILE_NOT_FOUND if there is no such program, ERROR_BAD_EXE_FORMAT for a batch file.
 */
DWORD child_start(const child_command *command, HANDLE input, HANDLE output, HANDLE error_output, child_process *made);

/** Has it ended? Then `code` is its exit status; the number of an exception (0xC0000005 …) is negative. */
int child_has_ended(const child_process *child, int *code);
/** Ends it and all that it has started, at once: nothing of Windows asks a program without a window to end. */
void child_kill(const child_process *child);
/** Closes both handles, which ends what is left of it. */
void child_close(child_process *child);

/**
 * Path of a program, to free(): of a name without a folder along PATH alone, and never in the current folder, `.exe`
 * added if it has no ending. NULL if there is none, or memory is out.
 */
char *child_find(const char *name);
/** An empty input that can be inherited; INVALID_HANDLE_VALUE if it cannot be opened. */
HANDLE child_open_nothing(void);

#endif
