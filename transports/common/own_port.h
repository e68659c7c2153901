/* SPDX-License-Identifier: MIT */
/**
 * @file own_port.h
 * For transports whose solver is on this machine. Thread: any.
 */
#ifndef TRANSPORTS_OWN_PORT_H
#define TRANSPORTS_OWN_PORT_H

#include <penstock/sdk.h>

/** A gateway whose `endpoint` is its own port would talk to itself for ever. Returns PENSTOCK_OK, or PENSTOCK_E_FAILED
 * with `error`. */
int32_t own_port_refuse(const penstock_config *config, penstock_error *error);

#endif
