/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_apply.h"

#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_algorithms.h"
#include "common/ssh/config/ssh_config_words.h"
#include "common/ssh/config/ssh_files.h"
#include "common/ssh/config/ssh_local.h"

extern char **environ;

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

static int is_none(const char *value) {
  return value[0] == '\0' || strcasecmp(value, "none") == 0;
}

static int is_yes(const char *value) {
  return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0;
}

static int set_text(char **text, const char *value, penstock_error *error) {
  free(*text);
  *text = strdup(value);
  return *text ? 0 : out_of_memory(error);
}

static int unset_text(char **text) {
  free(*text);
  *text = NULL;
  return 0;
}

static int add_text(ssh_texts *texts, const char *value, penstock_error *error) {
  return ssh_texts_add(texts, value) ? out_of_memory(error) : 0;
}

/* --- plain values ---------------------------------------------------------------------------------- */

#define TEXT_KEYWORD(function, member)                                                                                 \
  int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                           \
    return set_text(&settings->member, line->value, error);                                                            \
  }
/* A text that "none" unsets. */
#define OPTIONAL_KEYWORD(function, member)                                                                             \
  int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                           \
    return is_none(line->value) ? unset_text(&settings->member) : set_text(&settings->member, line->value, error);     \
  }
#define BOOL_KEYWORD(function, member)                                                                                 \
  int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                           \
    (void)error;                                                                                                       \
    settings->member = is_yes(line->value);                                                                            \
    return 0;                                                                                                          \
  }
/* A list of algorithms, or a change to `ours`: ssh's own default is not ours. */
#define ALGORITHMS_KEYWORD(function, member, ours)                                                                     \
  int function(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {                           \
    return line->is_set ? set_algorithms(&settings->member, line->value, ours, error) : 0;                             \
  }

static int set_algorithms(char **list, const char *value, const char *ours, penstock_error *error) {
  free(*list);
  *list = ssh_algorithms_resolve(value, ours);
  return *list ? 0 : out_of_memory(error);
}

TEXT_KEYWORD(ssh_apply_host_name, host)
TEXT_KEYWORD(ssh_apply_user, user)
OPTIONAL_KEYWORD(ssh_apply_proxy_jump, jump)
OPTIONAL_KEYWORD(ssh_apply_proxy_command, proxy_command)
OPTIONAL_KEYWORD(ssh_apply_bind_address, bind_address)
OPTIONAL_KEYWORD(ssh_apply_bind_interface, bind_interface)
OPTIONAL_KEYWORD(ssh_apply_host_key_alias, host_key_alias)
BOOL_KEYWORD(ssh_apply_tcp_keepalive, tcp_keepalive)
BOOL_KEYWORD(ssh_apply_batch_mode, batch_mode)
BOOL_KEYWORD(ssh_apply_compression, compression)
BOOL_KEYWORD(ssh_apply_hash_known_hosts, hash_known_hosts)
BOOL_KEYWORD(ssh_apply_identities_only, identities_only)
ALGORITHMS_KEYWORD(ssh_apply_ciphers, ciphers, ssh_default_ciphers())
ALGORITHMS_KEYWORD(ssh_apply_macs, macs, ssh_default_macs)
ALGORITHMS_KEYWORD(ssh_apply_kex_algorithms, kex, ssh_default_kex)
ALGORITHMS_KEYWORD(ssh_apply_host_key_algorithms, host_key_algorithms, ssh_default_host_key_algorithms)
ALGORITHMS_KEYWORD(ssh_apply_pubkey_accepted_algorithms, pubkey_algorithms, ssh_default_pubkey_algorithms)

int ssh_apply_port(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->port = (uint16_t)strtoul(line->value, NULL, 10);
  return 0;
}

int ssh_apply_address_family(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->family = strcasecmp(line->value, "inet") == 0 ? 4 : strcasecmp(line->value, "inet6") == 0 ? 6 : 0;
  return 0;
}

int ssh_apply_connect_timeout(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  unsigned long seconds = strtoul(line->value, NULL, 10);
  settings->connect_timeout_ms = seconds < UINT32_MAX / 1000u ? 1000u * (uint32_t)seconds : 0;
  return 0;
}

int ssh_apply_connection_attempts(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  unsigned long attempts = strtoul(line->value, NULL, 10);
  settings->connect_attempts = attempts > 0 && attempts <= UINT16_MAX ? (unsigned)attempts : 1;
  return 0;
}

int ssh_apply_rekey_limit(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  char *end = NULL;
  (void)error;
  settings->rekey_bytes = strtoull(line->value, &end, 10);
  settings->rekey_seconds = (uint32_t)strtoul(end, NULL, 10);
  return 0;
}

int ssh_apply_required_rsa_size(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  (void)error;
  settings->rsa_min_bits = line->is_set ? (unsigned)strtoul(line->value, NULL, 10) : 0;
  return 0;
}

/* Below VERBOSE, ssh says nothing that we do not say ourselves. */
int ssh_apply_log_level(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  static const struct {
    const char *name;
    int level;
  } levels[] = {
      {"VERBOSE", PENSTOCK_LOG_WARN}, {"DEBUG", PENSTOCK_LOG_INFO},   {"DEBUG1", PENSTOCK_LOG_INFO},
      {"DEBUG2", PENSTOCK_LOG_DEBUG}, {"DEBUG3", PENSTOCK_LOG_TRACE},
  };
  (void)error;
  settings->log_level = 0;
  for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
    if (strcasecmp(line->value, levels[i].name) == 0) {
      settings->log_level = levels[i].level;
    }
  }
  return 0;
}

