/* SPDX-License-Identifier: MIT */
/* Judging the key that a host has shown: accepted, added, or refused with words that say what to do. */
#include "common/ssh/ssh_internal.h"

/* "known_hosts:3" for the usual file, else the whole path. */
static void entry_place(const known_hosts_entry *entry, char *text, size_t size) {
  const char *name = strrchr(entry->file, '/');
  (void)snprintf(text, size, "%s:%u", name ? name + 1 : entry->file, entry->line);
}

static int refuse_pinned(const ssh_link *link, penstock_error *error) {
  const ssh_settings *settings = &link->settings;
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "%s showed the %s key %s, and not the pinned one, %s", settings->host, link->shown.type,
                      link->shown.fingerprint, settings->fingerprint);
  penstock_next(error,
                "Do not connect until you know why. If the pin is of another of the host's keys, set "
                "host_key_fingerprint to that of its %s key",
                link->shown.type);
  return PENSTOCK_E_FAILED;
}

static int refuse_unknown(const ssh_link *link, const known_hosts *known, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "the host key of %s is not known: %s %s", known->name, link->shown.type, link->shown.fingerprint);
  penstock_next(error, "Compare the fingerprint with what the host's administrator says, then: penstock trust %s",
                link->settings.profile);
  if (error) {
    for (size_t i = 0; i < known->count; i++) {
      if (known->entries[i].marker == KNOWN_HOSTS_CERT_AUTHORITY) {
        (void)snprintf(error->detail, sizeof(error->detail),
                       "%s:%u names a certificate authority for this host, but host certificates are not checked yet",
                       known->entries[i].file, known->entries[i].line);
        break;
      }
    }
  }
  return PENSTOCK_E_FAILED;
}

static int refuse_changed(const ssh_link *link, const known_hosts *known, const known_hosts_entry *entry,
                          penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                      "the host key of %s has changed: known is %s %s (%s:%u), shown was %s %s", known->name,
                      entry->type, entry->fingerprint, entry->file, entry->line, link->shown.type,
                      link->shown.fingerprint);
  penstock_next(error,
                "Someone may be in between: ask the administrator. Only if the change is right: ssh-keygen -f '%s' -R "
                "'%s', then penstock trust %s",
                entry->file, known->name, link->settings.profile);
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
  if (known_hosts_append(settings->known_hosts_file, settings->host, settings->port, link->shown.blob,
                         link->shown.blob_size, error)) {
    return PENSTOCK_E_FAILED;
  }
  (void)snprintf(text, text_size, "new, added to %s: %s %s", settings->known_hosts_file, link->shown.type,
                 link->shown.fingerprint);
  penstock_logf(link->host, PENSTOCK_LOG_WARN, "%s is new: its key %s %s is now in %s (host_key = accept-new)",
                known->name, link->shown.type, link->shown.fingerprint, settings->known_hosts_file);
  return 0;
}

int ssh_verify_host(ssh_link *link, const known_hosts *known, char *text, size_t text_size, penstock_error *error) {
  const ssh_shown_key *shown = &link->shown;
  const known_hosts_entry *entry = NULL;
  known_hosts_verdict verdict = known_hosts_check(known, shown->blob, shown->blob_size, &entry);
  if (verdict == KNOWN_HOSTS_IS_REVOKED) {
    return refuse_revoked(link, entry, error);
  }
  if (link->settings.fingerprint) {
    (void)snprintf(text, text_size, "pinned %s %s", shown->type, shown->fingerprint);
    return strcmp(link->settings.fingerprint, shown->fingerprint) == 0 ? 0 : refuse_pinned(link, error);
  }
  if (verdict == KNOWN_HOSTS_OK) {
    char place[128];
    entry_place(entry, place, sizeof(place));
    (void)snprintf(text, text_size, "%s %s", place, shown->type);
    return 0;
  }
  if (verdict == KNOWN_HOSTS_CHANGED) {
    return refuse_changed(link, known, entry, error);
  }
  return link->settings.host_key == SSH_HOST_KEY_ACCEPT_NEW ? accept_new(link, known, text, text_size, error)
                                                            : refuse_unknown(link, known, error);
}
