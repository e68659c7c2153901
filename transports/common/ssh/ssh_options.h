/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_options.h
 * The settings of a host as options of a libssh session. Every one is given; libssh reads no file of ssh's.
 * Thread: that of the session.
 */
#ifndef TRANSPORTS_SSH_OPTIONS_H
#define TRANSPORTS_SSH_OPTIONS_H

#include <libssh/libssh.h>

#include "common/ssh/config/ssh_settings.h"
#include "common/ssh/hostkey/known_hosts.h"

/**
 * Gives `session` all settings but its socket. `known` (NULL = nothing) says which types of host keys are asked for
 * first. Algorithms that libssh does not have are left out, with a line in the log of `host` (NULL = no log), where
 * libssh itself speaks from now on as far as LogLevel says. If none is left of a list, that is an error (leg LOCAL,
 * class CONFIG). Returns 0, or a negative code with `error`.
 */
int ssh_options_put(ssh_session session, const ssh_settings *settings, const known_hosts *known,
                    const penstock_host *host, penstock_error *error);

/** Would ssh_options_put succeed? For a check that connects nowhere. */
int ssh_options_check(const ssh_settings *settings, penstock_error *error);

#endif
