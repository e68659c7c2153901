/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_transport.h
 * What the transports over an SSH link have in common, whatever holds the solver there and wherever the host comes
 * from.
 */
#ifndef TRANSPORTS_SSH_TRANSPORT_H
#define TRANSPORTS_SSH_TRANSPORT_H

#include "common/instance.h"
#include "common/ssh/config/ssh_request.h"

/**
 * Makes the carrier for the host of `request`, whose contents are the carrier's then, and are cleared on failure.
 * `config` must outlive it. NULL with `error` if an option is wrong.
 */
carrier *ssh_transport_carrier(const penstock_host *host, const penstock_config *config, ssh_request *request,
                               penstock_error *error);

/** penstock_transport::get_extension: the optional parts of an instance whose lowest carrier is an SSH link. */
const void *ssh_transport_extension(penstock_instance *instance, const char *name);

#endif
