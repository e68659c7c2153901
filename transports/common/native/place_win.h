/* SPDX-License-Identifier: MIT */
/**
 * @file place_win.h
 * The solver's folder: what is in it, the record, and errors that name its files. For the files of solver_win.h.
 * Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_PLACE_WIN_H
#define TRANSPORTS_NATIVE_PLACE_WIN_H

#include "common/native/layout.h"
#include "common/native/record.h"
#include "common/native/solver_win.h"

/** Finds the folder. Returns 0 with *found, to be cleared; or a negative code with `error`. */
int place_find(const solver_settings *settings, layout *found, penstock_error *error);
/** Reads the record in the folder. Returns 0, or -1 if there is none. */
int place_read_record(const layout *found, uint16_t port, record *kept);
int place_write_record(const layout *found, uint16_t port, const record *kept, penstock_error *error);
/** Says that a file or folder at `path` cannot be used, and why (an error of Windows). */
int place_fail(const char *path, DWORD reason, penstock_error *error);
/** " (penstock.ini:12)", or nothing. */
const char *place_origin(const char *origin, char text[300]);
/** Adds the last 20 lines of the solver's log to an error. */
void place_add_log(const layout *found, const char *log, penstock_error *error);

#endif
