/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_profile.h"

#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_agent_choice.h"
#include "common/ssh/config/ssh_jump.h"
#include "common/ssh/config/ssh_local.h"

enum { KEYS_MAX = 16 };

const char *const ssh_host_key_choices[] = {"strict", "accept-new", NULL};

/* Where the user set an option, for a message: "profiles.ini:12: ". */
static const char *origin(const penstock_config *config, const char *key, char *text, size_t size) {
  const char *place = config->get_origin(config, key);
  (void)snprintf(text, size, "%s%s", place ? place : "", place ? ": " : "");
  return text;
}

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

static int bad_option(const penstock_config *config, const char *key, const char *value, const char *why,
                      penstock_error *error) {
  char where[512];
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%s = %s: %s",
                       origin(config, key, where, sizeof(where)), key, value, why);
}

/* --- what ssh is asked ----------------------------------------------------------------------------- */

static int add(ssh_request *request, const penstock_config *config, const char *key, const char *keyword,
               const char *value, penstock_error *error) {
  if (ssh_request_add(request, keyword, value)) {
    (void)bad_option(config, key, value, "it holds a character that no ssh setting can", error);
    penstock_next(error, "A setting of ssh cannot have double quotes or line ends in it");
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

/* The name of a file, exactly as it is: ssh would take a percent sign for a token's. */
static int add_file(ssh_request *request, const penstock_config *config, const char *key, const char *keyword,
                    const char *file, penstock_error *error) {
  char *path = ssh_expand_home(file);
  char *quoted = path ? malloc(2 * strlen(path) + 1) : NULL;
  char *to = quoted;
  if (!quoted) {
    free(path);
    return out_of_memory(error);
  }
  for (const char *at = path; *at; at++) {
    *to++ = *at;
    if (*at == '%') {
      *to++ = '%';
    }
  }
  *to = '\0';
  int result;
  if (strstr(path, "${")) {
    result = bad_option(config, key, path, "ssh would take ${ for a variable: rename the file", error);
  } else {
    result = add(request, config, key, keyword, quoted, error);
  }
  free(quoted);
  free(path);
  return result;
}

/* A boolean option that the user set. */
static int add_bool(ssh_request *request, const penstock_config *config, const char *key, const char *keyword,
                    penstock_error *error) {
  int64_t value = config->get_int(config, key, -1);
  return value >= 0 ? add(request, config, key, keyword, value ? "yes" : "no", error) : 0;
}

static int add_files(ssh_request *request, const penstock_config *config, const char *key, const char *keyword,
                     penstock_error *error) {
  const char *item;
  for (uint32_t i = 0; (item = config->get_item(config, key, i)); i++) {
    if (add_file(request, config, key, keyword, item, error)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int add_joined(ssh_request *request, const penstock_config *config, const char *key, const char *keyword,
                      penstock_error *error) {
  char list[2048] = "";
  size_t used = 0;
  const char *item;
  for (uint32_t i = 0; (item = config->get_item(config, key, i)); i++) {
    used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? "," : "", item);
    if (used >= sizeof(list)) {
      return bad_option(config, key, "…", "the list is too long", error);
    }
  }
  return used ? add(request, config, key, keyword, list, error) : 0;
}

/* ssh takes the rest of the line as it is, and knows no blanks in it. */
static int add_jump(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *value = config->get_string(config, "jump");
  char where[512];
  if (!value) {
    return 0;
  }
  char *list = ssh_jump_check(value, error);
  if (!list) {
    if (error && error->error_class == PENSTOCK_CLASS_CONFIG) {
      char words[200];
      (void)snprintf(words, sizeof(words), "%.199s", error->what);
      (void)snprintf(error->what, sizeof(error->what), "%s%s", origin(config, "jump", where, sizeof(where)), words);
    }
    return PENSTOCK_E_FAILED;
  }
  int result = ssh_request_add_written(request, "ProxyJump", list);
  free(list);
  return result ? out_of_memory(error) : 0;
}

static int add_port(ssh_request *request, const penstock_config *config, penstock_error *error) {
  char text[16];
  int64_t port = config->get_int(config, "port", 0);
  (void)snprintf(text, sizeof(text), "%d", (int)port);
  return port ? add(request, config, "port", "Port", text, error) : 0;
}

static int add_user(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *user = config->get_string(config, "user");
  if (user && !ssh_request_is_user(user)) {
    return bad_option(config, "user", user, "not a user name", error);
  }
  return user ? add(request, config, "user", "User", user, error) : 0;
}

/* "Keyword=value" or "Keyword value", as ssh -o takes it. */
static int add_options(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *item;
  for (uint32_t i = 0; (item = config->get_item(config, "ssh_options", i)); i++) {
    char keyword[64];
    size_t length = strspn(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    const char *value = item + length + strspn(item + length, " \t=");
    if (length == 0 || length >= sizeof(keyword) || value == item + length || value[0] == '\0') {
      (void)bad_option(config, "ssh_options", item, "not \"Keyword=value\"", error);
      penstock_next(error, "Write each as ssh -o takes it, in quotes if it holds a comma: \"Ciphers=aes128-ctr\"");
      return PENSTOCK_E_FAILED;
    }
    (void)snprintf(keyword, sizeof(keyword), "%.*s", (int)length, item);
    if (strcasecmp(keyword, "User") == 0 && !ssh_request_is_user(value)) {
      return bad_option(config, "ssh_options", item, "not a user name", error);
    }
    if (ssh_request_add_written(request, keyword, value)) {
      return bad_option(config, "ssh_options", item, "it holds a line end", error);
    }
  }
  return 0;
}

static int set_config_file(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *file = config->get_string(config, "ssh_config");
  if (!file) {
    return 0;
  }
  free(request->config_file);
  request->config_file = strdup(file);
  return request->config_file ? 0 : out_of_memory(error);
}

/* What ssh cannot be told is for ssh_profile_overlay. */
static int add_agent(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *value = config->get_string(config, "agent");
  ssh_agent_choice choice = ssh_agent_choose(value);
  switch (choice) {
  case SSH_AGENT_NONE:
    return add(request, config, "agent", "IdentityAgent", "none", error);
  case SSH_AGENT_PATH:
    return add_file(request, config, "agent", "IdentityAgent", value, error);
  case SSH_AGENT_UNKNOWN:
    (void)bad_option(config, "agent", value, "no agent of this system", error);
    penstock_next(error, "It can be yes, no, or %s", ssh_agent_choices);
    return PENSTOCK_E_FAILED;
  default:
    return 0;
  }
}

int ssh_profile_hop_request(ssh_request *request, const penstock_config *config, penstock_error *error) {
  const char *policy = config->get_string(config, "host_key");
  const char *known_hosts = config->get_string(config, "known_hosts");
  if (set_config_file(request, config, error) ||
      (known_hosts && add_file(request, config, "known_hosts", "UserKnownHostsFile", known_hosts, error)) ||
      (policy && add(request, config, "host_key", "StrictHostKeyChecking",
                     strcmp(policy, "accept-new") == 0 ? "accept-new" : "yes", error)) ||
      add_agent(request, config, error)) {
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

static int add_all(ssh_request *request, const penstock_config *config, penstock_error *error) {
  return ssh_profile_hop_request(request, config, error) || add_port(request, config, error) ||
                 add_user(request, config, error) || add_jump(request, config, error) ||
                 add_files(request, config, "key", "IdentityFile", error) ||
                 add_files(request, config, "certificate", "CertificateFile", error) ||
                 add_bool(request, config, "identities_only", "IdentitiesOnly", error) ||
                 add_joined(request, config, "ciphers", "Ciphers", error) ||
                 add_bool(request, config, "compression", "Compression", error) || add_options(request, config, error)
             ? PENSTOCK_E_FAILED
             : 0;
}

/* The profile's options come before those that are there: of two, the first one holds. */
static int append_options(ssh_request *request, const ssh_request *more) {
  for (size_t i = 0; i < more->option_count; i++) {
    char **grown = realloc(request->options, (request->option_count + 1) * sizeof(*grown));
    char *copy = grown ? strdup(more->options[i]) : NULL;
    request->options = grown ? grown : request->options;
    if (!copy) {
      return PENSTOCK_E_FAILED;
    }
    request->options[request->option_count++] = copy;
  }
  return 0;
}

int ssh_profile_request(ssh_request *request, const penstock_config *config, const char *host, penstock_error *error) {
  ssh_request made = {0};
  int result = ssh_request_set_host(&made, host ? host : config->get_string(config, "host"), error);
  if (result && !host && error) {
    char words[200];
    char where[200];
    (void)snprintf(words, sizeof(words), "%.199s", error->what);
    (void)snprintf(error->what, sizeof(error->what), "%shost = %s", origin(config, "host", where, sizeof(where)),
                   words);
  }
  if (!result) {
    result = add_all(&made, config, error);
  }
  if (!result && append_options(&made, request)) {
    result = out_of_memory(error);
  }
  if (result) {
    ssh_request_clear(&made);
    return PENSTOCK_E_FAILED;
  }
  if (!made.config_file && request->config_file) {
    made.config_file = request->config_file;
    request->config_file = NULL;
  }
  ssh_request_clear(request);
  *request = made;
  return 0;
}

/* --- what a request cannot say --------------------------------------------------------------------- */

static int overlay_files(ssh_texts *texts, const penstock_config *config, const char *key, penstock_error *error) {
  const char *item = config->get_item(config, key, 0);
  if (!item) {
    return 0;
  }
  ssh_texts_clear(texts);
  for (uint32_t i = 0; (item = config->get_item(config, key, i)); i++) {
    if (i == KEYS_MAX) {
      (void)bad_option(config, key, "…", "more than 16 files", error);
      penstock_next(error, "Servers allow about six tries: name the one key that this host knows");
      return PENSTOCK_E_FAILED;
    }
    char *path = ssh_expand_home(item);
    int result = !path || ssh_texts_add(texts, path);
    free(path);
    if (result) {
      return out_of_memory(error);
    }
  }
  return 0;
}

int ssh_profile_check_methods(const penstock_config *config, penstock_error *error) {
  const char *item;
  for (uint32_t i = 0; (item = config->get_item(config, "auth", i)); i++) {
    if (strcmp(item, "publickey") != 0 && strcmp(item, "keyboard-interactive") != 0) {
      (void)bad_option(config, "auth", item, "not a way to log in that penstock has", error);
      penstock_next(
          error, strcmp(item, "password") == 0
                     ? "A password is never sent. Make a key with ssh-keygen, and put the line of its .pub file into "
                       ".ssh/authorized_keys there (ssh-copy-id does that, where there is one)"
                     : "There are publickey and keyboard-interactive; `transport = openssh` has the others");
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int overlay_methods(ssh_texts *methods, const penstock_config *config, penstock_error *error) {
  const char *item;
  for (uint32_t i = 0; (item = config->get_item(config, "auth", i)); i++) {
    if (ssh_texts_add(methods, item)) {
      return out_of_memory(error);
    }
  }
  return 0;
}

/* The one file of the profile, in place of the user's; the system's stay. */
static int overlay_known_hosts(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  const char *file = config->get_string(config, "known_hosts");
  ssh_texts files = {0};
  int result = file ? ssh_texts_add(&files, file) : 0;
  for (size_t i = settings->known_hosts_own; file && i < settings->known_hosts.count && !result; i++) {
    result = ssh_texts_add(&files, settings->known_hosts.items[i]);
  }
  if (!file || result) {
    ssh_texts_clear(&files);
    return result ? out_of_memory(error) : 0;
  }
  ssh_texts_clear(&settings->known_hosts);
  settings->known_hosts = files;
  settings->known_hosts_own = 1;
  return 0;
}

/* A SHA-256 in base64 without padding has 43 characters. */
static int overlay_fingerprint(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const char prefix[] = "SHA256:";
  const char *text = config->get_string(config, "host_key_fingerprint");
  if (!text) {
    return 0;
  }
  size_t prefix_size = sizeof(prefix) - 1;
  int is_well_formed = strncmp(text, prefix, prefix_size) == 0;
  size_t length = is_well_formed ? strspn(text + prefix_size, digits) : 0;
  if (length != 43 || strspn(text + prefix_size + length, "=") != strlen(text + prefix_size + length)) {
    (void)bad_option(config, "host_key_fingerprint", text, "not a SHA256 fingerprint", error);
    penstock_next(error, "It is what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host: SHA256: "
                         "and 43 characters");
    return PENSTOCK_E_FAILED;
  }
  settings->fingerprint = strndup(text, prefix_size + length);
  return settings->fingerprint ? 0 : out_of_memory(error);
}

static int overlay_keys(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  if (config->get_item(config, "key", 0)) {
    settings->keys_are_default = 0;
    settings->identities_only = (int)config->get_int(config, "identities_only", 1);
  }
  return overlay_files(&settings->keys, config, "key", error) ||
                 overlay_files(&settings->certificates, config, "certificate", error) ||
                 overlay_methods(&settings->methods, config, error)
             ? PENSTOCK_E_FAILED
             : 0;
}

static int overlay_agent(ssh_settings *settings, const penstock_config *config, penstock_error *error) {
  const char *value = config->get_string(config, "agent");
  if (ssh_agent_choose(value) != SSH_AGENT_BY_NAME) {
    return 0;
  }
  free(settings->agent_socket);
  settings->agent_socket = strdup(value);
  return settings->agent_socket ? 0 : out_of_memory(error);
}

int ssh_profile_overlay(ssh_settings *settings, const penstock_config *config, int is_hop, penstock_error *error) {
  const char *passphrase = config->get_string(config, "passphrase");
  int64_t keepalive = config->get_int(config, "keepalive", 0);
  if (keepalive > 0) {
    settings->keepalive_ms = (uint32_t)keepalive;
    settings->keepalive_count = 3;
  }
  settings->passphrase = passphrase ? strdup(passphrase) : NULL;
  if (passphrase && !settings->passphrase) {
    return out_of_memory(error);
  }
  if (overlay_known_hosts(settings, config, error) || overlay_agent(settings, config, error)) {
    return PENSTOCK_E_FAILED;
  }
  if (is_hop) {
    return 0;
  }
  return overlay_keys(settings, config, error) || overlay_fingerprint(settings, config, error) ? PENSTOCK_E_FAILED : 0;
}
