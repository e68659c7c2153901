/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_log.h
 * What libssh has to say, in the gateway's log (LogLevel of ssh_config). libssh keeps one listener for each thread:
 * the link that began last on a lane is heard.
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_LOG_H
#define TRANSPORTS_SSH_LOG_H

#include <penstock/sdk.h>

/** Lets libssh speak to `host`'s log up to `level` (enum penstock_log_level; 0 = changes nothing). */
void ssh_log_start(const penstock_host *host, int level);
/** Silences it, if it is `host` that listens. To be called before `host` goes away. */
void ssh_log_stop(const penstock_host *host);

#endif
