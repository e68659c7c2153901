/* SPDX-License-Identifier: MIT */
/**
 * @file server.h
 * The gateway's end of the control socket: clients, their requests, events for those who subscribe.
 *
 * Promises: a line is answered by a result or an error, never by silence; no client can grow the memory, hold up the
 * loop or keep others out, whatever it sends or does not read (`ps_control_limits` are the bounds); a subscriber that
 * is too slow loses events, and is told how many.
 *
 * Thread: that of the loop.
 */
#ifndef PS_CONTROL_SERVER_H
#define PS_CONTROL_SERVER_H

#include <uv.h>

#include "control/control.h"

typedef struct ps_control_server ps_control_server;

/** Bounds of what clients may cost. */
typedef struct ps_control_limits {
  size_t clients;    /**< at once; half of them may subscribe. A newcomer takes the place of whoever has been silent, or
                        has asked without end, for longest; or waits until there is such a one */
  uint64_t grace_ms; /**< … for so long at least */
  size_t backlog;    /**< bytes that wait for a client to read: beyond it events are lost, and it is not read from */
  unsigned requests; /**< of one client in `turn_ms`; the rest waits in its socket */
  size_t calls;      /**< of one client that are not answered yet; likewise */
  uint64_t turn_ms;
  uint64_t line_ms;  /**< from the first byte of a line to its end; else it is closed */
  uint64_t quiet_ms; /**< of a client that asks nothing and has not subscribed; likewise */
  uint64_t write_ms; /**< in which a client reads something of what waits for it; likewise */
  uint64_t look_ms;  /**< how often that is looked after */
} ps_control_limits;

/** What docs/CONTROL.md says. */
extern const ps_control_limits ps_control_usual_limits;

/** What a server serves. Borrowed for its life. */
typedef struct ps_control_options {
  const ps_control_table *table;
  const char *const *events;       /**< kinds of events, NULL-terminated, at most 32 */
  json_t *(*greet)(void *context); /**< what the greeting says of the gateway: a new reference */
  void *context;                   /**< for `greet` and the handlers */
  const ps_control_limits *limits;
  const char *source; /**< for the log */
} ps_control_options;

/** Makes a server without clients. NULL if out of memory. */
ps_control_server *ps_control_server_open(uv_loop_t *loop, const ps_control_options *options);
/**
 * Binds it to the socket of the name (place.h) and accepts from now on. Returns 0 or a negative code with `error`; the
 * server is of use without it for those who are handed over.
 */
int ps_control_server_listen(ps_control_server *server, const char *name, penstock_error *error);
/** Hands over a connected socket, which becomes the server's; it is closed if there is no place for it. */
void ps_control_server_adopt(ps_control_server *server, penstock_socket connected);
/** Takes the socket's name away, so that nobody comes any more; for a process that ends without its loop. */
void ps_control_server_unlink(ps_control_server *server);
/** Ends it: all clients are closed. `closed` (optional) comes on a later turn, with the server freed. */
void ps_control_server_close(ps_control_server *server, void (*closed)(void *context), void *context);
/** How many clients there are. */
size_t ps_control_server_clients(const ps_control_server *server);

/** Tells those who subscribed to the kind (its place in `events`). `fields` is an object, whose reference is taken. */
void ps_control_publish(ps_control_server *server, unsigned kind, json_t *fields);

/** Has anybody subscribed to the kind? */
int ps_control_server_tells(const ps_control_server *server, unsigned kind);

/* --- a request that is to be answered ------------------------------------------------------------ */

/** The number in a field; `otherwise` if it is not given. */
int64_t ps_control_int(const ps_control_call *call, const char *field, int64_t otherwise);
/** The text in a field, borrowed until the call is answered; NULL if it is not given. */
const char *ps_control_text(const ps_control_call *call, const char *field);
/** The texts in a field, borrowed until the call is answered: how many, and the one at a place; 0 and NULL if there are
 * none. */
size_t ps_control_text_count(const ps_control_call *call, const char *field);
const char *ps_control_text_at(const ps_control_call *call, const char *field, size_t place);
/** The words of a field as bits of their places in its list; `otherwise` if it is not given. */
uint32_t ps_control_words(const ps_control_call *call, const char *field, uint32_t otherwise);
/** From now on the client hears of events of these kinds (bits) too; returns all that it hears of. 0: there is no place
 * for another subscriber. */
uint32_t ps_control_subscribe(ps_control_call *call, uint32_t kinds);
/** The number of the last event that was published. */
uint64_t ps_control_last_event(const ps_control_call *call);
/** Answers; the reference is taken and the call freed. Now or later; a client that has gone meanwhile does not matter.
 */
void ps_control_answer(ps_control_call *call, json_t *result);
/** Refuses, likewise. */
void ps_control_refuse(ps_control_call *call, const ps_control_fault *fault);

/* --- a connection that becomes something else ----------------------------------------------------- */

/**
 * Lends the connection to somebody who is going to take it over: *socket is a descriptor of their own, which does not
 * block. Nothing is read from it or written to it here until the call is refused, which gives the connection back, or
 * ps_control_taken. Returns 0; or a negative code with `fault`: the client has gone, or has something else to be
 * answered or told of, or has sent more than the line.
 */
int ps_control_lend(ps_control_call *call, penstock_socket *socket, ps_control_fault *fault);
/** The line that answers the call, for whoever takes the connection over; `result` is taken. To free(); NULL if out of
 * memory. */
char *ps_control_line(const ps_control_call *call, json_t *result);
/** It was taken over: the client is not ours any more. The call is freed. */
void ps_control_taken(ps_control_call *call);

#endif
