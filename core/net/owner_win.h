/* SPDX-License-Identifier: MIT */
/**
 * @file owner_win.h
 * Which process a TCP socket of this machine belongs to, as the system's table of connections has it.
 * Thread: any.
 */
#ifndef PS_OWNER_WIN_H
#define PS_OWNER_WIN_H

#include <penstock/sdk.h>

/** The process that has the socket whose own address is `near` and whose peer is `far`; 0 if there is none such. */
DWORD ps_owner_of_connection(const struct sockaddr_storage *near, const struct sockaddr_storage *far);
/** The process that listens on a port, on whatever address; 0 if none does. */
DWORD ps_owner_of_port(uint16_t port);
/** Is it a process of this user? 1, 0 (also for one that may not be looked at: another user's, or one of this user's
 * that runs as administrator while we do not), or -1 if that cannot be known. */
int ps_owner_is_us(DWORD pid);
/** The name of a process's program, without its folder; 0 if it is not known. */
int ps_owner_name(DWORD pid, char *name, size_t size);

#endif
