/* SPDX-License-Identifier: MIT */
/**
 * @file gateway_log.h
 * The log of a gateway that runs, as it has it in memory.
 * Thread: the main thread.
 */
#ifndef PS_GATEWAY_LOG_H
#define PS_GATEWAY_LOG_H

#include "cli/gateways.h"

/** The most lines that a gateway has. */
#define PS_GATEWAY_LOG_MOST 500

/**
 * Prints the last `lines` of it, and with `follow` what comes, until the gateway ends. `json`: each as an object.
 * Returns an exit code, after a complaint if it is not 0.
 */
int ps_show_gateway_log(ps_gateway_found *gateway, long lines, int follow, int json);

#endif
