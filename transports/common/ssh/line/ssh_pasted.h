/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_pasted.h
 * What the transports whose host comes from a pasted `ssh ...` line (option `command`) keep: the line, and the profile
 * as the line changes it.
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_PASTED_H
#define TRANSPORTS_SSH_PASTED_H

#include "common/instance.h"
#include "common/ssh/config/ssh_request.h"

/** The option, for a transport's table; ssh_profile.h is needed there. */
#define SSH_PASTED_OPTION                                                                                              \
  SSH_OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "command", NULL,                                                        \
             "The whole line: ssh [OPTION]... [USER@]HOST; `penstock ssh-command explain` shows what it means", 0, 0,  \
             NULL)

typedef struct ssh_pasted ssh_pasted;

/**
 * Reads the line of `config`, and logs what of it has no effect. `request` gets what it asks for; to be cleared by the
 * caller. Where the profile does not set `endpoint`, -L does, in ssh_pasted_config. NULL with `error` if the line is
 * wrong; nothing is to be cleared then.
 */
ssh_pasted *ssh_pasted_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                              penstock_error *error);
/** penstock_instance::free_own. NULL is allowed. */
void ssh_pasted_destroy(void *self);
/** The profile as the line changes it. Borrowed. */
const penstock_config *ssh_pasted_config(const ssh_pasted *self);

/** penstock_transport::get_extension of an instance whose `own` is a ssh_pasted. */
const void *ssh_pasted_extension(penstock_instance *instance, const char *name);

#endif
