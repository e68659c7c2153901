/* SPDX-License-Identifier: MIT */
/**
 * @file local_child.h
 * A command on this machine whose standard input and output are one socket of ours; the platform is behind it.
 * Nothing blocks, but local_child_end. Thread: the lane's.
 */
#ifndef TRANSPORTS_LOCAL_CHILD_H
#define TRANSPORTS_LOCAL_CHILD_H

#include <penstock/sdk.h>

#include "common/local_shell.h"

typedef struct local_child local_child;

/**
 * Runs `script` by the shell, in a process group of its own (on Windows: a job, without a window). NULL with `error`
 * (leg LOCAL). `shell` is borrowed until this returns.
 */
local_child *local_child_start(const local_shell *shell, const char *script, penstock_error *error);

/** Its standard input and output; to be watched, and closed by local_child_hang_up alone. */
penstock_socket local_child_data(const local_child *child);
/** Its standard error, likewise. */
penstock_socket local_child_messages(const local_child *child);

/** What reads and writes return if they return no count. */
enum {
  LOCAL_CHILD_AGAIN = -1, /**< nothing can be done now */
  LOCAL_CHILD_BROKEN = -2 /**< it reads no more; for reads: and has left some of what it was sent unread */
};
/** Reads what the command printed. Returns the count, 0 at its end, or one of the above. */
int64_t local_child_read(local_child *child, void *data, size_t size);
/** Writes to its standard input. Returns the count, or one of the above. */
int64_t local_child_write(local_child *child, const void *data, size_t size);
/** Reads from its standard error. Returns the count, 0 at its end, or LOCAL_CHILD_AGAIN. */
int64_t local_child_read_messages(local_child *child, void *data, size_t size);
/** Ends its standard input. */
void local_child_end_input(local_child *child);

/**
 * Has it ended? Then `code` is its exit status (-1: none, or it is not known; another one below 0 is the number of an
 * exception of Windows) and `signal` the number of the signal that ended it, or 0.
 */
int local_child_has_ended(local_child *child, int *code, int *signal);
/** Of one that has ended: has it left some of what it was sent unread, where reads do not tell (Windows)? */
int local_child_has_lost_input(const local_child *child);
/** Closes our ends of its input and outputs; no watch may be left on them. */
void local_child_hang_up(local_child *child);
/**
 * Asks its process group to end, or ends it (`force`). Nothing if it has ended and was seen to. Windows has no asking:
 * there only the end of its input asks.
 */
void local_child_kill(local_child *child, int force);
/**
 * Frees one that was hung up, and was killed with force unless it has ended; waits so long for its end. One that even
 * the system cannot end in that time (it runs as another user, its disk hangs) stays a child of this process until that
 * ends, too.
 */
void local_child_end(local_child *child, uint64_t patience_ms);

#endif
