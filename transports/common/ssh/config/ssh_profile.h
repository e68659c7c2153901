/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_profile.h
 * The options that a transport over SSH declares, and what they ask for. An option that is not set leaves the matter
 * to ssh_config; one that is set wins over it.
 *
 * For a host on the way (ProxyJump) hold: known_hosts, host_key, passphrase, agent, keepalive, ssh_config. All other
 * options are about the last host; what a hop needs is written in ssh_config under its own name, as for OpenSSH.
 */
#ifndef TRANSPORTS_SSH_PROFILE_H
#define TRANSPORTS_SSH_PROFILE_H

#include "common/ssh/config/ssh_settings.h"

#define SSH_OPTION(type, flags, key, default_value, help, min, max, choices)                                           \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, default_value, help, min, max, choices }

/** Which host. */
#define SSH_HOST_OPTION                                                                                                \
  SSH_OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "host", NULL,                                                           \
             "The SSH server: an alias from ssh_config, a DNS name or an address", 0, 0, NULL)

/** All the others. */
#define SSH_OPTIONS                                                                                                    \
  SSH_OPTION(INT, 0, "port", NULL, "TCP port of the SSH server; if unset, ssh_config's, else 22", 1, 65535, NULL),     \
      SSH_OPTION(STRING, 0, "user", NULL, "User name on the SSH server; if unset, ssh_config's, else the local one",   \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(STRING, 0, "jump", NULL,                                                                              \
                 "Hosts to go through, first one first: [user@]host[:port], ...; `none` = straight there", 0, 0,       \
                 NULL),                                                                                                \
      SSH_OPTION(LIST, 0, "key", NULL,                                                                                 \
                 "Private key files, best first; if unset, ssh_config's IdentityFile, else the usual ones in ~/.ssh",  \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(LIST, 0, "certificate", NULL,                                                                         \
                 "Certificate files for the keys; KEY-cert.pub beside a key is found by itself", 0, 0, NULL),          \
      SSH_OPTION(STRING, PENSTOCK_OPTION_SECRET, "passphrase", NULL,                                                   \
                 "Where the passphrase of encrypted key files comes from (env:, file:, command:); if unset, you are "  \
                 "asked",                                                                                              \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(STRING, 0, "agent", NULL,                                                                             \
                 "The SSH agent: no = none; a path; on Windows also openssh or pageant. If unset or yes, the one of "  \
                 "ssh_config's IdentityAgent, else $SSH_AUTH_SOCK, and on Windows else OpenSSH's or Pageant",          \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(BOOL, 0, "identities_only", NULL,                                                                     \
                 "Of the agent's keys, offer only those that are named; yes if `key` is set", 0, 0, NULL),             \
      SSH_OPTION(LIST, 0, "auth", NULL,                                                                                \
                 "How to log in, in this order: publickey, keyboard-interactive; if unset, publickey alone", 0, 0,     \
                 NULL),                                                                                                \
      SSH_OPTION(PATH, 0, "known_hosts", NULL,                                                                         \
                 "File of known host keys; if unset, ssh_config's UserKnownHostsFile, else ~/.ssh/known_hosts", 0, 0,  \
                 NULL),                                                                                                \
      SSH_OPTION(CHOICE, 0, "host_key", NULL,                                                                          \
                 "What to do with an unknown host: refuse it (strict), or remember its key; a changed key is always "  \
                 "refused. If unset, ssh_config's StrictHostKeyChecking, else strict",                                 \
                 0, 0, ssh_host_key_choices),                                                                          \
      SSH_OPTION(STRING, 0, "host_key_fingerprint", NULL,                                                              \
                 "Accept this host key only, as `SHA256:...` (known_hosts is then not asked)", 0, 0, NULL),            \
      SSH_OPTION(DURATION, 0, "keepalive", NULL,                                                                       \
                 "Ask a silent server for a sign of life after this; it is given up after three times this. If "       \
                 "unset, ssh_config's ServerAliveInterval, else 5s",                                                   \
                 1000, 3600000, NULL),                                                                                 \
      SSH_OPTION(LIST, 0, "ciphers", NULL,                                                                             \
                 "Ciphers, best first; if unset, ssh_config's, else AES-GCM first where the processor has AES", 0, 0,  \
                 NULL),                                                                                                \
      SSH_OPTION(BOOL, 0, "compression", NULL,                                                                         \
                 "Compress what goes over the SSH connection; if unset, ssh_config's, else no", 0, 0, NULL),           \
      SSH_OPTION(STRING, 0, "ssh_config", NULL,                                                                        \
                 "Configuration file to read instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` = read no file", \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(LIST, 0, "ssh_options", NULL,                                                                         \
                 "More settings of ssh_config(5), as `ssh -o` takes them: \"Keyword=value\", ...", 0, 0, NULL)

/** Words of the option host_key. */
extern const char *const ssh_host_key_choices[];

/**
 * Makes a request of the options, for the host `host` (NULL = of the option `host`). Pure: reads no file. On failure
 * returns a negative code with `error`, and nothing is to be freed. `request` may hold options already (a pasted
 * command's): those of the profile are put before them.
 */
int ssh_profile_request(ssh_request *request, const penstock_config *config, const char *host, penstock_error *error);
/** The request for a host on the way: the options that hold there. */
int ssh_profile_hop_request(ssh_request *request, const penstock_config *config, penstock_error *error);
/** Has libssh's login the methods that `auth` names? The system's ssh has others. Returns 0, or a negative code. */
int ssh_profile_check_methods(const penstock_config *config, penstock_error *error);
/** Puts on top of `settings` what a request cannot say: key files, passphrase, pinned fingerprint, keepalive, auth, and
 * Pageant as the agent. */
int ssh_profile_overlay(ssh_settings *settings, const penstock_config *config, int is_hop, penstock_error *error);

#endif
