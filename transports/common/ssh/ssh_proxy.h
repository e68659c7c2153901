/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_proxy.h
 * ProxyCommand: a command of the user's whose standard input and output are the connection. What it says on standard
 * error goes to the log, and its last lines into the error if no connection comes of it.
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_PROXY_H
#define TRANSPORTS_SSH_PROXY_H

#include <penstock/sdk.h>

typedef struct ssh_proxy ssh_proxy;

/**
 * Starts `command` as ssh does (ssh_proxy_command.h). `name` is the host that it
 * leads to, for the log; borrowed. `*socket` is our end of the connection, and the caller's. NULL with `error` if it
 * cannot be started.
 */
ssh_proxy *ssh_proxy_start(const penstock_host *host, const char *name, const char *command, penstock_socket *socket,
                           penstock_error *error);
/** Ends the command with all that it has started, and waits (up to a tenth of a second) until it is gone. NULL is fine.
 */
void ssh_proxy_end(ssh_proxy *proxy);
/** Makes the error of a connection that failed one of the command: whether it has ended, how, and what it said. */
void ssh_proxy_explain(ssh_proxy *proxy, penstock_error *error);

#endif
