/* SPDX-License-Identifier: MIT */
/**
 * @file net.h
 * Sockets, as the gateway uses them: non-blocking, not inherited, TCP_NODELAY. The platform is behind it.
 */
#ifndef PS_NET_H
#define PS_NET_H

#include <penstock/sdk.h>

/** Results of ps_net_read, ps_net_write and ps_net_accept besides a count or a socket. */
enum {
  PS_NET_AGAIN = -1,  /**< would block */
  PS_NET_BROKEN = -2, /**< the connection was reset, or is otherwise of no more use */
  PS_NET_LIMIT = -3   /**< accept only: out of descriptors or memory */
};

/**
 * Listens on "host:port" ("[v6]:port"; port 0 = any free one). `bound` gets the address with the real
 * port. On failure returns a negative code with `error` (leg LOCAL), which names who holds a taken port.
 */
int ps_net_listen(const char *address, penstock_socket *listener, char *bound, size_t bound_size,
                  penstock_error *error);
/** Takes "host:port" or "[v6]:port" apart. Returns 0, or -1 if it is neither or does not fit. */
int ps_net_split_address(const char *address, char *host, size_t host_size, char *port, size_t port_size);
/** Is the host name `localhost`, which means the loopback interface whatever a name service says (RFC 6761, 6.3)? */
int ps_net_is_localhost(const char *host);
/** Does the address name a loopback interface (127.0.0.0/8, ::1, localhost)? */
int ps_net_is_loopback(const char *address);
/** Is a listening socket bound to the address (port 0 = any port)? */
int ps_net_is_bound_to(penstock_socket listener, const char *address);
/** Connects to "host:port" and blocks until it is done or `timeout_ms` is over. For the command line. */
int ps_net_connect(const char *address, int timeout_ms, penstock_socket *socket, penstock_error *error);
/** Blocks until the socket can be read (or, `to_write`, written) or has failed: 1; or `timeout_ms` is over: 0. For the
 * command line. */
int ps_net_wait(penstock_socket socket, int to_write, int timeout_ms);

/** Nobody listens any more, whatever other descriptors there are for the socket; waiting connections are reset. Where
 * the system cannot do that, closing the last descriptor does. */
void ps_net_unlisten(penstock_socket listener);
/** Another descriptor for a socket; PENSTOCK_SOCKET_NONE if there is none. */
penstock_socket ps_net_duplicate(penstock_socket socket);
/** Accepts one connection. Returns a socket, PS_NET_AGAIN, PS_NET_BROKEN (that one is gone, go on) or PS_NET_LIMIT. */
penstock_socket ps_net_accept(penstock_socket listener);
/** A connected pair of local stream sockets. Returns 0 or a negative code. */
int ps_net_pair(penstock_socket pair[2]);

/** Reads: a count, 0 at the end of the direction, or a code from above. */
long ps_net_read(penstock_socket socket, void *buffer, size_t size);
/** Writes: a count, or a code from above. Never raises a signal. */
long ps_net_write(penstock_socket socket, const void *data, size_t size);
/** Was the connection reset, or did it fail otherwise? Tells it once: whoever asks must act on it. */
int ps_net_broken(penstock_socket socket);
/** What ps_net_read of one byte would say; the byte stays. */
long ps_net_peek(penstock_socket socket);
/** Ends our direction (FIN). */
void ps_net_shutdown_write(penstock_socket socket);
/** Ends both directions, for all descriptors of the socket. */
void ps_net_shutdown(penstock_socket socket);
/** Of a local socket (AF_UNIX): has the peer closed it? Then what goes there goes nowhere. 0 for others, which cannot
 * know. */
int ps_net_hung_up(penstock_socket socket);
/** Bytes written that the peer has not acknowledged; 0 where that cannot be known. */
size_t ps_net_unsent(penstock_socket socket);
/** Closes in the ordinary way (FIN). */
void ps_net_close(penstock_socket socket);
/** Closes abruptly (RST): the peer must not take it for a clean end. */
void ps_net_reset(penstock_socket socket);
/** TCP_NODELAY on a socket that may be no TCP socket. */
void ps_net_nodelay(penstock_socket socket);
/** A socket's own address as text. */
void ps_net_own_name(penstock_socket socket, char *text, size_t size);
/** The peer's address as text, for the log. */
void ps_net_peer_name(penstock_socket socket, char *text, size_t size);

/** Whose process is at the other end of an accepted connection. */
typedef enum ps_peer {
  PS_PEER_OWN,     /**< the user's own, or root's */
  PS_PEER_OTHER,   /**< somebody else's: `uid` says whose */
  PS_PEER_UNKNOWN, /**< the kernel could not say (it has gone, or is in another network namespace) */
  PS_PEER_REMOTE   /**< not on this machine */
} ps_peer;

/** Where the kernel is asked; kept from one question to the next. */
typedef struct ps_peers {
  penstock_socket socket; /**< PENSTOCK_SOCKET_NONE if there was no descriptor for it */
  uint32_t asked;         /**< questions so far */
} ps_peers;

void ps_peers_init(ps_peers *peers);
void ps_peers_clear(ps_peers *peers);
/** Asks the kernel. [any thread, one at a time] */
ps_peer ps_net_peer(ps_peers *peers, penstock_socket accepted, uint32_t *uid);

/** Raises the limit of open descriptors as far as it goes; returns what it is now. */
size_t ps_net_raise_limit(void);
/** Who listens on a local TCP port. */
typedef struct ps_port_owner {
  char text[160];           /**< "'nginx' (pid 123)", or "a program of user id 0" if that is all that may be known */
  int publishes_containers; /**< it is a program by which a container engine publishes ports */
  int is_penstock;          /**< it is one of us */
  int is_socket_unit;       /**< it is this user's systemd, for a socket unit: most likely that of penstock */
} ps_port_owner;

/** Finds who listens on a local TCP port. Returns 0 if it was found. */
int ps_net_port_owner(uint16_t port, ps_port_owner *owner);

#endif
