/* SPDX-License-Identifier: MIT */
/**
 * @file host.h
 * What the gateway lends a transport: an event loop's worth of services, so that a plugin needs none.
 *
 * Thread: every slot is called on the lane's thread, except where "[any thread]" stands. No slot calls
 * back before it returns: completions and callbacks always come on a later turn of the lane's loop.
 * Ownership: pointers handed to a slot are borrowed until it returns, unless it says otherwise. Handles
 * that a slot returns belong to the host; when an instance is destroyed the host stops and frees all
 * that are left, without calling back.
 */
#ifndef PENSTOCK_HOST_H
#define PENSTOCK_HOST_H

#include "base.h"
#include "error.h"
#include "stream.h"

/** Log levels. */
enum penstock_log_level {
  PENSTOCK_LOG_ERROR = 1,
  PENSTOCK_LOG_WARN = 2,
  PENSTOCK_LOG_INFO = 3,
  PENSTOCK_LOG_DEBUG = 4,
  PENSTOCK_LOG_TRACE = 5
};

/** Events of a watched socket. ERROR needs not be asked for. */
enum penstock_event { PENSTOCK_EVENT_READ = 1u << 0, PENSTOCK_EVENT_WRITE = 1u << 1, PENSTOCK_EVENT_ERROR = 1u << 2 };

/** A running asynchronous step (connect, launch …). Opaque. */
typedef struct penstock_op penstock_op;
/** A watched socket. Opaque. */
typedef struct penstock_watch penstock_watch;
/** A timer. Opaque. */
typedef struct penstock_timer penstock_timer;
/** A child process that has not yet been reported as ended. Opaque. */
typedef struct penstock_process penstock_process;

/** An internet address, as resolved. */
typedef struct penstock_address {
  uint32_t struct_size; /**< sizeof(penstock_address); the stride of a list */
  uint16_t family;      /**< 4 or 6 */
  uint16_t port;        /**< host byte order */
  uint32_t scope;       /**< IPv6 scope id, else 0 */
  uint8_t bytes[16];    /**< network byte order; IPv4 uses the first four */
} penstock_address;

/** How a child process ended. Borrowed until the callback returns. */
typedef struct penstock_exit {
  uint32_t struct_size;     /**< sizeof(penstock_exit) */
  int32_t code;             /**< exit status; -1 if a signal or the time limit ended it */
  int32_t signal;           /**< number of the signal that ended it, else 0 */
  uint32_t timed_out;       /**< 1 if the host ended it because `timeout_ms` passed */
  const char *output;       /**< captured standard output, NUL-terminated */
  size_t output_size;       /**< bytes in it */
  const char *error_output; /**< captured standard error, NUL-terminated */
  size_t error_output_size; /**< bytes in it */
} penstock_exit;

/** A child process to start. Everything is copied by spawn(). */
typedef struct penstock_spawn {
  uint32_t struct_size;    /**< sizeof(penstock_spawn) */
  uint32_t timeout_ms;     /**< ended (its whole group) after this; 0 = no limit */
  const char *const *argv; /**< NULL-terminated; argv[0] is looked up in PATH */
  const char *const *env;  /**< NULL-terminated NAME=value to add to the gateway's environment; NULL = none */
  const char *cwd;         /**< working directory; NULL = the gateway's */
  const void *input;       /**< bytes for its standard input, which is then closed; NULL = empty */
  size_t input_size;       /**< bytes in it */
  size_t capture_limit;    /**< keep at most this many bytes of each output; the rest is read and dropped */
  /** Called once, when it has ended and its outputs are read. */
  void (*done)(void *context, const penstock_exit *exit);
  void *context; /**< for done */
} penstock_spawn;

/** What to ask the user. */
enum penstock_prompt_kind {
  PENSTOCK_PROMPT_SECRET = 1, /**< text that is not echoed */
  PENSTOCK_PROMPT_TEXT = 2,
  PENSTOCK_PROMPT_CONFIRM = 3 /**< yes or no: PENSTOCK_OK is yes, PENSTOCK_E_CANCELLED is no */
};

