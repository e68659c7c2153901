/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_pump.h
 * Joins a credit stream (a channel of a host on the way) to a socket (over which the next host's session runs), both
 * ways and with bounded memory: neither side is read while the other does not take what is there.
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_PUMP_H
#define TRANSPORTS_SSH_PUMP_H

#include <penstock/sdk.h>

typedef struct ssh_pump ssh_pump;

/** Makes one of `stream` (copied) and `socket`; both become the pump's, unless it is NULL (out of memory). */
ssh_pump *ssh_pump_create(const penstock_host *host, const penstock_credit_stream *stream, penstock_socket socket);
/** Begins. Not from inside a call of the stream's owner. Returns 0, or a negative code if the socket cannot be watched.
 */
int ssh_pump_start(ssh_pump *pump);
/** Gives the stream back and closes the socket. NULL is fine. Not from inside a call of the stream's owner. */
void ssh_pump_destroy(ssh_pump *pump);

/** penstock_host::stream_data. */
uint64_t ssh_pump_data(ssh_pump *pump, const void *data, size_t size);
/** penstock_host::stream_eof: the socket's reader sees an end once it has everything. */
void ssh_pump_eof(ssh_pump *pump);
/** penstock_host::stream_writable. */
void ssh_pump_writable(ssh_pump *pump);
/** penstock_host::stream_reset: the socket is closed at once. */
void ssh_pump_reset(ssh_pump *pump);

#endif
