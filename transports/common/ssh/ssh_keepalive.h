/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_keepalive.h
 * Asks the server whether it is there. Thread: the session's.
 */
#ifndef TRANSPORTS_SSH_KEEPALIVE_H
#define TRANSPORTS_SSH_KEEPALIVE_H

#include <libssh/libssh.h>

/** Sends the question, keepalive@openssh.com, and waits for no answer: any bytes that come are one. */
void ssh_keepalive_send(ssh_session session);

#endif
