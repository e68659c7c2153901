/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_program.h
 * Which program is this machine's ssh. Thread: any.
 */
#ifndef TRANSPORTS_SSH_PROGRAM_H
#define TRANSPORTS_SSH_PROGRAM_H

/** What to start: a path, or a name to be looked up in PATH. NULL if there is none. Valid as long as we are loaded. */
const char *ssh_program(void);
/** What it is called, and how to get one, for messages: "ssh", "Install an OpenSSH client (package openssh-client)". */
extern const char ssh_program_name[];
extern const char ssh_program_source[];

#endif
