/* SPDX-License-Identifier: MIT */
/**
 * @file session.h
 * Inside of the control server: one client. Nothing outside of core/control includes this.
 */
#ifndef PS_CONTROL_SESSION_H
#define PS_CONTROL_SESSION_H

#include "base/list.h"
#include "control/place.h"
#include "control/request.h"
#include "control/server.h"

/** A client. */
typedef struct ps_control_session {
  ps_list node; /**< in ps_control_server::sessions, until its memory goes: so whoever walks over them may close any */
  ps_control_server *server;
  uv_pipe_t pipe;
  char *in;       /**< what it has sent and was not looked at; NULL = nothing */
  size_t in_size; /**< bytes in it */
  size_t in_room;
  size_t in_behind;  /**< of the line that is handled: so many follow it */
  size_t in_seen;    /**< so many of them have no end of a line */
  size_t out_size;   /**< bytes that wait for it to read */
  ps_list calls;     /**< that are not answered yet */
  size_t call_count; /**< of them */
  unsigned turn;     /**< requests in this turn */
  uint32_t kinds;    /**< events that it has subscribed to */
  uint64_t lost;     /**< events that it has missed and was not told of */
  uint64_t lost_seq; /**< … the number of the last of them */
  int reading;
  int is_lent;        /**< somebody is about to take it over: nothing is read, and nothing written */
  int ended;          /**< it has sent its end, or something after which nothing counts: closed when all is written */
  uint64_t began_ns;  /**< uv_hrtime when it came */
  uint64_t heard_ns;  /**< uv_hrtime of its last request, or when it came */
  uint64_t line_ns;   /**< … when the line began that is not whole; 0 = none */
  uint64_t moving_ns; /**< … when it last read of what waits, or that was empty */
} ps_control_session;

struct ps_control_call {
  ps_list node;                /**< in ps_control_session::calls */
  ps_control_session *session; /**< NULL: it has gone */
  ps_control_request request;
};

struct ps_control_server {
  uv_loop_t *loop;
  ps_control_options options;
  ps_control_file file;
  uv_pipe_t listener;
  uv_timer_t turn;  /**< until those who have had theirs may go on */
  uv_timer_t look;  /**< for limits of time, while there are clients */
  ps_list sessions; /**< those that are closing too */
  size_t count;     /**< … not those */
  int handles;      /**< of libuv, that are not closed yet: sessions too */
  int waits;        /**< somebody is to be accepted, and there was no place for them */
  uint64_t last_event;
  uint64_t warned_ns; /**< when a stranger was last told of */
  void (*closed)(void *context);
  void *closed_context;
};

/** Makes a client without a connection. NULL if out of memory. */
ps_control_session *ps_control_session_new(ps_control_server *server);
/** Its pipe is connected: it is greeted. */
void ps_control_session_begin(ps_control_session *session);
/** Closes it at once; it is freed on a later turn. Harmless if it is closing. */
void ps_control_session_close(ps_control_session *session);
/** The same after a last line with a fault, as far as the client takes it at once. */
void ps_control_session_expel(ps_control_session *session, const char *code, const char *what, const char *next);
/** Looks at what it has sent, as far as it may now. */
void ps_control_session_work(ps_control_session *session);
/** Writes a line; the reference is taken. */
void ps_control_session_write(ps_control_session *session, json_t *object);
/** Tells of an event, if there is room; else it counts as lost. `line` with its end, borrowed. */
void ps_control_session_tell(ps_control_session *session, const char *line, size_t size);
/** Closes it if a limit of time is over. */
void ps_control_session_look(ps_control_session *session, uint64_t now_ns);

/** server.c: somebody has had their turn; the next one is soon. */
void ps_control_server_next_turn(ps_control_server *server);
/** server.c: a handle was closed. */
void ps_control_server_released(ps_control_server *server);

#endif
