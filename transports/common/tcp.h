/* SPDX-License-Identifier: MIT */
/**
 * @file tcp.h
 * Connecting a TCP socket without blocking; the platform is behind it. Thread: any.
 */
#ifndef TRANSPORTS_TCP_H
#define TRANSPORTS_TCP_H

#include <penstock/sdk.h>

/** What became of an attempt to connect. */
typedef enum tcp_result {
  TCP_CONNECTED,
  TCP_PENDING,     /**< wait until it is writable, then ask tcp_connect_result */
  TCP_REFUSED,     /**< nobody listens there */
  TCP_UNREACHABLE, /**< no way there, or no answer */
  TCP_LIMIT,       /**< this machine is out of descriptors, ports or memory */
  TCP_FAILED       /**< something else */
} tcp_result;

/** Reads a numeric host ("127.0.0.1", "::1"). Returns 0 with `address` filled in, else PENSTOCK_E_NOT_FOUND. */
int tcp_parse(const char *host, uint16_t port, penstock_address *address);
/** Writes the host of `address` so that equal addresses have equal texts. */
void tcp_format(const penstock_address *address, char *host, size_t size);

/**
 * Starts to connect. The socket is non-blocking, not inherited, with TCP_NODELAY; it is the caller's with
 * TCP_CONNECTED and TCP_PENDING, else there is none. `*error_number` says why it failed, for tcp_error_text.
 */
tcp_result tcp_connect_start(const penstock_address *address, penstock_socket *socket, int *error_number);
/** How a pending connect ended; TCP_PENDING if it has not. The socket stays open. */
tcp_result tcp_connect_result(penstock_socket socket, int *error_number);
void tcp_close(penstock_socket socket);

/** The platform's words for an error number. */
void tcp_error_text(int error_number, char *text, size_t size);

#endif
