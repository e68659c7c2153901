/* SPDX-License-Identifier: MIT */
/**
 * @file carrier_local.h
 * The carrier for this machine: child processes and sockets of the gateway itself.
 */
#ifndef TRANSPORTS_CARRIER_LOCAL_H
#define TRANSPORTS_CARRIER_LOCAL_H

#include "common/carrier.h"
#include "common/local_shell.h"

/**
 * `config`: of a profile that has LOCAL_SHELL_OPTIONS; NULL = the usual shell. NULL with `error` if there is no shell
 * (local_shell_find), or memory is out.
 */
carrier *carrier_local_create(const penstock_host *host, const penstock_config *config, penstock_error *error);

#endif
