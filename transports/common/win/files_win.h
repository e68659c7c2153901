/* SPDX-License-Identifier: MIT */
/**
 * @file files_win.h
 * Files by paths in UTF-8, long ones too. Thread: any.
 */
#ifndef TRANSPORTS_WIN_FILES_WIN_H
#define TRANSPORTS_WIN_FILES_WIN_H

#include <stddef.h>
#include <wchar.h>

#include <windows.h>

/** A path for the system, whole and as long as it may be; to free(). */
wchar_t *files_wide_path(const char *path);
/** Is there a file (`folder` 0) or a folder at the path? (`context` is not used.). */
int files_exists(void *context, const char *path, int folder);
/** The last `most` bytes of a file, NUL-terminated, to free(); NULL if it cannot be read (GetLastError()). */
char *files_read_end(const char *path, size_t most, size_t *size);
/** Writes a file in one step: nobody sees half of it. Returns 0 or an error of Windows. */
DWORD files_write(const char *path, const char *text, size_t size);
/** Opens a file to append to it, which a child inherits. INVALID_HANDLE_VALUE if it cannot be. */
HANDLE files_open_log(const char *path);

#endif
