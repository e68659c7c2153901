/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_link.h
 * One SSH session as a carrier (transports/common/carrier.h), made and kept by the system's ssh: for what libssh cannot
 * do (GSSAPI, PKCS#11, host certificates, host-based login …). One ssh process for each link; scripts and streams are
 * channels of its session (mux.h).
 *
 * Thread: the lane's. connect may block within its deadline while the user is asked; nothing blocks once the link is
 * up.
 */
#ifndef TRANSPORTS_OPENSSH_LINK_H
#define TRANSPORTS_OPENSSH_LINK_H

#include <penstock/check.h>

#include "common/carrier.h"
#include "common/ssh/config/ssh_request.h"

typedef struct openssh_link openssh_link;

/**
 * Makes a link to the host of `request`, whose contents become the link's, unless it fails. `config` is the profile
 * (ssh_profile.h). NULL with `error` if an option is wrong.
 */
openssh_link *openssh_link_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                                  penstock_error *error);
/** Ends the ssh and frees everything; calls nothing back. NULL is allowed. */
void openssh_link_destroy(openssh_link *link);

/** The link as a carrier: its connect passes the legs dns, tcp, host-key, auth. Borrowed. */
carrier *openssh_link_carrier(openssh_link *link);

/** penstock_check_ext::check. */
int32_t openssh_link_inspect(openssh_link *link, uint64_t deadline_ms, const penstock_check_sink *sink,
                             penstock_error *error);

/** penstock_link_ext::verify. */
void openssh_link_verify(openssh_link *link);

#endif
