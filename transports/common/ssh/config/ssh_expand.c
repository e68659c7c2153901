/* SPDX-License-Identifier: MIT */
/* What ssh -G leaves to be expanded when the value is used. */
#include <stdlib.h>

#include "common/ssh/config/ssh_settings.h"
#include "common/ssh/config/ssh_tokens.h"

/* The host of ProxyJump that is nearest, without user and port: "[user@]host[:port]" at the end of the list. */
static char *nearest_jump(const char *jump) {
  const char *item = strrchr(jump, ',');
  item = item ? item + 1 : jump;
  if (strncmp(item, "ssh://", 6) == 0) {
    item += 6;
  }
  const char *at = strrchr(item, '@');
  item = at ? at + 1 : item;
  return item[0] == '[' ? strndup(item + 1, strcspn(item + 1, "]")) : strndup(item, strcspn(item, ":/"));
}

/* Replaces *text by what it expands to. `tokens` NULL = only `~`. */
static int expand(char **text, const ssh_local *local, const ssh_tokens *tokens, penstock_error *error) {
  char *path = *text ? ssh_local_path(local, *text, error) : NULL;
  if (path && tokens) {
    char *expanded = ssh_tokens_expand(tokens, path, SSH_TOKENS_ALL, 1, error);
    free(path);
    path = expanded;
  }
  if (!path) {
    return *text ? PENSTOCK_E_FAILED : 0;
  }
  free(*text);
  *text = path;
  return 0;
}

static int expand_each(ssh_texts *texts, const ssh_local *local, const ssh_tokens *tokens, penstock_error *error) {
  for (size_t i = 0; i < texts->count; i++) {
    if (expand(&texts->items[i], local, tokens, error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

/* A command or a list of hosts: no file name, and its variables are the shell's. */
static int expand_proxy(char **text, const ssh_tokens *tokens, penstock_error *error) {
  if (!*text) {
    return 0;
  }
  char *expanded = ssh_tokens_expand(tokens, *text, SSH_TOKENS_PROXY, 0, error);
  if (!expanded) {
    return PENSTOCK_E_FAILED;
  }
  free(*text);
  *text = expanded;
  return 0;
}

int ssh_settings_expand(ssh_settings *settings, penstock_error *error) {
  ssh_local local;
  if (ssh_local_get(&local, error)) {
    return PENSTOCK_E_FAILED;
  }
  if (!settings->user && !(settings->user = strdup(local.user))) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  char *jump = settings->jump ? nearest_jump(settings->jump) : NULL;
  const ssh_tokens tokens = {
      .local = &local,
      .host = settings->host,
      .alias = settings->alias,
      .key_alias = settings->host_key_alias,
      .user = settings->user,
      .jump = jump,
      .port = settings->port,
  };
  /* ssh -G has expanded these two already, but for a `~` in versions before 8.4. */
  int result = expand_each(&settings->known_hosts, &local, NULL, error) ||
               expand(&settings->agent_socket, &local, NULL, error) ||
               expand_each(&settings->keys, &local, &tokens, error) ||
               expand_each(&settings->certificates, &local, &tokens, error) ||
               expand_proxy(&settings->jump, &tokens, error) || expand_proxy(&settings->proxy_command, &tokens, error);
  free(jump);
  return result ? PENSTOCK_E_FAILED : 0;
}
