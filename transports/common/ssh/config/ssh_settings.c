/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_settings.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_algorithms.h"
#include "common/ssh/config/ssh_keywords.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/login/key_agent.h"

enum {
  KEEPALIVE_MS = 5000,
  KEEPALIVE_COUNT = 3,
  KEEPALIVE_MAX_SECONDS = 86400,
  KEEPALIVE_MAX_COUNT = 1000,
  DEBIAN_BATCH_SECONDS = 300
};

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
  const char *agent = key_agent_default();
  settings->port = 22;
  settings->tcp_keepalive = 1;
  settings->connect_attempts = 1;
  settings->keepalive_ms = KEEPALIVE_MS;
  settings->keepalive_count = KEEPALIVE_COUNT;
  settings->profile = strdup(profile);
  settings->alias = strdup(request->host);
  settings->agent_socket = agent ? strdup(agent) : NULL;
  return settings->profile && settings->alias && (!agent || settings->agent_socket) ? 0 : out_of_memory(error);
}

/*
 * A dead host is always found out: 0, ssh's default, means our own interval. Debian's ssh makes 300 of it where
 * BatchMode is set: nobody has asked for that.
 */
static void apply_keepalive(ssh_settings *settings, const ssh_config *lines) {
  const ssh_config_line *interval = ssh_config_get(lines, "serveraliveinterval");
  const ssh_config_line *count = ssh_config_get(lines, "serveralivecountmax");
  const ssh_config_line *batch = ssh_config_get(lines, "batchmode");
  unsigned long seconds = interval && interval->is_set ? strtoul(interval->value, NULL, 10) : 0;
  unsigned long times = count ? strtoul(count->value, NULL, 10) : 0;
  if (seconds == 0 || (seconds == DEBIAN_BATCH_SECONDS && batch && strcmp(batch->value, "yes") == 0)) {
    return;
  }
  settings->keepalive_ms = 1000u * (uint32_t)(seconds < KEEPALIVE_MAX_SECONDS ? seconds : KEEPALIVE_MAX_SECONDS);
  if (times > 0 && times <= KEEPALIVE_MAX_COUNT) {
    settings->keepalive_count = (unsigned)times;
  }
}

static int apply_lines(ssh_settings *settings, const ssh_config *lines, penstock_error *error) {
  for (size_t i = 0; i < lines->count; i++) {
    const ssh_keyword *keyword = ssh_keyword_find(lines->lines[i].keyword);
    if (keyword && keyword->apply && keyword->apply(settings, &lines->lines[i], error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  apply_keepalive(settings, lines);
  if (!settings->host) {
    settings->host = strdup(settings->alias);
  }
  return settings->host ? 0 : out_of_memory(error);
}

/* `no` is not done as it is written. */
static void warn_of_policy(const ssh_config *lines, const ssh_request *request, const char *profile,
                           const penstock_host *host) {
  const ssh_config_line *line = ssh_config_get(lines, "stricthostkeychecking");
  if (line &&
      (strcmp(line->value, "no") == 0 || strcmp(line->value, "off") == 0 || strcmp(line->value, "false") == 0)) {
    char topic[320];
    (void)snprintf(topic, sizeof(topic), "%s %s", line->keyword, request->host); /* for each host on the way */
    ssh_keywords_warn(host, profile, topic,
                      "StrictHostKeyChecking no (for %s): a new host is taken without a question and remembered, as "
                      "with accept-new; a changed host key is refused all the same",
                      request->host);
  }
}

/* What follows from the rest. */
static int complete(ssh_settings *settings, penstock_error *error) {
  if (!settings->ciphers) {
    settings->ciphers = strdup(ssh_default_ciphers());
  }
  if (settings->known_hosts_own > 0) {
    settings->known_hosts_file = strdup(settings->known_hosts.items[0]);
  }
  return settings->ciphers && (settings->known_hosts_own == 0 || settings->known_hosts_file) ? 0 : out_of_memory(error);
}

int ssh_settings_apply(ssh_settings *settings, const ssh_config *lines, const ssh_request *request,
                       const penstock_config *config, const penstock_host *host, int is_hop, penstock_error *error) {
  memset(settings, 0, sizeof(*settings));
  if (ssh_keywords_judge(lines, request, config->profile, host, error) ||
      set_defaults(settings, request, config->profile, error) || apply_lines(settings, lines, error) ||
      ssh_settings_expand(settings, error) || ssh_profile_overlay(settings, config, is_hop, error) ||
      ssh_settings_choose_login(settings, lines, error) || complete(settings, error)) {
    ssh_settings_clear(settings);
    return PENSTOCK_E_FAILED;
  }
  (void)snprintf(settings->source, sizeof(settings->source), "%s", lines->source);
  warn_of_policy(lines, request, config->profile, host);
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
