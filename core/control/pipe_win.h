/* SPDX-License-Identifier: MIT */
/**
 * @file pipe_win.h
 * Reading and writing of a pipe or a socket that something else can call off. Thread: any; each end of it by one at a
 * time.
 */
#ifndef PS_CONTROL_PIPE_WIN_H
#define PS_CONTROL_PIPE_WIN_H

#include <penstock/sdk.h>

/** Most things that can call it off. */
#define PS_PIPE_CALLS 1

/** What waits for bytes: its own event, and what calls it off. */
typedef struct ps_pipe_wait {
  HANDLE done;                 /**< an event of its own, reset by hand */
  HANDLE calls[PS_PIPE_CALLS]; /**< each may be NULL; one that is signalled calls it off */
  DWORD patience_ms;           /**< INFINITE = no bound */
} ps_pipe_wait;

/**
 * Reads at least a byte: the count, 0 at the end, or -1: it failed, or was called off. The handle was opened for
 * overlapped use, and may belong to somebody's completion port, which hears nothing of it.
 */
long ps_pipe_read(HANDLE pipe, const ps_pipe_wait *wait, void *buffer, size_t size);
/** Writes all of it to a pipe. Returns 0, or -1 as ps_pipe_read; some of it may have been written then. */
int ps_pipe_write(HANDLE pipe, const ps_pipe_wait *wait, const void *data, size_t size);

#endif
