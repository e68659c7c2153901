/* SPDX-License-Identifier: MIT */
/* How to log in, as far as ssh_config says it. */
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/ssh/config/ssh_settings.h"

/* ssh's own order, and the keyword that turns each off. */
static const struct {
  const char *name;
  const char *keyword;
} methods[] = {
    {"gssapi-with-mic", "gssapiauthentication"}, {"hostbased", "hostbasedauthentication"},
    {"publickey", "pubkeyauthentication"},       {"keyboard-interactive", "kbdinteractiveauthentication"},
    {"password", "passwordauthentication"},
};

static int is_on(const ssh_config *lines, const char *keyword) {
  const ssh_config_line *line = ssh_config_get(lines, keyword);
  return !line || (strcasecmp(line->value, "no") != 0 && strcasecmp(line->value, "false") != 0);
}

/* Is `name` one of the comma-separated `list`? NULL = all are. */
static int is_in(const char *list, const char *name) {
  size_t length = strlen(name);
  if (!list) {
    return 1;
  }
  for (const char *at = list; *at;) {
    size_t size = strcspn(at, ",");
    if (size == length && strncmp(at, name, length) == 0) {
      return 1;
    }
    at += size + strspn(at + size, ",");
  }
  return 0;
}

static int may_be_used(const ssh_config *lines, size_t method) {
  const ssh_config_line *preferred = ssh_config_get(lines, "preferredauthentications");
  return is_in(preferred ? preferred->value : NULL, methods[method].name) && is_on(lines, methods[method].keyword);
}

static const char *way_out(const ssh_config *lines) {
  if (may_be_used(lines, 0) || may_be_used(lines, 1)) {
    return "`transport = openssh` logs in as your ssh does; or set `auth = publickey` if a key is known there";
  }
  if (may_be_used(lines, 3)) {
    return "If the server is to ask you questions, set `auth = keyboard-interactive`; if a key is known there, "
           "`auth = publickey`";
  }
  return "A password is never sent. Make a key with ssh-keygen, put the line of its .pub file into "
         ".ssh/authorized_keys "
         "there (ssh-copy-id does that, where there is one), and set `auth = publickey`";
}

static int refuse(const ssh_settings *settings, const ssh_config *lines, penstock_error *error) {
  const ssh_config_line *preferred = ssh_config_get(lines, "preferredauthentications");
  char left[128] = "";
  size_t used = 0;
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    if (may_be_used(lines, i)) {
      used += (size_t)snprintf(left + used, sizeof(left) - used, "%s%s", used ? ", " : "", methods[i].name);
    }
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "ssh_config allows no login with a key to %s (%s%s): it leaves %s", settings->alias,
                      is_on(lines, "pubkeyauthentication") ? "PreferredAuthentications " : "PubkeyAuthentication no",
                      is_on(lines, "pubkeyauthentication") && preferred ? preferred->value : "",
                      left[0] ? left : "nothing");
  penstock_next(error, "%s", way_out(lines));
  return PENSTOCK_E_FAILED;
}

/* A token's keys are not offered. Is there anything else that could be? */
static int check_token(const ssh_settings *settings, const ssh_config *lines, penstock_error *error) {
  const ssh_config_line *provider = ssh_config_get(lines, "pkcs11provider");
  if (!provider || strcasecmp(provider->value, "none") == 0 || settings->agent_socket || !settings->keys_are_default) {
    return 0;
  }
  for (size_t i = 0; i < settings->keys.count; i++) {
    if (access(settings->keys.items[i], F_OK) == 0) {
      return 0;
    }
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "PKCS11Provider %.200s is all that ssh_config has to log in to %s with, and keys on a token are "
                      "not offered",
                      provider->value, settings->alias);
  penstock_next(error, "`transport = openssh` offers them; or load the token into your agent: ssh-add -s %.200s",
                provider->value);
  return PENSTOCK_E_FAILED;
}

int ssh_settings_choose_login(ssh_settings *settings, const ssh_config *lines, penstock_error *error) {
  enum { PUBLICKEY = 2 };
  if (settings->methods.count == 0) {
    if (!may_be_used(lines, PUBLICKEY)) {
      return refuse(settings, lines, error);
    }
    if (ssh_texts_add(&settings->methods, methods[PUBLICKEY].name)) {
      return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    }
  }
  return check_token(settings, lines, error);
}
