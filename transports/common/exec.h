/* SPDX-License-Identifier: MIT */
/**
 * @file exec.h
 * Commands where the solver lives (penstock/exec.h), over any carrier: the command is made into a script for
 * carrier_ops::open_command, which says at its end how it went (sh/exec.sh).
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_EXEC_H
#define TRANSPORTS_EXEC_H

#include "common/carrier.h"
#include "common/script.h"

/** Opens a stream to a command on the carrier (penstock_exec_ext::open_command). */
void exec_open_command(carrier *where, penstock_open *open, const penstock_command *command, uint64_t deadline_ms);
/**
 * Opens a stream to what the function `ps_command` of the script `s` runs, see sh/exec.sh; `s` becomes this one's, and
 * may have said already, in the words of script_stream.h, that there is no such stream. Of `command`, mark, token and
 * flags count.
 */
void exec_open(carrier *where, penstock_open *open, script *s, const penstock_command *command, uint64_t deadline_ms);
/** Ends what the carrier's machine has left of the command with this token; whether that went well is only logged. */
void exec_end(carrier *where, const char *token);

#endif
