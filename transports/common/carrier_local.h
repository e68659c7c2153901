/* SPDX-License-Identifier: MIT */
/**
 * @file carrier_local.h
 * The carrier for this machine: child processes and sockets of the gateway itself.
 */
#ifndef TRANSPORTS_CARRIER_LOCAL_H
#define TRANSPORTS_CARRIER_LOCAL_H

#include "carrier.h"

/** NULL if out of memory. */
carrier *carrier_local_create(const penstock_host *host);
/** Ends what runs and is being opened, without calling back. */
void carrier_local_destroy(carrier *self);

#endif
