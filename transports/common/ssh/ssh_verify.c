/* SPDX-License-Identifier: MIT */
/* Judging the key that a host has shown: accepted, added, or refused with words that say what to do. */
#include <pthread.h>
#include <stdlib.h>

#include "common/advice.h"
#include "common/ssh/config/ssh_algorithms.h"
#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/ssh_internal.h"

/* The name and port that known_hosts has the host under: an alias stands there alone, without a port. */
static const char *known_name(const ssh_settings *settings, uint16_t *port) {
  *port = settings->host_key_alias ? 22 : settings->port;
  return settings->host_key_alias ? settings->host_key_alias : settings->host;
}

int ssh_load_known(const ssh_link *link, known_hosts *known, penstock_error *error) {
  uint16_t port;
  const char *name = known_name(&link->settings, &port);
  return known_hosts_load(known, (const char *const *)link->settings.known_hosts.items, name, port, error);
}

/* Adds the shown key, if it is still new. */
static int remember(const ssh_link *link, penstock_error *error) {
  const ssh_settings *settings = &link->settings;
  known_hosts known;
  uint16_t port;
  const char *name = known_name(settings, &port);
  if (ssh_load_known(link, &known, error)) {
    return PENSTOCK_E_FAILED;
  }
  known_hosts_verdict verdict = known_hosts_check(&known, link->shown.blob, link->shown.blob_size, NULL);
  known_hosts_unload(&known);
  if (verdict == KNOWN_HOSTS_OK) {
    return 0;
  }
  if (verdict != KNOWN_HOSTS_UNKNOWN) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "the key of %s is not added: meanwhile another one has become known, or this one is revoked",
                        settings->host);
    penstock_next(error, "Two connections were shown two keys: compare both with what the host's administrator says");
    return PENSTOCK_E_FAILED;
  }
  return known_hosts_append(settings->known_hosts_file, name, port, link->shown.blob, link->shown.blob_size,
                            settings->hash_known_hosts, error);
}

/* Lanes connect at the same time: what the first one adds is known to the next, which must not add another key. */
int ssh_remember_host(const ssh_link *link, penstock_error *error) {
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  (void)pthread_mutex_lock(&one_at_a_time);
  int result = remember(link, error);
  (void)pthread_mutex_unlock(&one_at_a_time);
  return result;
}

/* "known_hosts:3" for the usual file, else the whole path. */
static void entry_place(const known_hosts_entry *entry, char *text, size_t size) {
  const char *name = strrchr(entry->file, '/');
  (void)snprintf(text, size, "%s:%u", name ? name + 1 : entry->file, entry->line);
}

int ssh_refuse_pinned(const ssh_link *link, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "%s does not have the pinned key, %s; it showed %s", link->settings.host,
                      link->settings.fingerprint, link->unpinned);
  penstock_next(error, "Do not connect until you know why. If the host's keys were changed on purpose, set "
                       "host_key_fingerprint to that of one of the new ones");
  return PENSTOCK_E_FAILED;
}

/* Takes the algorithms of a key type out of a comma-separated list, in place. */
static void take_out(char *list, const char *type) {
  int is_rsa = strcmp(type, "ssh-rsa") == 0;
  char *out = list;
  for (const char *at = list; *at;) {
    size_t length = strcspn(at, ",");
    size_t step = length + (at[length] == ',');
    int is_of_type = (strlen(type) == length && memcmp(at, type, length) == 0) ||
                     (is_rsa && length > 9 && memcmp(at, "rsa-sha2-", 9) == 0);
    if (!is_of_type && length > 0) {
      if (out != list) {
        *out++ = ',';
      }
      memmove(out, at, length);
      out += length;
    }
    at += step;
  }
  *out = '\0';
}

int ssh_pin_wants_another(ssh_link *link) {
  ssh_settings *settings = &link->settings;
  const ssh_shown_key *shown = &link->shown;
  if (!settings->fingerprint || strcmp(settings->fingerprint, shown->fingerprint) == 0) {
    return 0;
  }
  size_t used = strlen(link->unpinned);
  (void)snprintf(link->unpinned + used, sizeof(link->unpinned) - used, "%s%s %s", used ? ", " : "", shown->type,
                 shown->fingerprint);
  if (shown->verdict == KNOWN_HOSTS_IS_REVOKED) {
    return 0;
  }
  if (!settings->host_key_algorithms) {
    settings->host_key_algorithms = strdup(ssh_default_host_key_algorithms);
  }
  if (settings->host_key_algorithms) {
    take_out(settings->host_key_algorithms, shown->type);
  }
  return settings->host_key_algorithms && settings->host_key_algorithms[0];
}

static int refuse_unknown(const ssh_link *link, const known_hosts *known, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "the host key of %s is not known: %s %s", known->name, link->shown.type, link->shown.fingerprint);
  penstock_next(error, "Compare the fingerprint with what the host's administrator says, then: penstock trust %s",
                link->settings.profile);
  return PENSTOCK_E_FAILED;
}

/*
 * The host is known by who signs its certificates, and its plain key says nothing. libssh (0.10 to 0.12) cannot be made
 * to ask for a certificate: what a client may offer as host key algorithms is cut down to those of plain keys
 * (ssh_client_select_hostkeys in its kex.c: "This removes the certificate types, unsupported for now"), and
 * ssh_get_server_publickey gives a plain key, without the blob that a certificate would have come in.
 */
