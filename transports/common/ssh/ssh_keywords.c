/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_keywords.h"

#include <stdlib.h>
#include <strings.h>

/* --- values ---------------------------------------------------------------------------------------- */

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* Sets a text; "none" unsets it. */
static int set_text(char **text, const char *value, penstock_error *error) {
  free(*text);
  *text = NULL;
  if (value[0] == '\0' || strcasecmp(value, "none") == 0) {
    return 0;
  }
  *text = strdup(value);
  return *text ? 0 : out_of_memory(error);
}

static int is_yes(const char *value) {
  return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0;
}

/* --- one function for each keyword that is honoured ------------------------------------------------ */

#define TEXT_KEYWORD(function, member)                                                                                 \
  static int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                    \
    return set_text(&settings->member, line->value, error);                                                            \
  }
#define BOOL_KEYWORD(function, member)                                                                                 \
  static int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                    \
    (void)error;                                                                                                       \
    settings->member = is_yes(line->value);                                                                            \
    return 0;                                                                                                          \
  }
/* A list of algorithms: ssh's own default is not ours. */
#define ALGORITHMS_KEYWORD(function, member)                                                                           \
  static int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                    \
    return line->is_set ? set_text(&settings->member, line->value, error) : 0;                                         \
  }

TEXT_KEYWORD(host_name, host)
TEXT_KEYWORD(user, user)
TEXT_KEYWORD(proxy_jump, jump)
TEXT_KEYWORD(proxy_command, proxy_command)
TEXT_KEYWORD(bind_address, bind_address)
TEXT_KEYWORD(bind_interface, bind_interface)
TEXT_KEYWORD(host_key_alias, host_key_alias)
BOOL_KEYWORD(tcp_keepalive, tcp_keepalive)
BOOL_KEYWORD(compression, compression)
BOOL_KEYWORD(hash_known_hosts, hash_known_hosts)
BOOL_KEYWORD(identities_only, identities_only)
ALGORITHMS_KEYWORD(ciphers, ciphers)
ALGORITHMS_KEYWORD(macs, macs)
ALGORITHMS_KEYWORD(kex_algorithms, kex)
ALGORITHMS_KEYWORD(host_key_algorithms, host_key_algorithms)
ALGORITHMS_KEYWORD(pubkey_accepted_algorithms, pubkey_algorithms)

static int port(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->port = (uint16_t)strtoul(line->value, NULL, 10);
  return 0;
}

static int identity_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  if (settings->keys.count == 0) {
    settings->keys_are_default = !line->is_set;
  }
  if (strcasecmp(line->value, "none") == 0) {
    return 0;
  }
  return ssh_texts_add(&settings->keys, line->value) ? out_of_memory(error) : 0;
}

static int certificate_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  return ssh_texts_add(&settings->certificates, line->value) ? out_of_memory(error) : 0;
}

static int identity_agent(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  const char *path = line->value;
  if (strcmp(path, "SSH_AUTH_SOCK") == 0) {
    path = getenv("SSH_AUTH_SOCK");
  } else if (path[0] == '$') {
    path = getenv(path + 1);
  }
  return set_text(&settings->agent_socket, path ? path : "none", error);
}

static int add_files(ssh_settings *settings, const char *value, penstock_error *error) {
  for (const char *at = value; *at;) {
    size_t length = strcspn(at, " ");
    char *file = strndup(at, length);
    int result = !file || (strcasecmp(file, "none") != 0 && ssh_texts_add(&settings->known_hosts, file));
    free(file);
    if (result) {
      return out_of_memory(error);
    }
    at += length + strspn(at + length, " ");
  }
  return 0;
}

static int user_known_hosts_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  /* The system's files may have come before: the user's are the first. */
  ssh_texts others = settings->known_hosts;
  memset(&settings->known_hosts, 0, sizeof(settings->known_hosts));
  int result = add_files(settings, line->value, error);
  for (size_t i = 0; i < others.count && !result; i++) {
    result = ssh_texts_add(&settings->known_hosts, others.items[i]) ? out_of_memory(error) : 0;
  }
  ssh_texts_clear(&others);
  return result;
}

static int global_known_hosts_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  return add_files(settings, line->value, error);
}

