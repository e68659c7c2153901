/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_reader.h
 * Reads a session's socket in large pieces, where the build allows it (PENSTOCK_SSH_FAST_READ). ssh_reader.c says how
 * and why; ssh_reader_none.c does nothing, and libssh reads as it always does.
 *
 * Thread: a descriptor's calls and all use of its session belong to one thread.
 */
#ifndef TRANSPORTS_SSH_READER_H
#define TRANSPORTS_SSH_READER_H

#include <stddef.h>

struct ssh_session_struct;

/** What is read at once; 0 if libssh reads the socket itself. */
size_t ssh_reader_size(void);
/**
 * From now on a session gets what its descriptor `fd` receives out of a buffer. Nobody else may read `fd`. Out of
 * memory: nothing changes.
 */
void ssh_reader_attach(int fd);
/** No more; bytes in the buffer are lost. Closing the descriptor, by libssh or by us, does the same. */
void ssh_reader_detach(int fd);
/**
 * Bytes that were received and that libssh has not been given yet, or the end that it has not been told: no event of
 * the socket will say that they are there.
 */
size_t ssh_reader_pending(int fd);
/** Did the last read of the socket get all that it had asked for? Then more is there, and the next one acknowledges. */
int ssh_reader_is_behind(int fd);

/**
 * Leads the session of `fd` from now on, if that can be now: it reads no more by itself, but is given what comes by the
 * calls below. 0: not yet, or never; the session reads as before.
 */
int ssh_reader_lead(int fd, struct ssh_session_struct *session);
/** Reads what has come on the descriptor of a led session. Returns the count of bytes. */
size_t ssh_reader_read(int fd);
/**
 * Gives a led session some of what was read: about a packet, and what belongs to it is called back. Returns how many
 * bytes it has taken; 0 = none, until more has come. Whether it has failed, its state tells.
 */
size_t ssh_reader_give(int fd, struct ssh_session_struct *session);

#endif
