/* SPDX-License-Identifier: MIT */
/**
 * @file program.h
 * Where programs are looked for, and what is none. Thread: any.
 */
#ifndef PS_PROGRAM_H
#define PS_PROGRAM_H

#include <wchar.h>

/**
 * Path of a program, to free(): of a name without a folder along `folders` (as PATH has them) alone, never in the
 * current folder, for which an empty entry or `.` would stand; `ending` is added to a name that has none, NULL =
 * nothing. NULL if there is none, or memory is out.
 */
wchar_t *ps_program_search(const wchar_t *folders, const wchar_t *name, const wchar_t *ending);
/** The same along PATH, `.exe` added. */
wchar_t *ps_program_in_path(const wchar_t *name);
/** Is it a batch file? CreateProcessW() would have cmd.exe run it, which reads its words once more by its own rules. */
int ps_program_is_batch(const wchar_t *path);

#endif
