/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_algorithms.h
 * Lists of algorithms as ssh_config(5) writes them. No libssh here: what it has is ssh_options.c's matter.
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_ALGORITHMS_H
#define TRANSPORTS_SSH_ALGORITHMS_H

#include "common/ssh/hostkey/known_hosts.h"

/** What is asked for if nobody says anything: AES-GCM first if the processor has AES. */
const char *ssh_default_ciphers(void);
extern const char ssh_default_macs[];
extern const char ssh_default_kex[];
extern const char ssh_default_host_key_algorithms[]; /**< without ssh-rsa (SHA-1) */
extern const char ssh_default_pubkey_algorithms[];

/**
 * What `wanted` makes of the list `ours`: `+` before it adds it to the end, `^` puts it to the front, `-` takes away
 * what its patterns match; else it is the list itself. ssh -G prints no such lists, our own reader does. The caller
 * frees it; NULL if there is no memory.
 */
char *ssh_algorithms_resolve(const char *wanted, const char *ours);

/**
 * `list` with those algorithms first whose type of key is known for the host, as OpenSSH does it, so that a host is
 * not "changed" because it has keys of other types too. The caller frees it; NULL if there is no memory.
 */
char *ssh_algorithms_known_first(const char *list, const known_hosts *known);

#endif
