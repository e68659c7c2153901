/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_proxy_command.h
 * The process of a ProxyCommand, for ssh_proxy.c; the system is behind it. Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_PROXY_COMMAND_H
#define TRANSPORTS_SSH_PROXY_COMMAND_H

#include <penstock/sdk.h>

typedef struct ssh_proxy_command ssh_proxy_command;

/**
 * Starts `command` as ssh does on this system. Unix: `$SHELL -c "exec command"`, in a process group of its own.
 * Windows: the program that it begins with, looked for along PATH, with the line as it is; where there is none (a batch
 * file, a word of cmd.exe's), by cmd.exe; without a window, in a job of its own.
 *
 * `*socket` is its input and output, `*messages` its standard error; both non-blocking, and the caller's. NULL with
 * `error` if it cannot be started; `name` is for its words.
 */
ssh_proxy_command *ssh_proxy_command_start(const char *name, const char *command, penstock_socket *socket,
                                           penstock_socket *messages, penstock_error *error);
/** Waits at most so long for its end. Returns 1 if it has ended. */
int ssh_proxy_command_wait(ssh_proxy_command *process, uint64_t patience_ms);
/** How it ended: "ended with code 3". */
void ssh_proxy_command_how(const ssh_proxy_command *process, char *text, size_t size);
/** Ends it with all that it has started, waiting up to so long for those that can be asked to; and frees it. */
void ssh_proxy_command_end(ssh_proxy_command *process, uint64_t patience_ms);

#endif
