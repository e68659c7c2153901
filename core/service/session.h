/* SPDX-License-Identifier: MIT */
/**
 * @file session.h
 * What ends a gateway and is no signal: that the user logs off or the machine shuts down, where the system tells that
 * to windows (Windows); and another thread of the process that wants it.
 */
#ifndef PS_SESSION_H
#define PS_SESSION_H

#include <uv.h>

typedef struct ps_session ps_session;

/** The system waits so long at least for a process whose user logs off: what streams may have of that, in ms. */
#define PS_SESSION_DRAIN_MS 1000

/**
 * Calls `end` on the loop's thread, once, when somebody asks for the end (as signals do elsewhere), with how long
 * streams may go on, in ms; below 0: as usual. `reason` (copied) is what the user is shown who waits for it. NULL where
 * nothing is told so, or what it takes cannot be had, which the log says. Thread: that of the loop.
 */
ps_session *ps_session_open(uv_loop_t *loop, const char *reason, void (*end)(void *context, int64_t drain_ms),
                            void *context);
/** Ends it; memory and handles go on a later turn of the loop. NULL is fine. */
void ps_session_close(ps_session *self);

/** Asks the gateway of this process to end, as SIGTERM does; one that has not begun yet ends at once. Any thread. */
void ps_session_ask_end(void);

#endif
