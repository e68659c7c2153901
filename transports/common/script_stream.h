/* SPDX-License-Identifier: MIT */
/**
 * @file script_stream.h
 * How a command that carries a stream (carrier_ops::open_command) says that the stream is open, or why it is not.
 *
 * Before any byte of the stream, its standard output has one line, made by the script:
 *   "penstock-stream: open\n"           the stream's bytes follow; from now on standard input is the stream's, too
 *   "penstock-stream: refused TEXT\n"   nobody listens there: leg ENDPOINT, class REFUSED
 *   "penstock-stream: failed TEXT\n"    it cannot be opened: leg ENDPOINT, class TRANSIENT
 *   "penstock-stream: impossible TEXT\n"  the same, and no later try will do better: class CONFIG, in these words alone
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

/**
 * A script for a shell that may have printed something before, and that reads it from the standard input which is the
 * stream's afterwards: it is read to its end before any of it runs, and no byte beyond. It prints a mark made of
 * `nonce` (script.h) before all else. Returns text to free(), NULL if out of memory.
 */
char *script_stream_wrap(const char *body, size_t size, const char *nonce, size_t *wrapped_size);
/** What such a script printed after its mark, within `size` bytes of output; NULL if the mark is not there yet. */
const char *script_stream_begin(const char *output, size_t size, const char *nonce);

/** How a command ended. */
typedef struct script_stream_end {
  int status;         /**< exit status; negative: it was ended by a signal, or nobody said */
  const char *signal; /**< name or number of the signal; "" = none */
  const char *errors; /**< the end of its standard error */
} script_stream_end;

/**
 * The error of a command that ended before it had said that the stream is open (`is_open` 0: leg ENDPOINT, class
 * TRANSIENT), or ended in another way than with status 0 after that (leg STREAM, class TRANSIENT).
 */
void script_stream_ended(const char *where, int is_open, const script_stream_end *end, penstock_error *error);

/** Puts what a command said on standard error into an error's detail, fit to be shown. */
void script_stream_detail(const char *errors, penstock_error *error);

/** Bytes that are kept of a command's standard error. */
#define SCRIPT_STREAM_TAIL 2048

/** The end of a text that goes on and on. Zero-initialise. */
typedef struct script_stream_tail {
  char text[SCRIPT_STREAM_TAIL + 1]; /**< NUL-terminated */
  size_t size;
} script_stream_tail;

/** Adds to it, and lets go of the oldest bytes. A NUL becomes a '?'. */
void script_stream_keep(script_stream_tail *tail, const void *data, size_t size);

#endif