static int strict_host_key_checking(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  const char *value = line->value;
  settings->host_key = strcasecmp(value, "accept-new") == 0 || strcasecmp(value, "no") == 0 ||
                               strcasecmp(value, "off") == 0 || strcasecmp(value, "false") == 0
                           ? SSH_HOST_KEY_ACCEPT_NEW
                           : SSH_HOST_KEY_STRICT;
  return 0;
}

static int address_family(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->family = strcasecmp(line->value, "inet") == 0 ? 4 : strcasecmp(line->value, "inet6") == 0 ? 6 : 0;
  return 0;
}

static int connect_timeout(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->connect_timeout_ms = 1000u * (uint32_t)strtoul(line->value, NULL, 10);
  return 0;
}

static int connection_attempts(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->connect_attempts = (unsigned)strtoul(line->value, NULL, 10);
  return 0;
}

static int server_alive_interval(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  unsigned long seconds = strtoul(line->value, NULL, 10);
  if (seconds > 0) {
    settings->keepalive_ms = 1000u * (uint32_t)seconds;
  }
  return 0;
}

static int server_alive_count_max(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->keepalive_count = (unsigned)strtoul(line->value, NULL, 10);
  return 0;
}

static int rekey_limit(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  char *end = NULL;
  (void)error;
  settings->rekey_bytes = strtoull(line->value, &end, 10);
  settings->rekey_seconds = (uint32_t)strtoul(end, NULL, 10);
  return 0;
}

static int required_rsa_size(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->rsa_min_bits = line->is_set ? (unsigned)strtoul(line->value, NULL, 10) : 0;
  return 0;
}

static int set_env(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  return ssh_texts_add(&settings->environment, line->value) ? out_of_memory(error) : 0;
}

/* --- the table ------------------------------------------------------------------------------------- */

#define HONOURED(name, apply, note)                                                                                    \
  { name, SSH_KEYWORD_HONOURED, apply, NULL, note }

static const ssh_keyword keywords[] = {
    HONOURED("AddressFamily", address_family, ""),
    HONOURED("BindAddress", bind_address, ""),
    HONOURED("BindInterface", bind_interface, ""),
    HONOURED("CertificateFile", certificate_file, ""),
    HONOURED("Ciphers", ciphers, ""),
    HONOURED("Compression", compression, ""),
    HONOURED("ConnectTimeout", connect_timeout, ""),
    HONOURED("ConnectionAttempts", connection_attempts, ""),
    HONOURED("GlobalKnownHostsFile", global_known_hosts_file, ""),
    HONOURED("HashKnownHosts", hash_known_hosts, ""),
    HONOURED("HostKeyAlgorithms", host_key_algorithms, ""),
    HONOURED("HostKeyAlias", host_key_alias, ""),
    HONOURED("HostName", host_name, ""),
    HONOURED("IdentitiesOnly", identities_only, ""),
    HONOURED("IdentityAgent", identity_agent, ""),
    HONOURED("IdentityFile", identity_file, ""),
    HONOURED("KexAlgorithms", kex_algorithms, ""),
    HONOURED("MACs", macs, ""),
    HONOURED("Port", port, ""),
    HONOURED("ProxyCommand", proxy_command, ""),
    HONOURED("ProxyJump", proxy_jump, ""),
    HONOURED("PubkeyAcceptedAlgorithms", pubkey_accepted_algorithms, ""),
    HONOURED("RekeyLimit", rekey_limit, ""),
    HONOURED("RequiredRSASize", required_rsa_size, ""),
    HONOURED("ServerAliveCountMax", server_alive_count_max, ""),
    HONOURED("ServerAliveInterval", server_alive_interval, ""),
    HONOURED("SetEnv", set_env, ""),
    HONOURED("StrictHostKeyChecking", strict_host_key_checking, ""),
    HONOURED("TCPKeepAlive", tcp_keepalive, ""),
    HONOURED("User", user, ""),
    HONOURED("UserKnownHostsFile", user_known_hosts_file, ""),
};

const ssh_keyword *ssh_keywords(size_t *count) {
  *count = sizeof(keywords) / sizeof(keywords[0]);
  return keywords;
}

const ssh_keyword *ssh_keyword_find(const char *name) {
  for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
    if (strcasecmp(keywords[i].name, name) == 0) {
      return &keywords[i];
    }
  }
  return NULL;
}