/* --- the host's key -------------------------------------------------------------------------------- */

/* ssh's own defaults are files in the user's home; ours is $HOME, as for the files that a profile names. */
static int add_in_home(ssh_texts *texts, const char *file, penstock_error *error) {
  char *path = ssh_expand_home(file);
  int result = path ? add_text(texts, path, error) : out_of_memory(error);
  free(path);
  return result;
}

static int add_usual_known_hosts(ssh_texts *texts, penstock_error *error) {
  return add_in_home(texts, "~/.ssh/known_hosts", error) || add_in_home(texts, "~/.ssh/known_hosts2", error)
             ? PENSTOCK_E_FAILED
             : 0;
}

int ssh_apply_user_known_hosts_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  /* The system's files may have come before: the user's are the first. */
  ssh_texts others = settings->known_hosts;
  memset(&settings->known_hosts, 0, sizeof(settings->known_hosts));
  int result = !line->is_set ? add_usual_known_hosts(&settings->known_hosts, error)
               : ssh_files_split(&settings->known_hosts, line->value) ? out_of_memory(error)
                                                                      : 0;
  settings->known_hosts_own = settings->known_hosts.count;
  for (size_t i = 0; i < others.count && !result; i++) {
    result = add_text(&settings->known_hosts, others.items[i], error);
  }
  ssh_texts_clear(&others);
  return result;
}

int ssh_apply_global_known_hosts_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  return ssh_files_split(&settings->known_hosts, line->value) ? out_of_memory(error) : 0;
}

/* `ask` has nobody to ask: strict. `no` would take a changed key too: that is never done. */
int ssh_apply_strict_host_key_checking(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  static const char *const new_ones[] = {"accept-new", "no", "off", "false", NULL};
  (void)error;
  settings->host_key = SSH_HOST_KEY_STRICT;
  for (size_t i = 0; new_ones[i]; i++) {
    if (strcasecmp(line->value, new_ones[i]) == 0) {
      settings->host_key = SSH_HOST_KEY_ACCEPT_NEW;
    }
  }
  return 0;
}

/* --- login ----------------------------------------------------------------------------------------- */

int ssh_apply_identity_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  if (settings->keys.count == 0) {
    settings->keys_are_default = !line->is_set;
  }
  if (!line->is_set) {
    return add_in_home(&settings->keys, line->value, error);
  }
  return is_none(line->value) ? 0 : add_text(&settings->keys, line->value, error);
}

int ssh_apply_certificate_file(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  return is_none(line->value) ? 0 : add_text(&settings->certificates, line->value, error);
}

/* A path whose tokens ssh -G has expanded, or the name of a variable. */
int ssh_apply_identity_agent(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  const char *path = line->value;
  if (strcmp(path, "SSH_AUTH_SOCK") == 0) {
    path = getenv("SSH_AUTH_SOCK");
  } else if (path[0] == '$' && path[1] != '{') {
    path = getenv(path + 1);
  }
  return !path || is_none(path) ? unset_text(&settings->agent_socket) : set_text(&settings->agent_socket, path, error);
}

/* --- the launch's environment ---------------------------------------------------------------------- */

/* Adds NAME=value; a name that is there already gets the new value if `replaces`. */
static int add_variable(ssh_texts *environment, const char *variable, int replaces, penstock_error *error) {
  size_t length = strcspn(variable, "=") + 1;
  for (size_t i = 0; i < environment->count; i++) {
    if (strncmp(environment->items[i], variable, length) == 0) {
      return replaces ? set_text(&environment->items[i], variable, error) : 0;
    }
  }
  return add_text(environment, variable, error);
}

/* Our environment, as far as it matches. The terminal's type is of no use without a terminal. */
int ssh_apply_send_env(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  for (char **variable = environ; *variable; variable++) {
    char name[256];
    size_t length = strcspn(*variable, "=");
    if (length == 0 || length >= sizeof(name) || (*variable)[length] != '=') {
      continue;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, *variable);
    if (strcmp(name, "TERM") != 0 && ssh_pattern_match(name, line->value) &&
        add_variable(&settings->environment, *variable, 0, error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

int ssh_apply_set_env(ssh_settings *settings, const ssh_config_line *line, penstock_error *error) {
  if (strncmp(line->value, "TERM=", 5) == 0 || !strchr(line->value, '=')) {
    return 0;
  }
  return add_variable(&settings->environment, line->value, 1, error);
}
