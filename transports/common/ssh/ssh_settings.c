/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_settings.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOST_MAX = 245 /* so that [host]:port fits into known_hosts' 256 */ };

const char *const ssh_host_key_choices[] = {"strict", "accept-new", NULL};

static const char aes_first[] = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
                                "aes128-ctr,aes192-ctr,aes256-ctr";
static const char chacha_first[] = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
                                   "aes128-ctr,aes192-ctr,aes256-ctr";

void ssh_settings_clear(ssh_settings *settings) {
  free(settings->profile);
  free(settings->host);
  free(settings->user);
  for (size_t i = 0; i < settings->key_count; i++) {
    free(settings->keys[i]);
  }
  free(settings->passphrase);
  free(settings->agent_socket);
  for (size_t i = 0; settings->known_hosts[i]; i++) {
    free(settings->known_hosts[i]);
  }
  free(settings->fingerprint);
  free(settings->ciphers);
  memset(settings, 0, sizeof(*settings));
}

/* Where the user set an option, for a message: "profiles.ini:12: ". */
static const char *origin(const penstock_config *config, const char *key, char *text, size_t size) {
  const char *place = config->get_origin(config, key);
  (void)snprintf(text, size, "%s%s", place ? place : "", place ? ": " : "");
  return text;
}

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* The user database's entry of this user; lanes ask at the same time. NULL if there is none. `buffer` holds its text.
 */
static const struct passwd *local_user(struct passwd *entry, char *buffer, size_t size) {
  struct passwd *found = NULL;
  return getpwuid_r(geteuid(), entry, buffer, size, &found) == 0 ? found : NULL;
}

/* A path in a list is not expanded by the host, as one of type PATH is: `~/` is done here. */
static char *expand_path(const char *path) {
  struct passwd entry;
  char buffer[4096];
  if (path[0] != '~' || path[1] != '/') {
    return strdup(path);
  }
  const char *home = getenv("HOME");
  if (!home || home[0] != '/') {
    const struct passwd *user = local_user(&entry, buffer, sizeof(buffer));
    home = user ? user->pw_dir : "";
  }
  size_t size = strlen(home) + strlen(path);
  char *expanded = malloc(size);
  if (expanded) {
    (void)snprintf(expanded, size, "%s%s", home, path + 1);
  }
  return expanded;
}

/* What goes into a packet or a file name of ours must be one word that no one can take for an option or a line. */
static int is_word(const char *text) {
  if (text[0] == '\0' || text[0] == '-') {
    return 0;
  }
  for (const char *c = text; *c; c++) {
    if ((unsigned char)*c <= ' ' || *c == 0x7F) {
      return 0;
    }
  }
  return 1;
}

static int read_host(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  char where[512];
  const char *host = config->get_string(config, "host");
  if (!host || !is_word(host) || strlen(host) > HOST_MAX || strpbrk(host, "/@,*?!|#\"'")) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "%shost = %s: not the name or address of a host", origin(config, "host", where, sizeof(where)),
                        host ? host : "");
    penstock_next(error, "Write the host alone (gpu01.example.com); port and user have options of their own");
    return PENSTOCK_E_FAILED;
  }
  /* "[::1]" is how an address is written next to a port. */
  size_t length = strlen(host);
  int bracketed = host[0] == '[' && length > 2 && host[length - 1] == ']';
  settings->host = bracketed ? strndup(host + 1, length - 2) : strdup(host);
  settings->port = (uint16_t)config->get_int(config, "port", 22);
  return settings->host ? 0 : out_of_memory(error);
}

static int read_user(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  char where[512];
  struct passwd entry;
  char buffer[4096];
  const char *user = config->get_string(config, "user");
  if (!user) {
    const struct passwd *local = local_user(&entry, buffer, sizeof(buffer));
    user = local ? local->pw_name : NULL;
    if (!user) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "this user has no name here");
      penstock_next(error, "Set `user` in profile '%s'", settings->profile);
      return PENSTOCK_E_FAILED;
    }
  }
  if (!is_word(user)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%suser = %s: not a user name",
                         origin(config, "user", where, sizeof(where)), user);
  }
  settings->user = strdup(user);
  return settings->user ? 0 : out_of_memory(error);
}

static int add_key(ssh_settings *settings, char *path, penstock_error *error) {
  if (!path) {
    return out_of_memory(error);
  }
  settings->keys[settings->key_count++] = path;
  return 0;
}

