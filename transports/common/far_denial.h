/* SPDX-License-Identifier: MIT */
/**
 * @file far_denial.h
 * The words for a connection that an SSH server would not make (RFC 4254, 5.1), whoever carries the session.
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_FAR_DENIAL_H
#define TRANSPORTS_FAR_DENIAL_H

#include <penstock/sdk.h>

/** A reason of our own: there was no session to open a channel in. The text says why. */
#define FAR_DENIAL_NO_SESSION UINT32_C(0x80000000)

/**
 * Fills in `error` (leg ENDPOINT; class REFUSED only if nobody listens). `where`: the SSH server's host; `server`: what
 * it calls itself, may be NULL; `host`, `port`: what it was to connect to; `code`, `text`: the reason that it gave, 0
 * and "" if none.
 */
void far_denial_error(penstock_error *error, const char *where, const char *server, const char *host, uint16_t port,
                      unsigned code, const char *text);

#endif
