/* SPDX-License-Identifier: MIT */
/**
 * @file library.h
 * The platform's dynamic loader, and where the program itself lies.
 *
 * Thread: the main thread.
 */
#ifndef PS_LIBRARY_H
#define PS_LIBRARY_H

#include <penstock/sdk.h>

/** Loads the library at an absolute path, all symbols bound, none lent to others. NULL with `error`. */
void *ps_library_open(const char *path, penstock_error *error);
/** Address of an exported symbol; NULL if there is none. */
const void *ps_library_symbol(void *library, const char *name);
/** Unloads it. */
void ps_library_close(void *library);

/** Folder of the running program, to free(); NULL if it cannot be known. */
char *ps_program_folder(void);

#endif
