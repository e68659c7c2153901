/* SPDX-License-Identifier: MIT */
/**
 * @file runner_win.h
 * How a file is run: a program by itself, a batch file by cmd.exe, a Python script by the Python of its environment.
 * Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_RUNNER_WIN_H
#define TRANSPORTS_NATIVE_RUNNER_WIN_H

#include <wchar.h>

#include <penstock/sdk.h>

/** What CreateProcessW() is told; both to free(). */
typedef struct runner {
  wchar_t *program;
  wchar_t *line;
} runner;

/**
 * For the file at words[0] (a whole path) with the arguments after it; `environment` is that which it gets. Returns 0,
 * or PENSTOCK_E_FAILED with `error` (leg LAUNCH): there is no Python, or a batch file cannot be told such words.
 */
int runner_make(runner *made, const char *const *words, const wchar_t *environment, penstock_error *error);
void runner_clear(runner *made);

/**
 * The file that a command's name means, to free(): along the PATH of `environment`, or below `folder` if the name has
 * one itself. Its end may be left out: .exe, .com, .bat, .cmd. NULL if there is none.
 */
char *runner_find(const char *name, const wchar_t *environment, const char *folder);

#endif
