/* SPDX-License-Identifier: MIT */
/**
 * @file far_command.h
 * A command where the solver lives, by way of a gateway that runs: for exec, gpus and logs.
 * Thread: the main thread.
 */
#ifndef PS_FAR_COMMAND_H
#define PS_FAR_COMMAND_H

#include <jansson.h>

#include "cli/trailer.h"

/** What is wanted. */
typedef struct ps_far_command {
  const char *gateway; /**< the profile, or PROFILE@PORT; NULL: the only one */
  const char *request; /**< "exec" or "solver_log" */
  json_t *fields;      /**< of the request, borrowed */
  int takes_input;     /**< standard input is the command's */
  ps_trailer_emit *emit;
  void *context;
} ps_far_command;

/** What has come of it. */
typedef struct ps_far_end {
  int has_begun;  /**< the command ran */
  int status;     /**< of the command, 0 to 255 */
  ps_text errors; /**< the end of its standard error; free() its data */
} ps_far_end;

/** An emit that writes to standard output. It says why it cannot, unless nobody reads there any more. */
int ps_far_to_stdout(void *context, const void *data, size_t size);

/**
 * Runs it to its end. Returns 0 with `end`; PENSTOCK_E_CANCELLED or PENSTOCK_E_LIMIT, without an error, if `emit` would
 * take no more and has returned that; or another negative code with `error`: it could not be run, or was cut off. The
 * end's texts are to be freed in all cases.
 */
int ps_far_run(const ps_far_command *command, ps_far_end *end, penstock_error *error);

/**
 * Moves standard input (if `takes_input`) to the control connection `socket`, and what comes from there to the trailer,
 * until that is whole, or nothing more comes. Returns 0, or what ps_trailer_feed has returned.
 */
int ps_far_pump(penstock_socket socket, int takes_input, ps_trailer *trailer, ps_trailer_emit *emit, void *context);
/** After it: ends our direction, on which the far end ends the stream, and waits for that for at most 2 s. So it is one
 * that ended, for the gateway too. */
void ps_far_farewell(penstock_socket socket);

#endif
