/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_settings.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/ssh_keywords.h"
#include "common/ssh/ssh_profile.h"

enum { KEEPALIVE_MS = 5000, KEEPALIVE_COUNT = 3 };

static const char aes_first[] = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
                                "aes128-ctr,aes192-ctr,aes256-ctr";
static const char chacha_first[] = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
                                   "aes128-ctr,aes192-ctr,aes256-ctr";

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

int ssh_texts_add(ssh_texts *texts, const char *text) {
  char *copy = strdup(text);
  char **grown = copy ? realloc(texts->items, (texts->count + 2) * sizeof(*grown)) : NULL;
  if (!grown) {
    free(copy);
    return PENSTOCK_E_FAILED;
  }
  texts->items = grown;
  grown[texts->count++] = copy;
  grown[texts->count] = NULL;
  return 0;
}

void ssh_texts_clear(ssh_texts *texts) {
  for (size_t i = 0; i < texts->count; i++) {
    free(texts->items[i]);
  }
  free(texts->items);
  memset(texts, 0, sizeof(*texts));
}

char *ssh_expand_home(const char *path) {
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[4096];
  if (path[0] != '~' || path[1] != '/') {
    return strdup(path);
  }
  const char *home = getenv("HOME");
  if (!home || home[0] != '/') {
    home = getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found ? found->pw_dir : "";
  }
  size_t size = strlen(home) + strlen(path);
  char *expanded = malloc(size);
  if (expanded) {
    (void)snprintf(expanded, size, "%s%s", home, path + 1);
  }
  return expanded;
}

void ssh_settings_clear(ssh_settings *settings) {
  char *const texts[] = {settings->profile,
                         settings->alias,
                         settings->host,
                         settings->user,
                         settings->jump,
                         settings->proxy_command,
                         settings->bind_address,
                         settings->bind_interface,
                         settings->ciphers,
                         settings->macs,
                         settings->kex,
                         settings->host_key_algorithms,
                         settings->pubkey_algorithms,
                         settings->host_key_alias,
                         settings->fingerprint,
                         settings->known_hosts_file,
                         settings->passphrase,
                         settings->agent_socket};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    free(texts[i]);
  }
  ssh_texts_clear(&settings->known_hosts);
  ssh_texts_clear(&settings->keys);
  ssh_texts_clear(&settings->certificates);
  ssh_texts_clear(&settings->methods);
  ssh_texts_clear(&settings->environment);
  memset(settings, 0, sizeof(*settings));
}

/* What holds if nobody says anything. */
static int set_defaults(ssh_settings *settings, const ssh_request *request, const char *profile,
                        penstock_error *error) {
  const char *agent = getenv("SSH_AUTH_SOCK");
  settings->port = 22;
  settings->tcp_keepalive = 1;
  settings->connect_attempts = 1;
  settings->keepalive_ms = KEEPALIVE_MS;
  settings->keepalive_count = KEEPALIVE_COUNT;
  settings->profile = strdup(profile);
  settings->alias = strdup(request->host);
  settings->agent_socket = agent && agent[0] ? strdup(agent) : NULL;
  return settings->profile && settings->alias && (!agent || !agent[0] || settings->agent_socket) ? 0
                                                                                                 : out_of_memory(error);
}

static int apply_lines(ssh_settings *settings, const ssh_config *lines, penstock_error *error) {
  for (size_t i = 0; i < lines->count; i++) {
    const ssh_keyword *keyword = ssh_keyword_find(lines->lines[i].keyword);
    if (keyword && keyword->apply && keyword->apply(settings, &lines->lines[i], error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int expand_paths(ssh_texts *texts, penstock_error *error) {
  for (size_t i = 0; i < texts->count; i++) {
    char *expanded = ssh_expand_home(texts->items[i]);
    if (!expanded) {
      return out_of_memory(error);
    }
    free(texts->items[i]);
    texts->items[i] = expanded;
  }
  return 0;
}

/* What follows from the rest. */
static int complete(ssh_settings *settings, const ssh_request *request, penstock_error *error) {
  if (!settings->host) {
    settings->host = strdup(request->host);
  }
  if (!settings->ciphers) {
    settings->ciphers = strdup(cpu_has_aes() ? aes_first : chacha_first);
  }
  if (settings->methods.count == 0 && ssh_texts_add(&settings->methods, "publickey")) {
    return out_of_memory(error);
  }
  if (!settings->host || !settings->ciphers || expand_paths(&settings->keys, error) ||
      expand_paths(&settings->certificates, error) || expand_paths(&settings->known_hosts, error)) {
    return out_of_memory(error);
  }
  if (!settings->known_hosts_file && settings->known_hosts.count > 0) {
    settings->known_hosts_file = strdup(settings->known_hosts.items[0]);
    return settings->known_hosts_file ? 0 : out_of_memory(error);
  }
  return 0;
}

int ssh_settings_apply(ssh_settings *settings, const ssh_config *lines, const ssh_request *request,
                       const penstock_config *config, const penstock_host *host, int is_hop, penstock_error *error) {
  (void)host;
  memset(settings, 0, sizeof(*settings));
  if (set_defaults(settings, request, config->profile, error) || apply_lines(settings, lines, error) ||
      ssh_profile_overlay(settings, config, is_hop, error) || complete(settings, request, error)) {
    ssh_settings_clear(settings);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

int ssh_settings_resolve(ssh_settings *settings, const ssh_request *request, const penstock_config *config,
                         const penstock_host *host, int is_hop, uint64_t deadline_ms, penstock_error *error) {
  ssh_config lines;
  if (ssh_config_load(&lines, request, SSH_CONFIG_ANY, deadline_ms, error)) {
    return PENSTOCK_E_FAILED;
  }
  int result = ssh_settings_apply(settings, &lines, request, config, host, is_hop, error);
  ssh_config_unload(&lines);
  return result;
}