/** The host table. One for each instance, valid from create() until destroy() has returned. */
typedef struct penstock_host {
  uint32_t struct_size; /**< sizeof(penstock_host) */
  uint32_t abi_minor;   /**< PENSTOCK_ABI_MINOR of the host */
  void *impl;           /**< the host's own */
  const char *version;  /**< of the gateway, such as "0.1.0" */

  /* --- services ------------------------------------------------------------------------------- */

  /** Writes a line to the gateway's log under the profile's name. [any thread] `level`: enum penstock_log_level. */
  void (*log)(const struct penstock_host *host, uint32_t level, const char *text);
  /** Monotonic clock, nanoseconds. [any thread] */
  uint64_t (*now_ns)(const struct penstock_host *host);

  /**
   * Watches a socket, level-triggered. The socket stays the caller's and must stay open until watch_stop.
   * One watch a socket. NULL if out of memory or not a socket. `events`: enum penstock_event, may be 0.
   */
  penstock_watch *(*watch_start)(const struct penstock_host *host, penstock_socket socket, uint32_t events,
                                 void (*callback)(void *context, uint32_t events), void *context);
  /** Changes the events waited for. Cheap if they stay the same. */
  void (*watch_set)(const struct penstock_host *host, penstock_watch *watch, uint32_t events);
  /** Ends the watch and frees it; allowed in its own callback. The callback does not come again. */
  void (*watch_stop)(const struct penstock_host *host, penstock_watch *watch);

  /** Calls back after `delay_ms`, then every `repeat_ms` (0 = once; the handle is then freed after the call). NULL: no
   * memory. */
  penstock_timer *(*timer_start)(const struct penstock_host *host, uint64_t delay_ms, uint64_t repeat_ms,
                                 void (*callback)(void *context), void *context);
  /** Ends and frees a timer that has not fired for the last time; allowed in its own callback. */
  void (*timer_stop)(const struct penstock_host *host, penstock_timer *timer);

  /** Starts a child process. On failure *process is NULL, `done` never comes, and `error` says why. */
  int32_t (*spawn)(const struct penstock_host *host, const penstock_spawn *spawn, penstock_process **process,
                   penstock_error *error);
  /** Asks the child's process group to end (SIGTERM), or ends it (`force`). `done` still comes. */
  void (*process_kill)(const struct penstock_host *host, penstock_process *process, uint32_t force);

  /**
   * Resolves a name. `done` comes once with `count` addresses (borrowed), or with 0 and an error.
   * `family`: 0, 4 or 6.
   */
  int32_t (*resolve)(const struct penstock_host *host, const char *name, uint16_t port, uint32_t family,
                     void (*done)(void *context, const penstock_address *addresses, uint32_t count,
                                  const penstock_error *error),
                     void *context);
  /** Runs `work` on a worker thread, then `done` on the lane's thread, also when the instance is going away. */
  int32_t (*run_job)(const struct penstock_host *host, void (*work)(void *context), void (*done)(void *context),
                     void *context);

  /**
   * Asks the user, and blocks until the answer or the deadline: only within connect(). UNSUPPORTED if
   * there is nobody to ask. The answer is NUL-terminated in `answer`; the caller wipes it.
   * `key` names the question: a SECRET answer is kept (in locked memory) for this gateway's life and given
   * again for the same key, so that a reconnect asks nothing; NULL = always ask.
   * `kind`: enum penstock_prompt_kind.
   */
  int32_t (*prompt)(const struct penstock_host *host, uint32_t kind, const char *key, const char *question,
                    char *answer, size_t answer_size);
  /** Forgets the kept answer for `key` (it was wrong). */
  void (*prompt_forget)(const struct penstock_host *host, const char *key);
  /** Fetches the secret behind a reference (`env:NAME`, `file:PATH`, `command:CMD`, `prompt`). Blocks like prompt(). */
  int32_t (*get_secret)(const struct penstock_host *host, const char *reference, char *secret, size_t secret_size,
                        penstock_error *error);

  /** Adds to a counter of the gateway's metrics. [any thread] `name`: lower-case, `_`. */
  void (*metric_add)(const struct penstock_host *host, const char *name, int64_t delta);

  /** An optional part of the host, by name ("penstock.something/1"); NULL if it has none. */
  const void *(*get_extension)(const struct penstock_host *host, const char *name);

  /* --- steps ---------------------------------------------------------------------------------- */

  /** Completes a step: exactly once for each. `error` NULL = success. */
  void (*op_done)(const struct penstock_host *host, penstock_op *op, const penstock_error *error);
  /** Says what a step is doing, for the user ("waiting for SERVER_READY, 4 s"). */
  void (*op_progress)(const struct penstock_host *host, penstock_op *op, const char *text);
  /** A leg was passed within a step: which, how long it took, and what was found ("known_hosts:3 ED25519"). `text` may
   * be NULL. */
  void (*op_leg)(const struct penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                 const char *text);

  /* --- the link ------------------------------------------------------------------------------- */

  /** The link to the far side is gone. Once; the host then closes every stream and destroys the instance. */
  void (*link_lost)(const struct penstock_host *host, const penstock_error *error);
  /** The link is up but not well (`error` says why), or well again (NULL). */
  void (*link_degraded)(const struct penstock_host *host, const penstock_error *error);
  /** The solver that this instance launched or adopted has ended. The host applies the restart policy. */
  void (*solver_exited)(const struct penstock_host *host, const penstock_error *error);

  /* --- streams -------------------------------------------------------------------------------- */

  /** An open ends well with a connected, non-blocking stream socket, which becomes the host's. */
  void (*open_done_socket)(const struct penstock_host *host, penstock_open *open, penstock_socket socket);
  /**
   * An open ends well with a credit stream (copied). The sink returned is valid until the stream's close().
   * NULL: the host cannot take it (out of memory), the open is over, and the stream stays the transport's,
   * which frees it: close() does not come.
   */
  penstock_sink *(*open_done_credit)(const struct penstock_host *host, penstock_open *open,
                                     const penstock_credit_stream *stream);
  /**
   * An open failed. Leg ENDPOINT with class REFUSED means that nobody listens there: the host may launch
   * the solver again and hold the client meanwhile.
   */
  void (*open_failed)(const struct penstock_host *host, penstock_open *open, const penstock_error *error);

  /**
   * Delivers bytes from the far side; `size` must not exceed the credit. All are taken. Returns bytes of
   * credit granted back at once (so that the transport needs no grant() call in the common case).
   */
  uint64_t (*stream_data)(const struct penstock_host *host, penstock_sink *sink, const void *data, size_t size);
  /** The far side has ended its direction cleanly: after the last stream_data. At most once. */
  void (*stream_eof)(const struct penstock_host *host, penstock_sink *sink);
  /** write() can take more. May call write() and shutdown_write() of this stream before it returns. */
  void (*stream_writable)(const struct penstock_host *host, penstock_sink *sink);
  /** The stream is broken: the client gets an abort, close() follows on a later turn. `error` may be NULL. */
  void (*stream_reset)(const struct penstock_host *host, penstock_sink *sink, const penstock_error *error);
} penstock_host;

#endif
