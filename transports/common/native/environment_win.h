/* SPDX-License-Identifier: MIT */
/**
 * @file environment_win.h
 * The environment of a program that is started. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_ENVIRONMENT_WIN_H
#define TRANSPORTS_NATIVE_ENVIRONMENT_WIN_H

#include <wchar.h>

#include "common/native/layout.h"
#include "common/native/solver_win.h"

/**
 * That of the solver in its folder, as CreateProcessW() wants it: ours, in its place what the folder needs (layout.h),
 * and in place of both what the profile says. `found` may be NULL: there is no folder. `more`, NAME=value, may be NULL.
 * To free(); NULL if memory is out.
 */
wchar_t *environment_make(const solver_settings *settings, const layout *found, const char *more);
/** The value of PATH in there, to free(); NULL if memory is out. */
wchar_t *environment_path(const wchar_t *environment);

#endif
