/* SPDX-License-Identifier: MIT */
/* `penstock check` without a connection: what the settings are, where they come from, and what is wrong with them. */
#include <stdlib.h>

#include "common/ssh/config/ssh_path.h"
#include "common/ssh/login/key_agent.h"
#include "common/ssh/login/key_file.h"
#include "common/ssh/ssh_hop.h"
#include "common/ssh/ssh_options.h"

/* A check that runs. */
typedef struct inspection {
  const ssh_link *link;
  const ssh_settings *settings;
  const penstock_check_sink *sink;
} inspection;

PENSTOCK_PRINTF(3, 4)
static void found(const inspection *self, const char *name, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  self->sink->found(self->sink->context, name, text);
}

static void found_texts(const inspection *self, const char *name, const ssh_texts *texts) {
  char list[1024] = "";
  size_t used = 0;
  for (size_t i = 0; i < texts->count && used < sizeof(list); i++) {
    used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", texts->items[i]);
  }
  if (texts->count > 0) {
    found(self, name, "%s", list);
  }
}

static void tell_host(const inspection *self) {
  const ssh_settings *settings = self->settings;
  found(self, "settings", "%s%s%s", settings->source, self->link->request.config_file ? ", file: " : "",
        self->link->request.config_file ? self->link->request.config_file : "");
  found(self, "host", "%s, port %u, user %s", settings->host, (unsigned)settings->port, settings->user);
  if (settings->proxy_command) {
    found(self, "proxy command", "%s", settings->proxy_command);
  }
}

static void tell_trust(const inspection *self) {
  const ssh_settings *settings = self->settings;
  if (settings->fingerprint) {
    found(self, "host key", "%s alone", settings->fingerprint);
    return;
  }
  int is_kept = settings->known_hosts_file && !ssh_path_is_null(settings->known_hosts_file);
  found(self, "host key", "%s%s%s%s, new hosts are %s", settings->host_key_alias ? "looked up as " : "",
        settings->host_key_alias ? settings->host_key_alias : "", settings->host_key_alias ? " in " : "",
        settings->known_hosts_file ? settings->known_hosts_file : "no file of your own",
        settings->host_key == SSH_HOST_KEY_STRICT ? "refused"
        : is_kept                                 ? "remembered"
                                                  : "taken each time and not remembered: any host may answer");
}

static void tell_login(const inspection *self) {
  const ssh_settings *settings = self->settings;
  found_texts(self, "login", &settings->methods);
  if (!settings->keys_are_default) {
    found_texts(self, "key", &settings->keys);
  }
  found_texts(self, "certificate", &settings->certificates);
  found(self, "agent", "%s%s",
        !settings->agent_socket                               ? "none"
        : strcmp(settings->agent_socket, KEY_AGENT_AUTO) == 0 ? "OpenSSH's, else Pageant"
                                                              : settings->agent_socket,
        settings->agent_socket && settings->identities_only ? ", for the named keys only" : "");
}

/* --- files ----------------------------------------------------------------------------------------- */

/* A key that was named. One that is not there is no mistake if the agent may hold it, or others are there. */
static void check_key(const inspection *self, const char *path, int others_usable) {
  penstock_error error = {.struct_size = sizeof(error)};
  key_file file;
  key_file_look(&file, path);
  int is_agents = file.blob && self->settings->agent_socket;
  int is_own = self->link->config->get_item(self->link->config, "key", 0) != NULL && !self->link->is_hop;
  if (!file.is_usable && !is_agents) {
    int is_error = is_own || !file.is_missing || !others_usable;
    const char *where = is_own ? self->link->config->get_origin(self->link->config, "key") : NULL;
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%skey file %s %s", where ? where : "",
                        where ? ": " : "", path, file.problem);
    penstock_next(&error, "%s", file.remedy);
    self->sink->problem(self->sink->context, is_error ? PENSTOCK_LOG_ERROR : PENSTOCK_LOG_WARN, &error);
  }
  key_file_clear(&file);
}

static int is_key_usable(const char *path) {
  key_file file;
  key_file_look(&file, path);
  int result = file.is_usable;
  key_file_clear(&file);
  return result;
}

static void check_keys(const inspection *self) {
  const ssh_texts *keys = &self->settings->keys;
  int usable = self->settings->agent_socket && !self->settings->identities_only;
  for (size_t i = 0; i < keys->count; i++) {
    usable = usable || is_key_usable(keys->items[i]);
  }
  for (size_t i = 0; i < keys->count && !self->settings->keys_are_default; i++) {
    check_key(self, keys->items[i], usable);
  }
}

static void check_certificates(const inspection *self) {
  const ssh_texts *files = &self->settings->certificates;
  for (size_t i = 0; i < files->count; i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    key_cert cert = {0};
    char why[256] = "";
    if (key_file_read_cert(&cert, files->items[i], why, sizeof(why))) {
      (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "certificate %s %s", files->items[i], why);
      self->sink->problem(self->sink->context, PENSTOCK_LOG_WARN, &error);
    } else {
      key_cert_clear(&cert);
    }
  }
}

static void check_files(const inspection *self) {
  check_keys(self);
  check_certificates(self);
}

/* --- hosts on the way ------------------------------------------------------------------------------ */

static void tell_problem(const inspection *self, const penstock_error *error) {
  self->sink->problem(self->sink->context, PENSTOCK_LOG_ERROR, error);
}

/*
 * The host before the one at the end of `way`, and those before it. Each has its own settings and its own mistakes.
 * `way` goes from the far end on, and has room for one host more than may be there.
 */
static void check_hops(const penstock_check_sink *sink, const ssh_link **way, size_t count, uint64_t deadline_ms) {
  const ssh_link *upper = way[count - 1];
  const ssh_link *from_here[SSH_HOPS_MAX + 2];
  penstock_error error = {.struct_size = sizeof(error)};
  ssh_request request = {0};
  inspection self = {.sink = sink};
  ssh_link *link = NULL;
  if (!upper->settings.jump) {
    return;
  }
  if (ssh_hop_request(upper, &request, &error) == 0) {
    link = ssh_link_create(upper->host, upper->config, &request, 1, &error);
  }
  int result = link ? ssh_link_resolve(link, deadline_ms, &error) : PENSTOCK_E_FAILED;
  if (result == 0) {
    way[count++] = link;
    for (size_t i = 0; i < count; i++) {
      from_here[i] = way[count - 1 - i];
    }
    result = ssh_hop_check_way(from_here, count, &error);
  }
  if (result) {
    tell_problem(&self, &error);
  } else {
    self.link = link;
    self.settings = &link->settings;
    check_hops(sink, way, count, deadline_ms); /* the nearest host first */
    found(&self, "by way of", "%s: %s, port %u, user %s", link->request.host, link->settings.host,
          (unsigned)link->settings.port, link->settings.user);
    check_files(&self);
    if (ssh_options_check(&link->settings, &error)) {
      tell_problem(&self, &error);
    }
  }
  ssh_link_destroy(link);
  ssh_request_clear(&request);
}

int32_t ssh_link_inspect(ssh_link *link, uint64_t deadline_ms, const penstock_check_sink *sink, penstock_error *error) {
  const inspection self = {.link = link, .settings = &link->settings, .sink = sink};
  const ssh_link *way[SSH_HOPS_MAX + 2] = {link};
  if (ssh_link_resolve(link, deadline_ms, error)) {
    return PENSTOCK_E_FAILED;
  }
  tell_host(&self);
  check_hops(sink, way, 1, deadline_ms);
  tell_trust(&self);
  tell_login(&self);
  check_files(&self);
  return ssh_options_check(&link->settings, error);
}
