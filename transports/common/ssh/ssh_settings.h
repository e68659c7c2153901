/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_settings.h
 * What one SSH connection needs to know, apart from where it was written: a link is made from settings,
 * settings are read from a profile's options. No ssh_config file is read.
 */
#ifndef TRANSPORTS_SSH_SETTINGS_H
#define TRANSPORTS_SSH_SETTINGS_H

#include <penstock/sdk.h>

enum { SSH_SETTINGS_KEYS_MAX = 16, SSH_SETTINGS_FILES_MAX = 4 };

/** What happens with a host that is not known. A changed key is refused in any case. */
typedef enum ssh_host_key_policy { SSH_HOST_KEY_STRICT = 0, SSH_HOST_KEY_ACCEPT_NEW } ssh_host_key_policy;

/** One host to log in to. All text is the settings' own. */
typedef struct ssh_settings {
  char *profile; /**< for messages and for the line that trusts a host */
  char *host;
  uint16_t port;
  char *user;
  char *keys[SSH_SETTINGS_KEYS_MAX]; /**< private key files, in the order in which they are offered */
  size_t key_count;
  int keys_are_default; /**< they are the usual files, not named by the user: a missing one is no error */
  char *passphrase;     /**< secret reference for encrypted key files; NULL = ask */
  char *agent_socket;   /**< path; NULL = no agent */
  int identities_only;  /**< of the agent's keys, offer only those in `keys` */
  /** known_hosts files, NULL-terminated; the first is the one that is written to. */
  char *known_hosts[SSH_SETTINGS_FILES_MAX + 1];
  ssh_host_key_policy host_key;
  char *fingerprint;     /**< the one key that is accepted, `SHA256:…`; NULL = by known_hosts */
  uint32_t keepalive_ms; /**< a silent host is asked for a sign of life; given up after three times this */
  char *ciphers;         /**< comma-separated, best first */
  int compression;
} ssh_settings;

/**
 * The options that a transport over SSH declares, to be put into its table. Read by ssh_settings_read.
 */
#define SSH_OPTION(type, flags, key, default_value, help, min, max, choices)                                           \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, default_value, help, min, max, choices }
#define SSH_OPTIONS                                                                                                    \
  SSH_OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "host", NULL,                                                           \
             "DNS name or address of the SSH server (aliases from ~/.ssh/config are not read)", 0, 0, NULL),           \
      SSH_OPTION(INT, 0, "port", "22", "TCP port of the SSH server", 1, 65535, NULL),                                  \
      SSH_OPTION(STRING, 0, "user", NULL, "User name on the SSH server; the local one if unset", 0, 0, NULL),          \
      SSH_OPTION(LIST, 0, "key", NULL,                                                                                 \
                 "Private key files, best first; if unset, id_ed25519, id_ecdsa and id_rsa in ~/.ssh", 0, 0, NULL),    \
      SSH_OPTION(STRING, PENSTOCK_OPTION_SECRET, "passphrase", NULL,                                                   \
                 "Where the passphrase of encrypted key files comes from (env:, file:, command:); if unset, you are "  \
                 "asked",                                                                                              \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(BOOL, 0, "agent", "yes", "Use the keys of the SSH agent at $SSH_AUTH_SOCK", 0, 0, NULL),              \
      SSH_OPTION(BOOL, 0, "identities_only", NULL,                                                                     \
                 "Of the agent's keys, offer only those that `key` names; yes if `key` is set", 0, 0, NULL),           \
      SSH_OPTION(PATH, 0, "known_hosts", "~/.ssh/known_hosts",                                                         \
                 "File of known host keys, read as OpenSSH does; /etc/ssh/ssh_known_hosts is read too", 0, 0, NULL),   \
      SSH_OPTION(CHOICE, 0, "host_key", "strict",                                                                      \
                 "What to do with an unknown host: refuse it, or remember its key (a changed key is always refused)",  \
                 0, 0, ssh_host_key_choices),                                                                          \
      SSH_OPTION(STRING, 0, "host_key_fingerprint", NULL,                                                              \
                 "Accept this host key only, as `SHA256:...` (known_hosts is then not asked)", 0, 0, NULL),            \
      SSH_OPTION(DURATION, 0, "keepalive", "5s",                                                                       \
                 "Ask a silent server for a sign of life after this; it is given up after three times this", 1000,     \
                 3600000, NULL),                                                                                       \
      SSH_OPTION(LIST, 0, "ciphers", NULL, "Ciphers, best first; if unset, AES-GCM first where the processor has AES", \
                 0, 0, NULL),                                                                                          \
      SSH_OPTION(BOOL, 0, "compression", "no", "Compress what goes over the SSH connection", 0, 0, NULL)

/** Words of the option host_key. */
extern const char *const ssh_host_key_choices[];

/** Reads and checks the options of SSH_OPTIONS. On failure returns a negative code with `error`; nothing is to be
 * freed. */
int ssh_settings_read(ssh_settings *settings, const penstock_config *config, penstock_error *error);
/** Frees what the settings own. */
void ssh_settings_clear(ssh_settings *settings);

/** Does this processor have instructions for AES? (AES-GCM is then 1.6 to 1.9 times as fast as ChaCha20.) */
int cpu_has_aes(void);

#endif
