/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_link.h
 * One SSH session as a carrier (transports/common/carrier.h): connects, proves both sides to each other, then
 * runs scripts over session channels and opens streams over direct-tcpip channels.
 *
 * Thread: the lane's, all of it. The carrier's connect and the two host key functions block within their deadline;
 * nothing blocks once the link is up.
 */
#ifndef TRANSPORTS_SSH_LINK_H
#define TRANSPORTS_SSH_LINK_H

#include "common/carrier.h"
#include "common/ssh/config/ssh_request.h"

typedef struct ssh_link ssh_link;

/**
 * Makes a link to the host of `request`, whose contents become the link's, unless it fails. `config` is the profile
 * (ssh_profile.h); `is_hop`: the host is one on the way to another. NULL with `error` if an option is wrong.
 */
ssh_link *ssh_link_create(const penstock_host *host, const penstock_config *config, ssh_request *request, int is_hop,
                          penstock_error *error);
/** Closes the session and frees everything; calls nothing back. */
void ssh_link_destroy(ssh_link *link);

/** The link as a carrier: its connect passes the legs dns, tcp, host-key, auth. Borrowed. */
carrier *ssh_link_carrier(ssh_link *link);

/** penstock_link_ext::verify. */
void ssh_link_verify(ssh_link *link);

/** penstock_check_ext::check. */
int32_t ssh_link_inspect(ssh_link *link, uint64_t deadline_ms, const penstock_check_sink *sink, penstock_error *error);

/** penstock_hostkey_ext::fetch. */
int32_t ssh_link_fetch_key(ssh_link *link, uint64_t deadline_ms, penstock_hostkey *key, penstock_error *error);
/** penstock_hostkey_ext::accept. */
int32_t ssh_link_accept_key(ssh_link *link, penstock_error *error);

#endif
