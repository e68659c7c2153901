/* SPDX-License-Identifier: MIT */
/**
 * @file command.h
 * A command where the solver lives, instead of the endpoint: what somebody who came over the control socket wants. Its
 * stream is like any other; but it wants no solver, waits for nothing, is tried once, and says nothing of the solver.
 */
#ifndef PS_COMMAND_H
#define PS_COMMAND_H

#include "base/list.h"
#include <penstock/sdk.h>

/** Size of a token with its NUL. */
#define PS_COMMAND_TOKEN_SIZE 33
/** Size of a mark with its NUL. */
#define PS_COMMAND_MARK_SIZE 48

typedef struct ps_command {
  ps_list node; /**< in the lane's, once it has a stream */
  uint64_t id;  /**< of that stream */
  int is_log;
  uint32_t flags;                    /**< PENSTOCK_COMMAND_… */
  uint32_t lines;                    /**< of a log */
  char mark[PS_COMMAND_MARK_SIZE];   /**< as in penstock_command */
  char token[PS_COMMAND_TOKEN_SIZE]; /**< likewise */
  char *answer;                      /**< sent to the client before the first byte of the stream; malloc'ed, its own */
  void *call;                        /**< the gateway's, to know it by; told back with PS_LANE_COMMAND */
  size_t count;                      /**< words in argv */
  char *argv[];                      /**< NULL-terminated; each malloc'ed, its own */
} ps_command;

/** Makes a command of `count` words, which are copied; mark and token are drawn. NULL if there is no memory or no
 * randomness. [any thread] */
ps_command *ps_command_create(const char *const *argv, size_t count);
/** Makes the end of the solver's log, likewise. [any thread] */
ps_command *ps_command_create_log(uint32_t lines);
/** NULL is allowed. [any thread] */
void ps_command_free(ps_command *command);

#endif
