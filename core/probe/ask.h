/* SPDX-License-Identifier: MIT */
/**
 * @file ask.h
 * Asks a TCP port whether a solver answers there: the TCMD probe with sockets of its own, blocking. For the
 * command line and the self-test; a lane asks through its transport instead.
 * Thread: any.
 */
#ifndef PS_ASK_H
#define PS_ASK_H

#include <penstock/sdk.h>

#include "probe/tcmd.h"

/** What is at the port. */
typedef enum ps_ask_verdict {
  PS_ASK_SOLVER,  /**< a solver */
  PS_ASK_FOREIGN, /**< something else that answers, or closes without an answer */
  PS_ASK_RESET,   /**< connections are accepted and then reset: a gateway, or a published port, with nothing behind */
  PS_ASK_SILENT,  /**< something accepts and does not answer in time */
  PS_ASK_NOBODY,  /**< nothing listens */
  PS_ASK_FAILED   /**< it cannot be said: no such host, no route, no answer to the connection */
} ps_ask_verdict;

/** The outcome. */
typedef struct ps_ask_result {
  ps_ask_verdict verdict;
  int legacy;           /**< SOLVER: it knows only the old form, which ends at the half-close */
  uint64_t elapsed_ns;  /**< of the try that gave the verdict, from connect to the whole answer */
  char version[64];     /**< SOLVER: its protocol_version */
  char answer[64];      /**< FOREIGN: the first bytes that it sent; raw, not terminated */
  size_t answer_size;   /**< bytes in it */
  penstock_error error; /**< all but SOLVER: for the user */
} ps_ask_result;

/**
 * Asks in the length-prefixed form, then, if what answers is no solver, in the old one. Each of the two may
 * take `timeout_ms`. `address` is host:port.
 */
void ps_ask(const char *address, int timeout_ms, ps_ask_result *result);
/**
 * The same with a question about a project, whose name fits (ps_tcmd_name_fits). `said` gets what a solver answers, as
 * ps_tcmd_said keeps it; "" if none does.
 */
void ps_ask_project(const char *address, const char *name, int timeout_ms, ps_ask_result *result,
                    char said[PS_TCMD_SAID_SIZE]);

#endif