static int read_keys(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  static const char *const usual[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};
  char where[512];
  const char *path;
  for (uint32_t i = 0; (path = config->get_item(config, "key", i)); i++) {
    if (settings->key_count == SSH_SETTINGS_KEYS_MAX) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%skey: more than %d key files",
                          origin(config, "key", where, sizeof(where)), SSH_SETTINGS_KEYS_MAX);
      penstock_next(error, "Servers allow about six tries: name the one key that this host knows");
      return PENSTOCK_E_FAILED;
    }
    if (add_key(settings, expand_path(path), error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  if (settings->key_count > 0) {
    return 0;
  }
  settings->keys_are_default = 1;
  for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
    if (add_key(settings, expand_path(usual[i]), error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int read_known_hosts(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  const char *user_file = config->get_string(config, "known_hosts");
  settings->known_hosts[0] = expand_path(user_file ? user_file : "~/.ssh/known_hosts");
  settings->known_hosts[1] = strdup("/etc/ssh/ssh_known_hosts");
  settings->known_hosts[2] = strdup("/etc/ssh/ssh_known_hosts2");
  if (!settings->known_hosts[0] || !settings->known_hosts[1] || !settings->known_hosts[2]) {
    return out_of_memory(error);
  }
  const char *policy = config->get_string(config, "host_key");
  settings->host_key = policy && strcmp(policy, "accept-new") == 0 ? SSH_HOST_KEY_ACCEPT_NEW : SSH_HOST_KEY_STRICT;
  return 0;
}

/* A SHA-256 in base64 without padding has 43 characters. */
static int read_fingerprint(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const char prefix[] = "SHA256:";
  char where[512];
  const char *text = config->get_string(config, "host_key_fingerprint");
  if (!text) {
    return 0;
  }
  size_t prefix_size = sizeof(prefix) - 1;
  int well_formed = strncmp(text, prefix, prefix_size) == 0;
  size_t length = well_formed ? strspn(text + prefix_size, digits) : 0;
  if (length != 43 || strspn(text + prefix_size + length, "=") != strlen(text + prefix_size + length)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "%shost_key_fingerprint = %s: not a SHA256 fingerprint",
                        origin(config, "host_key_fingerprint", where, sizeof(where)), text);
    penstock_next(error, "It is what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host: SHA256: "
                         "and 43 characters");
    return PENSTOCK_E_FAILED;
  }
  settings->fingerprint = strndup(text, prefix_size + length);
  return settings->fingerprint ? 0 : out_of_memory(error);
}

static int read_ciphers(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  char list[1024] = "";
  size_t used = 0;
  const char *cipher;
  for (uint32_t i = 0; (cipher = config->get_item(config, "ciphers", i)); i++) {
    int length = snprintf(list + used, sizeof(list) - used, "%s%s", used ? "," : "", cipher);
    if ((size_t)length >= sizeof(list) - used) {
      return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "ciphers: the list is too long");
    }
    used += (size_t)length;
  }
  settings->ciphers = strdup(used ? list : cpu_has_aes() ? aes_first : chacha_first);
  return settings->ciphers ? 0 : out_of_memory(error);
}

static int read_agent(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  const char *path = getenv("SSH_AUTH_SOCK");
  settings->identities_only = (int)config->get_int(config, "identities_only", !settings->keys_are_default);
  if (!config->get_int(config, "agent", 1) || !path || path[0] == '\0') {
    return 0;
  }
  settings->agent_socket = strdup(path);
  return settings->agent_socket ? 0 : out_of_memory(error);
}

static int read_passphrase(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  const char *reference = config->get_string(config, "passphrase");
  if (!reference) {
    return 0;
  }
  settings->passphrase = strdup(reference);
  return settings->passphrase ? 0 : out_of_memory(error);
}

int ssh_settings_read(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  memset(settings, 0, sizeof(*settings));
  settings->profile = strdup(config->profile);
  settings->keepalive_ms = (uint32_t)config->get_int(config, "keepalive", 5000);
  settings->compression = (int)config->get_int(config, "compression", 0);
  if (!settings->profile) {
    return out_of_memory(error);
  }
  if (read_host(settings, config, error) || read_user(settings, config, error) || read_keys(settings, config, error) ||
      read_passphrase(settings, config, error) || read_agent(settings, config, error) ||
      read_known_hosts(settings, config, error) || read_fingerprint(settings, config, error) ||
      read_ciphers(settings, config, error)) {
    ssh_settings_clear(settings);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}
