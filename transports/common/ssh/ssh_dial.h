/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_dial.h
 * The TCP connection below an SSH session: every address of the host is tried in turn.
 *
 * Sockets are non-blocking, not inherited, and carry TCP_NODELAY.
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_DIAL_H
#define TRANSPORTS_SSH_DIAL_H

#include <penstock/sdk.h>

/** Room for an address and port as text, with the NUL. */
#define DIAL_TEXT_SIZE 80

/** From where, and how. Text is borrowed. All zero: as the system likes, without probes of the kernel's. */
typedef struct dial_options {
  uint32_t family;            /**< 0, 4 or 6 */
  const char *bind_address;   /**< the source address, or a name of it; NULL = any */
  const char *bind_interface; /**< the source address is this interface's; NULL = any */
  int keepalive;              /**< the kernel asks a silent peer whether it is there */
} dial_options;

/**
 * Starts to connect. Returns 0 with `*socket` (connected, or on its way: wait for writable), the system's number of an
 * error (errno; on Windows, Winsock's), or the negative of one if the source address of `options` is not to be had.
 */
int dial_start(const penstock_address *address, const dial_options *options, penstock_socket *socket);
/** Asks how a connect that has become writable ended: 0, or the system's number of an error. */
int dial_result(penstock_socket socket);
/** The system's words for its number of an error, written to `text`, which is returned. */
const char *dial_reason(int code, char *text, size_t size);

/** A socket that is waited for. */
typedef struct dial_poller {
  penstock_socket socket; /**< PENSTOCK_SOCKET_NONE is passed over */
  uint32_t events;        /**< enum penstock_event */
  uint32_t ready;         /**< what it is ready for; out */
} dial_poller;
/** Nothing waits for longer than this. */
enum { DIAL_POLL_MAX_MS = 600000 };
/** Waits until one of them is ready. Returns more than 0 if one is, 0 when the time is over. */
int dial_poll_all(dial_poller *pollers, size_t count, uint64_t timeout_ms);
/** Waits until a socket is ready for one of `events` (enum penstock_event). Returns 1 if it is, 0 when the time is
 * over. */
int dial_poll(penstock_socket socket, uint32_t events, uint64_t timeout_ms);
/** The first bytes that have come and not been read, NUL-terminated; they stay unread. "" if there are none. */
void dial_peek(penstock_socket socket, char *text, size_t size);
/** Closes a socket. */
void dial_close(penstock_socket socket);

/** Writes "192.0.2.1:22", "[2001:db8::1]:22". */
void dial_text(const penstock_address *address, char text[DIAL_TEXT_SIZE]);
/** Resolves a name, and blocks. Returns the count of `addresses` filled in, 0 with `error` (leg DNS). */
uint32_t dial_resolve(const char *host, uint16_t port, uint32_t family, penstock_address *addresses, uint32_t room,
                      penstock_error *error);

/** The error of a name that does not resolve; `reason` is the resolver's word for it. */
void dial_name_error(penstock_error *error, const char *host, const char *reason);
/** The error of a host that no address of was reached; `code` is what dial_start or dial_result returned. */
void dial_connect_error(penstock_error *error, const char *host, const char *address, const dial_options *options,
                        int code);

/** Makes the kernel give up a peer that leaves data, or questions of the kernel's own, unanswered for this long, where
 * it can. */
void dial_set_timeout(penstock_socket socket, uint32_t timeout_ms);
/** Sends the next acknowledgements at once, where the kernel can. To be said again after each read. */
void dial_quick_ack(penstock_socket socket);
/** Has the socket be readable only once it has `bytes`, or has ended; 1 = as usual. Returns 0 where the system cannot.
 */
int dial_set_least(penstock_socket socket, uint32_t bytes);
/** Makes a socket non-blocking (again). */
void dial_set_nonblocking(penstock_socket socket);
/** Two sockets that are joined to each other, non-blocking and not inherited. Returns 0, or the system's number of an
 * error. */
int dial_pair(penstock_socket pair[2]);
/** What dial_send and dial_receive return if nothing can be done now. */
enum { DIAL_AGAIN = -1, DIAL_BROKEN = -2 };
/** Sends. Returns the count, DIAL_AGAIN or DIAL_BROKEN. */
int64_t dial_send(penstock_socket socket, const void *data, size_t size);
/** Receives. Returns the count, 0 at the end, DIAL_AGAIN or DIAL_BROKEN. */
int64_t dial_receive(penstock_socket socket, void *data, size_t size);
/** Ends the direction to the peer. */
void dial_shut(penstock_socket socket);
/** Another descriptor of the same socket; PENSTOCK_SOCKET_NONE if there are no more. */
penstock_socket dial_duplicate(penstock_socket socket);

#endif
