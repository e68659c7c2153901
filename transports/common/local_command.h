/* SPDX-License-Identifier: MIT */
/**
 * @file local_command.h
 * Streams to commands on this machine (carrier_ops::open_command). Thread: the lane's.
 */
#ifndef TRANSPORTS_LOCAL_COMMAND_H
#define TRANSPORTS_LOCAL_COMMAND_H

#include <penstock/sdk.h>

#include "common/local_shell.h"

/** One stream. Opaque. */
typedef struct local_command local_command;

/** All of them. Zero-initialise, and fill in what stands before `first`. */
typedef struct local_commands {
  const penstock_host *host;
  const char *where; /**< carrier::where */
  const local_shell *shell;
  local_command *first;
  uint8_t *scratch; /**< what is read passes through here */
} local_commands;

/** Begins one; may complete `open` before it returns. `script` as of open_command. `deadline_ms` 0 = none. */
void local_command_begin(local_commands *all, penstock_open *open, const char *script, size_t size,
                         uint64_t deadline_ms);
/** Ends one early that is opening, completing `open` with class CANCELLED. Nothing if it is not there. */
void local_command_cancel(local_commands *all, penstock_open *open);
/** Ends all commands and frees all; calls nothing back. */
void local_command_clear(local_commands *all);

#endif
