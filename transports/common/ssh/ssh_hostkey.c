/* SPDX-License-Identifier: MIT */
/* What `penstock trust` needs: to see a host's key without logging in, and to write it down. */
#include <errno.h>

#include "common/ssh/hostkey_art.h"
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"

enum { ADDRESSES_MAX = 16 };

static int dial_blocking(ssh_link *link, uint64_t deadline_ns, penstock_error *error) {
  penstock_address addresses[ADDRESSES_MAX];
  const ssh_settings *settings = &link->settings;
  uint32_t count = dial_resolve(settings->host, settings->port, addresses, ADDRESSES_MAX, error);
  for (uint32_t i = 0; i < count; i++) {
    char text[DIAL_TEXT_SIZE];
    int code = dial_start(&addresses[i], &link->socket);
    if (code == 0) {
      code = dial_wait(link->socket, ssh_time_left(link, deadline_ns) / (count - i));
    }
    if (code == 0) {
      return 0;
    }
    dial_close(link->socket);
    link->socket = PENSTOCK_SOCKET_NONE;
    dial_text(&addresses[i], text);
    dial_connect_error(error, settings->host, text, code);
  }
  return PENSTOCK_E_FAILED;
}

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

static void fill_in(const ssh_link *link, const known_hosts *known, penstock_hostkey *key) {
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

int32_t ssh_link_fetch_key(ssh_link *link, uint64_t deadline_ms, penstock_hostkey *key, penstock_error *error) {
  uint64_t deadline_ns = link->host->now_ns(link->host) + deadline_ms * 1000000u;
  known_hosts known = {0};
  uint32_t size = key->struct_size;
  memset(key, 0, sizeof(*key));
  key->struct_size = size;
  int result = ssh_link_resolve(link, deadline_ms, error);
  if (!result) {
    result = dial_blocking(link, deadline_ns, error);
  }
  if (!result) {
    result = ssh_handshake(link, deadline_ns, &known, error);
  }
  if (!result) {
    fill_in(link, &known, key);
  }
  known_hosts_unload(&known);
  ssh_link_hang_up(link);
  return result;
}

int32_t ssh_link_accept_key(ssh_link *link, penstock_error *error) {
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
  return ssh_remember_host(link, error);
}
