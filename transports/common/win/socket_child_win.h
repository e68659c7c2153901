/* SPDX-License-Identifier: MIT */
/**
 * @file socket_child_win.h
 * A program whose standard input and output are one socket of ours, and its standard error another one, so that a loop
 * can watch both. A program of Windows cannot be given sockets for these: it gets pipes, and threads of ours carry the
 * bytes between the two.
 *
 *   ours  <- loopback TCP ->  two threads  <- two pipes ->  standard input, standard output
 *   ours  <- loopback TCP --  a thread     <- a pipe ----  standard error
 *
 * Both directions hold what the pipes and sockets do, and then stop whoever sends. The threads end with the program, or
 * with socket_child_free, which waits for them.
 *
 * Thread: one at a time.
 */
#ifndef TRANSPORTS_WIN_SOCKET_CHILD_WIN_H
#define TRANSPORTS_WIN_SOCKET_CHILD_WIN_H

#include <penstock/base.h>

#include "common/win/child_win.h"

typedef struct socket_child socket_child;

/**
 * Starts it. `data` and `messages` are non-blocking, not inherited, and the caller's to close: the program then finds
 * its input ended and its output broken. Returns NULL with `reason`, an error of Windows (or of Winsock):
 * ERROR_FILE_NOT_FOUND if there is no such program.
 */
socket_child *socket_child_start(const child_command *command, penstock_socket *data, penstock_socket *messages,
                                 DWORD *reason);

/** The process, to look at and to kill. */
const child_process *socket_child_process(const socket_child *child);

/** What socket_child_has_lost_input returns while it cannot be said. */
enum { SOCKET_CHILD_UNKNOWN = -1 };
/**
 * Has the program left some of the `sent` bytes that went to `data` unread? 1 = it has, and `data` takes and drops
 * whatever comes; 0 = it has read all; else SOCKET_CHILD_UNKNOWN: it may still read them. Of a program that has ended
 * this is known at once, unless another one has its input.
 */
int socket_child_has_lost_input(socket_child *child, uint64_t sent);

/** Ends what is left of it, and frees it. NULL is fine. */
void socket_child_free(socket_child *child);

/** Two sockets that are joined to each other, not inherited, non-blocking. Returns 0 or an error. */
DWORD socket_child_pair(penstock_socket pair[2]);

#endif
