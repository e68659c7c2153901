/* SPDX-License-Identifier: MIT */
/**
 * @file script_stream.h
 * How a command that carries a stream (carrier_ops::open_command) says that the stream is open, or why it is not.
 *
 * Before any byte of the stream, its standard output has one line, made by the script:
 *   "penstock-stream: open\n"           the stream's bytes follow; from now on standard input is the stream's, too
 *   "penstock-stream: refused TEXT\n"   nobody listens there: leg ENDPOINT, class REFUSED
 *   "penstock-stream: failed TEXT\n"    it cannot be opened: leg ENDPOINT, class TRANSIENT
 * Nothing may come before it. Standard error is kept (its end) for messages, and never part of the stream. A command
 * that ends without such a line failed; its standard error says why.
 *
 * A carrier sends no byte of the stream before that line has come: a shell may read ahead on its standard input.
 *
 * Pure. Thread: any.
 */
#ifndef TRANSPORTS_SCRIPT_STREAM_H
#define TRANSPORTS_SCRIPT_STREAM_H

#include <penstock/sdk.h>

/** Longest such line in bytes. What goes on without a newline is no such line. */
#define SCRIPT_STREAM_LINE_MAX 1024

typedef enum script_stream_state {
  SCRIPT_STREAM_UNKNOWN, /**< more bytes are needed */
  SCRIPT_STREAM_OPEN,
  SCRIPT_STREAM_REFUSED,
  SCRIPT_STREAM_FAILED /**< also: this is no such line */
} script_stream_state;

/**
 * Reads the first line of `size` bytes of output. `used`: bytes up to and with the newline; what follows is the
 * stream's. `error` is filled in for REFUSED and FAILED; `where` (carrier::where) is for its words.
 */
script_stream_state script_stream_read(const char *output, size_t size, const char *where, size_t *used,
                                       penstock_error *error);

#endif
