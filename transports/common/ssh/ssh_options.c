/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_options.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_algorithms.h"
#include "common/ssh/ssh_log.h"

enum { NAME_SIZE = 128, DROPPED_SIZE = 256 };

/* What is being set, for messages. */
typedef struct options {
  ssh_session session;
  const ssh_settings *settings;
  const penstock_host *host;
  penstock_error *error;
} options;

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

static int set(const options *self, enum ssh_options_e option, const void *value, const char *name) {
  if (ssh_options_set(self->session, option, value) == 0) {
    return 0;
  }
  (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s for %s: %s", name,
                      self->settings->host, ssh_get_error(self->session));
  penstock_next(self->error, "`transport = openssh` uses the system's ssh instead of the SSH library");
  return PENSTOCK_E_FAILED;
}

/* --- lists of algorithms --------------------------------------------------------------------------- */

/* A certificate would be taken for a plain key: libssh cannot check who signed it. */
static int is_usable(const options *self, enum ssh_options_e option, const char *name) {
  int is_certificate = option == SSH_OPTIONS_HOSTKEYS && strstr(name, "-cert-v01@") != NULL;
  return !is_certificate && ssh_options_set(self->session, option, name) == 0;
}

/* Copies the names of `wanted` that libssh has to `kept`, which has room for all, and lists the others. */
static void sort_out(const options *self, enum ssh_options_e option, const char *wanted, char *kept, char *dropped,
                     size_t dropped_size) {
  size_t used = 0;
  kept[0] = '\0';
  dropped[0] = '\0';
  for (const char *at = wanted; *at;) {
    char name[NAME_SIZE];
    size_t length = strcspn(at, ", ");
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, at);
    if (length > 0 && length < sizeof(name) && is_usable(self, option, name)) {
      char *end = kept + strlen(kept);
      *end = ',';
      memcpy(end + (end > kept), name, length + 1);
    } else if (length > 0 && used < dropped_size) {
      used += (size_t)snprintf(dropped + used, dropped_size - used, "%s%.*s", used ? ", " : "", (int)length, at);
    }
    at += length + strspn(at + length, ", ");
  }
}

static int refuse_list(const options *self, const char *keyword, const char *dropped) {
  (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "%s for %s: the SSH library (libssh %s) has none of: %s", keyword, self->settings->host,
                      ssh_version(0), dropped);
  penstock_next(self->error,
                "Add one that it has, or use `transport = openssh`, which takes what the system's ssh has");
  return PENSTOCK_E_FAILED;
}

/* Sets a list for one or both directions; NULL = the library's own. */
static int set_list(const options *self, const char *keyword, const char *wanted, enum ssh_options_e option,
                    enum ssh_options_e other) {
  char dropped[DROPPED_SIZE];
  if (!wanted) {
    return 0;
  }
  char *kept = malloc(strlen(wanted) + 2);
  if (!kept) {
    return out_of_memory(self->error);
  }
  sort_out(self, option, wanted, kept, dropped, sizeof(dropped));
  int result = kept[0] == '\0' ? refuse_list(self, keyword, dropped)
                               : set(self, option, kept, keyword) || set(self, other, kept, keyword);
  if (result == 0 && dropped[0] && self->host) {
    penstock_utf8_trim(dropped, sizeof(dropped));
    penstock_logf(self->host, PENSTOCK_LOG_DEBUG, "%s for %s: left out, libssh does not have them: %s", keyword,
                  self->settings->host, dropped);
  }
  free(kept);
  return result ? PENSTOCK_E_FAILED : 0;
}

static int set_host_key_algorithms(const options *self, const known_hosts *known) {
  const char *wanted = self->settings->host_key_algorithms;
  char *list = ssh_algorithms_known_first(wanted ? wanted : ssh_default_host_key_algorithms, known);
  int result = list ? set_list(self, "HostKeyAlgorithms", list, SSH_OPTIONS_HOSTKEYS, SSH_OPTIONS_HOSTKEYS)
                    : out_of_memory(self->error);
  free(list);
  return result;
}

static int set_lists(const options *self, const known_hosts *known) {
  const ssh_settings *settings = self->settings;
  return set_list(self, "Ciphers", settings->ciphers, SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C) ||
                 set_list(self, "MACs", settings->macs, SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C) ||
                 set_list(self, "KexAlgorithms", settings->kex, SSH_OPTIONS_KEY_EXCHANGE, SSH_OPTIONS_KEY_EXCHANGE) ||
                 set_list(self, "PubkeyAcceptedAlgorithms", settings->pubkey_algorithms,
                          SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES) ||
                 set_host_key_algorithms(self, known)
             ? PENSTOCK_E_FAILED
             : 0;
}

/* --- the others ------------------------------------------------------------------------------------ */

/*
 * RequiredRSASize is not libssh's to judge: it calls a host key that is too short one with a bad signature. Hosts are
 * judged in ssh_verify.c, users' keys in ssh_auth_keys.c.
 */
static int set_limits(const options *self) {
  const ssh_settings *settings = self->settings;
  const uint32_t seconds = settings->rekey_seconds;
  return (settings->rekey_bytes && set(self, SSH_OPTIONS_REKEY_DATA, &settings->rekey_bytes, "RekeyLimit")) ||
                 (seconds && set(self, SSH_OPTIONS_REKEY_TIME, &seconds, "RekeyLimit"))
             ? PENSTOCK_E_FAILED
             : 0;
}

int ssh_options_put(ssh_session session, const ssh_settings *settings, const known_hosts *known,
                    const penstock_host *host, penstock_error *error) {
  const options self = {.session = session, .settings = settings, .host = host, .error = error};
  const int no = 0;
  if (host) {
    ssh_log_start(host, settings->log_level);
  }
  /* Only a name in the library's messages: the socket is ours. Some addresses it does not take (a scope id). */
  (void)ssh_options_set(session, SSH_OPTIONS_HOST, settings->host);
  return set(&self, SSH_OPTIONS_PROCESS_CONFIG, &no, "libssh") ||
                 set(&self, SSH_OPTIONS_USER, settings->user, "User") ||
                 set(&self, SSH_OPTIONS_KNOWNHOSTS, "/dev/null", "libssh") ||
                 set(&self, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "libssh") ||
                 set(&self, SSH_OPTIONS_COMPRESSION, settings->compression ? "yes" : "no", "Compression") ||
                 set_limits(&self) || set_lists(&self, known)
             ? PENSTOCK_E_FAILED
             : 0;
}

int ssh_options_check(const ssh_settings *settings, penstock_error *error) {
  ssh_session session = ssh_new();
  if (!session) {
    return out_of_memory(error);
  }
  int result = ssh_options_put(session, settings, NULL, NULL, error);
  ssh_free(session);
  return result;
}
