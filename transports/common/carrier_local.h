/* SPDX-License-Identifier: MIT */
/**
 * @file carrier_local.h
 * The carrier for this machine: child processes and sockets of the gateway itself.
 */
#ifndef TRANSPORTS_CARRIER_LOCAL_H
#define TRANSPORTS_CARRIER_LOCAL_H

#include "carrier.h"

/** NULL with `error` if out of memory. */
carrier *carrier_local_create(const penstock_host *host, penstock_error *error);

#endif
