/* SPDX-License-Identifier: MIT */
/**
 * @file exec.h
 * Optional part of a transport, "penstock.exec/1": for one that can run a command where the solver lives, and knows
 * where the solver's log is. The command's standard input and output are a stream like any other.
 *
 * A stream can say that it has ended, but not how its command did, and it is one where a command has two outputs. So
 * what comes out of it ends with a trailer, behind the last byte of the command's output:
 *
 *     MARK STATUS SIZE\n
 *     … SIZE bytes: the end of what the command said on standard error, unless that was merged
 *
 * MARK is the host's (penstock_command::mark) and cannot be guessed, STATUS is 0 to 255 in decimal, 128 + N for a
 * command that signal N ended, 127 for one that is not there, 126 for one that cannot be run. Then the far end reads
 * and drops what still comes, until the host has ended its direction; then it ends the stream. A stream that ends
 * without a whole trailer is one that broke.
 */
#ifndef PENSTOCK_EXEC_H
#define PENSTOCK_EXEC_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_EXEC "penstock.exec/1"

/** Flags of a command. */
enum {
  PENSTOCK_COMMAND_MERGE = 1, /**< standard error goes where standard output goes; the trailer's SIZE is 0 */
  PENSTOCK_COMMAND_FOLLOW = 2 /**< of a log: go on with what is added to it, also in a new file of its name */
};

/** What is to be run. Borrowed until the call returns. */
typedef struct penstock_command {
  uint32_t struct_size;    /**< sizeof(penstock_command) */
  uint32_t flags;          /**< PENSTOCK_COMMAND_… */
  const char *const *argv; /**< the program, found as a login there finds it, and its arguments; NULL-terminated. NULL
                              for a log. Nothing in it may come to mean anything to a shell */
  uint32_t lines;          /**< of a log: how many of its last lines come first */
  uint32_t reserved;       /**< 0 */
  const char *mark;        /**< what the trailer begins with; printable ASCII without spaces, at most 64 bytes */
  const char *token;       /**< 32 hexadecimal digits: in the command's environment as PENSTOCK_EXEC, by which it and
                                all that it starts are known */
} penstock_command;

/** The extension. All slots are called on the lane's thread, on a connected instance. */
typedef struct penstock_exec_ext {
  uint32_t struct_size; /**< sizeof(penstock_exec_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * Runs a command where the solver lives, whether or not that runs. Ends as penstock_transport::open_stream does, and
   * cancel_open is for both: the stream is open when the command is about to be started. That a command cannot be
   * run at all there is an error of leg EXEC or CONTAINER; it says nothing of the solver.
   */
  void (*open_command)(penstock_instance *instance, penstock_open *open, const penstock_command *command,
                       uint64_t deadline_ms);
  /** The same for the end of the solver's log. May be NULL. */
  void (*open_log)(penstock_instance *instance, penstock_open *open, const penstock_command *command,
                   uint64_t deadline_ms);
  /**
   * Whoever wanted the command with this token is gone: ends what is left of it, soon, if anything is. Returns at once.
   * It may be of a stream of an earlier instance. May be NULL.
   */
  void (*end_command)(penstock_instance *instance, const char *token);
} penstock_exec_ext;

#endif
