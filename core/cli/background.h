/* SPDX-License-Identifier: MIT */
/**
 * @file background.h
 * `penstock up -d`: a gateway that goes on without the terminal that it was started from. It runs in a child from the
 * first moment, which stays in the terminal's foreground, so that it can ask what it has to, until how it went is
 * known; then it lets go of the terminal, and the command that was typed returns. Thread: the main thread.
 */
#ifndef PS_BACKGROUND_H
#define PS_BACKGROUND_H

#include <penstock/sdk.h>

#include "base/text.h"

/**
 * Where the gateway of a profile logs: $XDG_STATE_HOME/penstock/NAME.log (~/.local/state by default), on Windows
 * %LOCALAPPDATA%/penstock/log/NAME.log. The file is made, for the user alone, with its folder. Returns a string to
 * free(), or NULL with `error`.
 */
char *ps_background_log(const char *profile, penstock_error *error);

/** What a file of the profile is called, without an ending: the profile's name is free, a file's is not. */
void ps_background_file_name(ps_text *out, const char *profile);

/** This system's words for ending a process by its number, and for showing what went to the system's log. */
extern const char ps_background_kill[];
extern const char ps_background_show_log[];

/**
 * Splits the process, which must have no other thread, for the gateway `index` of the line. Returns 1 in the one that
 * is to run the gateway. In the other one, once the first has let go or has ended (*has_ended): 0, and *exit_code is
 * what the command is to return. A negative code with `error` if there can be no other process.
 */
int ps_background_begin(size_t index, int *exit_code, int *has_ended, penstock_error *error);
/**
 * How it went is known and told: lets go of the terminal. Standard output is nowhere from now on, standard error is the
 * file `log` (NULL: nowhere). Does nothing the second time, or in a process that was not split.
 */
void ps_background_let_go(const char *log);

#endif
