/* SPDX-License-Identifier: MIT */
/**
 * @file carrier.h
 * How a transport runs commands and opens sockets on the solver's machine: this machine (carrier_local.c),
 * an SSH session (transports/common/ssh/), or a container on top of one of them (transports/common/container/).
 * Runtimes are written against this, so that each carrier and each runtime exists once.
 *
 * Thread: the lane's. No slot calls back before it returns, but connect and those that complete an open.
 */
#ifndef TRANSPORTS_CARRIER_H
#define TRANSPORTS_CARRIER_H

#include <penstock/sdk.h>

typedef struct carrier carrier;

/**
 * How a script ended. Borrowed until the callback returns. `output` is what the script printed between its
 * begin and end marks (see script.h), so that a noisy login shell adds nothing to it.
 */
typedef struct carrier_result {
  const penstock_error *error; /**< the script could not be run, or was cut off: leg EXEC (or the link's); else NULL */
  int32_t code;                /**< exit status of the script */
  const char *output;          /**< standard output, NUL-terminated */
  size_t output_size;
  const char *error_output; /**< standard error, NUL-terminated; for messages */
} carrier_result;

/** A script that runs. Opaque; gone once its callback has been called. */
typedef struct carrier_run carrier_run;

/** A step of a carrier has ended: `error` (borrowed) says how it failed, NULL = it did not. */
typedef void carrier_done(void *context, const penstock_error *error);

typedef struct carrier_ops {
  /**
   * Makes the connection (see penstock_transport::connect). Legs and progress are told for `op`, which is not completed
   * here: `done` comes exactly once unless the carrier is destroyed before, maybe before connect returns. NULL: there
   * is no connection to make.
   */
  void (*connect)(carrier *self, penstock_op *op, uint64_t deadline_ms, carrier_done *done, void *context);
  /** Asks a connect for `op` to end early; `done` still comes. Nothing if no such connect runs. NULL as connect. */
  void (*connect_cancel)(carrier *self, penstock_op *op);
  /** Ends everything and frees the carrier; calls nothing back. */
  void (*destroy)(carrier *self);
  /**
   * Runs a POSIX sh script there: `/bin/sh -s` gets `script` (copied) on its standard input, so no text of ours passes
   * the user's login shell. `done` comes exactly once unless the carrier is destroyed before. Returns NULL, with
   * `error`, if it cannot start.
   */
  carrier_run *(*run)(carrier *self, const char *script, size_t script_size, uint64_t timeout_ms,
                      void (*done)(void *context, const carrier_result *result), void *context, penstock_error *error);
  /** Ends a running script early; `done` still comes, with class CANCELLED. */
  void (*run_cancel)(carrier *self, carrier_run *run);
  /** Opens a stream to host:port as seen from there, completing `open` (see penstock_transport::open_stream). */
  void (*open)(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms);
  /**
   * Opens a stream to the standard input and output of a command there, completing `open`. `script` (copied) is POSIX
   * sh: it says whether the stream is open as script_stream.h describes, and becomes the command. Nothing of it passes
   * the user's login shell. A command that ends with another status than 0, or by a signal, breaks the stream: what it
   * sent is never shown as complete. NULL: this carrier cannot.
   */
  void (*open_command)(carrier *self, penstock_open *open, const char *script, size_t script_size,
                       uint64_t deadline_ms);
  /** Asks for an early end of either kind of open. */
  void (*open_cancel)(carrier *self, penstock_open *open);
  /** Would a stream that is opened now cost something while nobody uses it, such as a process? NULL: no. */
  int (*streams_cost)(const carrier *self);
  /** A path of the profile as commands there take it, to free(); NULL if memory is out. NULL: as it is. */
  char *(*path)(const carrier *self, const char *path);
} carrier_ops;

/** First member of each kind of carrier. */
struct carrier {
  const carrier_ops *ops;
  const penstock_host *host; /**< the instance's host */
  carrier *below;            /**< the one that this one rests on and ends with itself; NULL: none */
  const char *where;         /**< for messages: "this machine", "gpu01", "container 'ppf' on gpu01" */
  const char *shell;         /**< the command that runs scripts there, if that is not simply /bin/sh; NULL: it is */
};

#endif
