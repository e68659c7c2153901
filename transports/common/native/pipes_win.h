/* SPDX-License-Identifier: MIT */
/**
 * @file pipes_win.h
 * Reading of pipes and sockets, and writing to pipes, that something else can call off. Thread: any; each handle by one
 * at a time.
 */
#ifndef TRANSPORTS_NATIVE_PIPES_WIN_H
#define TRANSPORTS_NATIVE_PIPES_WIN_H

#include <stddef.h>

#include <windows.h>

/** Most things that can call it off. */
#define PIPES_CALLS 2

/** What waits for bytes: an event of its own, reset by hand, and what calls it off; each of these may be NULL. */
typedef struct pipes_wait {
  HANDLE done;
  HANDLE calls[PIPES_CALLS];
  DWORD patience_ms; /**< INFINITE = no bound */
} pipes_wait;

/** What has come of it, if it is no count. */
enum {
  PIPES_BROKEN = -1,
  PIPES_CALLED = -2 /**< called off, or the patience is over: PIPES_CALLED - i for calls[i] … */
};

/** Makes a pipe for a child: `ours` for overlapped use, `theirs` can be inherited. Returns 0 or an error of Windows. */
DWORD pipes_make(int we_read, HANDLE *ours, HANDLE *theirs);
/** Reads at least a byte from a pipe or a socket: the count, 0 at the end, or a code from above. */
long pipes_read(HANDLE from, const pipes_wait *wait, void *buffer, size_t size);
/** Writes all of it to a pipe. Returns 0, or a code from above; some of it may have been written then. */
long pipes_write(HANDLE to, const pipes_wait *wait, const void *data, size_t size);
/** Bytes that a pipe holds for us now. */
size_t pipes_waiting(HANDLE from);

#endif
