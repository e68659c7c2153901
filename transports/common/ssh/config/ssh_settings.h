/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_settings.h
 * What one SSH connection needs to know, as values: the effective settings of a host (ssh_config.h), with the
 * profile's own options on top (ssh_profile.h). Which keyword of ssh_config(5) goes where, and which is not
 * applicable or refused, stands in one table: ssh_keywords.c.
 *
 * Thread: any; nothing is shared. All text is the settings' own.
 */
#ifndef TRANSPORTS_SSH_SETTINGS_H
#define TRANSPORTS_SSH_SETTINGS_H

#include "common/ssh/config/ssh_config.h"

/** Some texts; `items` is NULL, or ends with a NULL. */
typedef struct ssh_texts {
  char **items;
  size_t count;
} ssh_texts;

/** What happens with a host that is not known. A changed key is refused in any case. */
typedef enum ssh_host_key_policy { SSH_HOST_KEY_STRICT = 0, SSH_HOST_KEY_ACCEPT_NEW } ssh_host_key_policy;

/** One host to log in to. */
typedef struct ssh_settings {
  char *profile; /**< for messages and for the line that trusts a host */
  char *alias;   /**< the host as it was typed */
  char *host;    /**< HostName: what is resolved, and told to a proxy */
  uint16_t port;
  int log_level; /**< LogLevel: enum penstock_log_level of what libssh may say in our log */
  char *user;
  char source[128]; /**< where they come from (ssh_config.h), for messages */

  /* The way there. */
  char *jump;          /**< ProxyJump, "[user@]host[:port],…", first hop first; NULL = none */
  char *proxy_command; /**< ProxyCommand, tokens expanded; NULL = none */
  char *bind_address;  /**< BindAddress; NULL = any */
  char *bind_interface;
  int family; /**< AddressFamily: 0, 4 or 6 */
  int tcp_keepalive;
  uint32_t connect_timeout_ms; /**< ConnectTimeout of one attempt; 0 = the step's own limit */
  unsigned connect_attempts;   /**< ConnectionAttempts, at least 1 */

  /* Algorithms: comma-separated, best first. NULL = our defaults. */
  char *ciphers;
  char *macs;
  char *kex;
  char *host_key_algorithms;
  char *pubkey_algorithms;
  uint64_t rekey_bytes; /**< RekeyLimit; 0 = the library's own */
  uint32_t rekey_seconds;
  int compression;
  unsigned rsa_min_bits; /**< RequiredRSASize; 0 = the library's own */

  /* Host key. */
  ssh_host_key_policy host_key;
  char *host_key_alias;   /**< HostKeyAlias: the name to look up in known_hosts; NULL = `host` */
  char *fingerprint;      /**< the one key that is accepted, `SHA256:…`; NULL = by known_hosts */
  ssh_texts known_hosts;  /**< all files that are read, the user's first */
  size_t known_hosts_own; /**< so many of them are the user's; the others are the system's */
  char *known_hosts_file; /**< the one that is written to; NULL = none may be */
  int hash_known_hosts;   /**< HashKnownHosts: names are written as hashes */

  /* Login. */
  ssh_texts keys;         /**< IdentityFile: private key files, in the order in which they are offered */
  int keys_are_default;   /**< they are the usual files, not named by the user: a missing one is no error */
  ssh_texts certificates; /**< CertificateFile */
  char *passphrase;       /**< secret reference for encrypted key files; NULL = ask */
  char *agent_socket;     /**< path, or a word of key_agent.h; NULL = no agent */
  int identities_only;    /**< of the agent's keys, offer only those in `keys` and `certificates` */
  int batch_mode;         /**< BatchMode: nobody is asked anything */
  ssh_texts methods;      /**< what may be used, in this order: "publickey", "keyboard-interactive"; never "password" */

  uint32_t keepalive_ms;    /**< a silent host is asked for a sign of life after this */
  unsigned keepalive_count; /**< … and given up after this many times it */

  ssh_texts environment; /**< SetEnv and SendEnv, resolved: NAME=value for the launch */
} ssh_settings;

/**
 * Finds the settings for `request` (ssh_config_load, within `deadline_ms`), judges every keyword, and puts the options
 * of the profile on top. `is_hop`: it is a host on the way, for which only some of the options hold (see
 * ssh_profile.h). Warnings go to the log of `host`, once for each profile and keyword. On failure returns a negative
 * code with `error`; nothing is to be freed then.
 */
int ssh_settings_resolve(ssh_settings *settings, const ssh_request *request, const penstock_config *config,
                         const penstock_host *host, int is_hop, uint64_t deadline_ms, penstock_error *error);
/** The second half of it: settings from lines that are there already. */
int ssh_settings_apply(ssh_settings *settings, const ssh_config *lines, const ssh_request *request,
                       const penstock_config *config, const penstock_host *host, int is_hop, penstock_error *error);
/** Frees what the settings own. */
void ssh_settings_clear(ssh_settings *settings);

/** Adds a copy of `text`. Returns 0, or a negative code if there is no memory. */
int ssh_texts_add(ssh_texts *texts, const char *text);
/** Frees all of them. */
void ssh_texts_clear(ssh_texts *texts);

/**
 * The half of it that a profile does not say: replaces `~`, tokens and variables in what came from ssh_config, as ssh
 * does (ssh_tokens.h). Returns 0, or a negative code with `error`.
 */
int ssh_settings_expand(ssh_settings *settings, penstock_error *error);
/**
 * Fills in how to log in, if the profile does not say: with a key, if `lines` allow that. Returns 0, or a negative
 * code with `error` (class CONFIG) that says what is left and what can be done.
 */
int ssh_settings_choose_login(ssh_settings *settings, const ssh_config *lines, penstock_error *error);

/** Does this processor have instructions for AES? (AES-GCM is then 1.6 to 1.9 times as fast as ChaCha20.) */
int cpu_has_aes(void);

#endif
