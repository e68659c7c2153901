/* SPDX-License-Identifier: MIT */
/**
 * @file mux_socket.h
 * A local stream socket that is known by a path. Thread: any; nothing blocks.
 */
#ifndef TRANSPORTS_MUX_SOCKET_H
#define TRANSPORTS_MUX_SOCKET_H

#include <penstock/sdk.h>

/** Connects to the socket at `path`; the result is non-blocking and not inherited. PENSTOCK_SOCKET_NONE if nobody
 * listens there (yet). */
penstock_socket mux_socket_connect(const char *path);
void mux_socket_close(penstock_socket socket);
/** Sends `first`, then `second` (of size 0: nothing). Returns the count taken, 0 if there is no room, -1 if the other
 * side has gone. */
int64_t mux_socket_send(penstock_socket socket, const void *first, size_t first_size, const void *second,
                        size_t second_size);
/** Reads what is there. Returns the count, 0 if there is nothing yet, -1 at the end. */
int64_t mux_socket_receive(penstock_socket socket, void *data, size_t size);

#endif