static int refuse_certified(const ssh_link *link, const known_hosts *known, const known_hosts_entry *authority,
                            penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "%s is known by a certificate authority alone (%s:%u), and the transport `ssh` cannot check host "
                      "certificates; its plain key is %s %s",
                      known->name, authority->file, authority->line, link->shown.type, link->shown.fingerprint);
  penstock_next(error,
                "Set `transport = openssh`, which checks them; or compare the fingerprint with what the host's "
                "administrator says, then: penstock trust %s",
                link->settings.profile);
  return PENSTOCK_E_FAILED;
}

static int refuse_short(const ssh_link *link, unsigned bits, unsigned least, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "%s showed an RSA key of %u bits, and RequiredRSASize wants %u: %s", link->settings.host, bits,
                      least, link->shown.fingerprint);
  penstock_next(error, "The host needs a longer key, or one of another type: ssh-keygen -A makes them there");
  return PENSTOCK_E_FAILED;
}

static int refuse_changed(const ssh_link *link, const known_hosts *known, const known_hosts_entry *entry,
                          penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "the host key of %s has changed: known is %s %s (%s:%u), shown was %s %s", known->name,
                      entry->type, entry->fingerprint, entry->file, entry->line, link->shown.type,
                      link->shown.fingerprint);
  penstock_next(
      error,
      "Someone may be in between: ask the administrator. Only if the change is right: ssh-keygen -f %s%s%s -R "
      "%s%s%s, then penstock trust %s",
      advice_quote, entry->file, advice_quote, advice_quote, known->name, advice_quote, link->settings.profile);
  if (error) {
    size_t used = 0;
    size_t told = 0;
    for (size_t i = 0; i < known->count && used < sizeof(error->detail); i++) {
      const known_hosts_entry *each = &known->entries[i];
      if (each->marker == KNOWN_HOSTS_PLAIN && !each->without_port) {
        used += (size_t)snprintf(error->detail + used, sizeof(error->detail) - used, "%sknown: %s %s (%s:%u)",
                                 used ? "\n" : "", each->type, each->fingerprint, each->file, each->line);
        told++;
      }
    }
    if (told == 1) {
      error->detail[0] = '\0'; /* that one is in `what` */
    }
    penstock_utf8_trim(error->detail, sizeof(error->detail));
  }
  return PENSTOCK_E_FAILED;
}

static int refuse_revoked(const ssh_link *link, const known_hosts_entry *entry, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "%s showed a revoked key: %s %s (@revoked in %s:%u)", link->settings.host, link->shown.type,
                      link->shown.fingerprint, entry->file, entry->line);
  penstock_next(error, "The key was withdrawn, perhaps because it was stolen: ask the host's administrator for the new "
                       "one");
  return PENSTOCK_E_FAILED;
}

static int accept_new(ssh_link *link, const known_hosts *known, char *text, size_t text_size, penstock_error *error) {
  const ssh_settings *settings = &link->settings;
  if (ssh_remember_host(link, error)) {
    return PENSTOCK_E_FAILED;
  }
  (void)snprintf(text, text_size, "new, added to %s: %s %s", settings->known_hosts_file, link->shown.type,
                 link->shown.fingerprint);
  penstock_logf(link->host, PENSTOCK_LOG_WARN, "%s is new: its key %s %s is now in %s (host_key = accept-new)",
                known->name, link->shown.type, link->shown.fingerprint, settings->known_hosts_file);
  return 0;
}

/* Is the shown key an RSA key that is too short? Without a setting, libssh has refused it already. */
static unsigned short_bits(const ssh_link *link) {
  const ssh_shown_key *shown = &link->shown;
  unsigned bits = strcmp(shown->type, "ssh-rsa") == 0 ? key_blob_bits(shown->blob, shown->blob_size) : 0;
  return bits < link->settings.rsa_min_bits ? bits : 0;
}

/* A host of which nothing is known. */
static int judge_unknown(ssh_link *link, const known_hosts *known, char *text, size_t text_size,
                         penstock_error *error) {
  const known_hosts_entry *authority = known_hosts_authority(known);
  if (authority) {
    return refuse_certified(link, known, authority, error); /* accept-new too: it is not new, it cannot be checked */
  }
  return link->settings.host_key == SSH_HOST_KEY_ACCEPT_NEW ? accept_new(link, known, text, text_size, error)
                                                            : refuse_unknown(link, known, error);
}

int ssh_verify_host(ssh_link *link, char *text, size_t text_size, penstock_error *error) {
  const known_hosts *known = &link->known;
  const ssh_shown_key *shown = &link->shown;
  const known_hosts_entry *entry = NULL;
  known_hosts_verdict verdict = known_hosts_check(known, shown->blob, shown->blob_size, &entry);
  unsigned bits = short_bits(link);
  if (verdict == KNOWN_HOSTS_IS_REVOKED) {
    return refuse_revoked(link, entry, error);
  }
  if (bits) {
    return refuse_short(link, bits, link->settings.rsa_min_bits, error);
  }
  if (link->settings.fingerprint) {
    (void)snprintf(text, text_size, "pinned %s %s", shown->type, shown->fingerprint);
    return strcmp(link->settings.fingerprint, shown->fingerprint) == 0 ? 0 : ssh_refuse_pinned(link, error);
  }
  if (verdict == KNOWN_HOSTS_OK) {
    char place[128];
    entry_place(entry, place, sizeof(place));
    (void)snprintf(text, text_size, "%s %s", place, shown->type);
    return 0;
  }
  return verdict == KNOWN_HOSTS_CHANGED ? refuse_changed(link, known, entry, error)
                                        : judge_unknown(link, known, text, text_size, error);
}
