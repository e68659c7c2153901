/* SPDX-License-Identifier: MIT */
/**
 * @file carrier.h
 * How a transport runs commands and opens sockets on the solver's machine: this machine (carrier_local.c)
 * or an SSH session (transports/common/ssh/). Runtimes are written against this, so that each carrier and
 * each runtime exists once.
 *
 * Thread: the lane's. No slot calls back before it returns.
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

typedef struct carrier_ops {
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
  /** Asks for an early end of an open. */
  void (*open_cancel)(carrier *self, penstock_open *open);
} carrier_ops;

/** First member of each kind of carrier. */
struct carrier {
  const carrier_ops *ops;
  const penstock_host *host; /**< the instance's host */
  const char *where;         /**< for messages: "this machine", "gpu01" */
};

#endif
