/* SPDX-License-Identifier: MIT */
/* What `penstock trust` needs: to see a host's key without logging in, and to write it down. */
#include "common/ssh/hostkey/hostkey_art.h"
#include "common/ssh/ssh_hop.h"
#include "common/ssh/ssh_internal.h"

enum { ROUND_MS = 1000 };

/* How far a fetch came. */
typedef struct sight {
  int is_over;
  int has_error;
  penstock_error error;
} sight;

static uint32_t hostkey_state(known_hosts_verdict verdict) {
  switch (verdict) {
  case KNOWN_HOSTS_OK:
    return PENSTOCK_HOSTKEY_KNOWN;
  case KNOWN_HOSTS_CHANGED:
    return PENSTOCK_HOSTKEY_CHANGED;
  case KNOWN_HOSTS_IS_REVOKED:
    return PENSTOCK_HOSTKEY_REVOKED;
  default:
    return PENSTOCK_HOSTKEY_UNKNOWN;
  }
}

static void fill_in(const ssh_link *link, penstock_hostkey *key) {
  const known_hosts *known = &link->known;
  const ssh_shown_key *shown = &link->shown;
  const known_hosts_entry *entry = NULL;
  known_hosts_verdict verdict = known_hosts_check(known, shown->blob, shown->blob_size, &entry);
  key->state = hostkey_state(verdict);
  (void)snprintf(key->host, sizeof(key->host), "%s", known->name);
  (void)snprintf(key->type, sizeof(key->type), "%s", shown->type);
  (void)snprintf(key->fingerprint, sizeof(key->fingerprint), "%s", shown->fingerprint);
  (void)snprintf(key->file, sizeof(key->file), "%s",
                 entry                             ? entry->file
                 : link->settings.known_hosts_file ? link->settings.known_hosts_file
                                                   : "none");
  if (key->state == PENSTOCK_HOSTKEY_CHANGED) {
    (void)snprintf(key->known, sizeof(key->known), "%s", entry->fingerprint);
  }
  char art[HOSTKEY_ART_SIZE];
  hostkey_art(shown->blob, shown->blob_size, art);
  (void)snprintf(key->art, sizeof(key->art), "%s", art);
}

static void on_seen(void *context, const penstock_error *error) {
  sight *seen = context;
  seen->is_over = 1;
  if (error) {
    seen->has_error = 1;
    seen->error = *error;
  }
}

/*
 * The first host on the way whose key was seen and is not trusted; else the last host. `*after` gets the number of
 * hosts behind it.
 */
static ssh_link *first_untrusted(ssh_link *link, uint32_t *after) {
  ssh_link *found = link;
  uint32_t count = 0;
  *after = 0;
  for (ssh_link *each = link; each; each = each->below ? ssh_hop_link(each->below) : NULL, count++) {
    if (each->shown.blob && each->shown.verdict != KNOWN_HOSTS_OK) {
      found = each;
      *after = count;
    }
  }
  return found;
}

int32_t ssh_link_fetch_key(ssh_link *link, uint64_t deadline_ms, penstock_hostkey *key, penstock_error *error) {
  sight seen = {0};
  penstock_hostkey filled = {.struct_size = key->struct_size};
  int32_t result = PENSTOCK_OK;
  ssh_loop_set_alone(link->loop, 1);
  ssh_connect_to_see(link, deadline_ms, on_seen, &seen);
  while (!seen.is_over) {
    ssh_loop_wait(link->loop, PENSTOCK_SOCKET_NONE, 0, ROUND_MS);
  }
  const ssh_link *shown = first_untrusted(link, &filled.remaining);
  if (shown->shown.blob && (!seen.has_error || shown->shown.verdict != KNOWN_HOSTS_OK)) {
    fill_in(shown, &filled);
    memcpy(key, &filled, key->struct_size < sizeof(filled) ? key->struct_size : sizeof(filled));
  } else {
    result = PENSTOCK_E_FAILED;
    *error = seen.error;
  }
  ssh_link_close(link);
  ssh_loop_set_alone(link->loop, 0);
  return result;
}

int32_t ssh_link_accept_key(ssh_link *last, penstock_error *error) {
  uint32_t after;
  ssh_link *link = first_untrusted(last, &after);
  const ssh_settings *settings = &link->settings;
  const ssh_shown_key *shown = &link->shown;
  if (!shown->blob) {
    return penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "no key was seen yet");
  }
  if (shown->verdict == KNOWN_HOSTS_OK) {
    return 0;
  }
  if (shown->verdict != KNOWN_HOSTS_UNKNOWN) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "the key of %s is not added: another one is known, or this one is revoked", settings->host);
    penstock_next(error,
                  "`penstock check %s --connect` shows both; only if the change is right, remove the old one with "
                  "ssh-keygen -R first",
                  settings->profile);
    return PENSTOCK_E_FAILED;
  }
  if (ssh_remember_host(link, error)) {
    return PENSTOCK_E_FAILED;
  }
  link->shown.verdict = KNOWN_HOSTS_OK;
  return 0;
}
