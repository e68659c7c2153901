/* SPDX-License-Identifier: MIT */
/**
 * @file bridge_win.h
 * A control connection, which is a named pipe, as a socket: streams are sockets, of which a lane's loop waits for many
 * at once. Two threads carry the bytes between the pipe and the far end of a pair of loopback sockets, each by blocking
 * on whichever is slower, so that nothing piles up. What the client sends is in frames (frames.h).
 *
 * Nothing is read from the pipe before the first byte has come out of the socket, so that a connection of which nothing
 * came is as it was. A client that has gone resets the socket; a socket that is reset ends the pipe, and whether all
 * was said is for the trailer to tell.
 *
 * Thread: any.
 */
#ifndef PS_CONTROL_BRIDGE_WIN_H
#define PS_CONTROL_BRIDGE_WIN_H

#include <penstock/sdk.h>

/** Makes one for a server's end of a pipe, which stays the caller's, with `client` the process at its other end.
 * Returns 0 with *socket, which is the caller's; or a negative code: there is no memory, socket or thread for it. */
int ps_control_bridge(HANDLE pipe, DWORD client, penstock_socket *socket);
/** Waits until the clients have read what was said to them, at most so long. For the end of the program. */
void ps_control_bridges_settle(DWORD patience_ms);

#endif
