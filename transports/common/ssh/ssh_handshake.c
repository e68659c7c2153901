/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"
#include "common/ssh/ssh_options.h"
#include "common/ssh/ssh_reader.h"

uint64_t ssh_time_left(const ssh_link *link, uint64_t deadline_ns) {
  uint64_t now = link->host->now_ns(link->host);
  return deadline_ns > now ? (deadline_ns - now) / 1000000u : 0;
}

/* --- key exchange ---------------------------------------------------------------------------------- */

/*
 * A server that is asked too much hangs up; sshd says so in place of its greeting, which the library does not read once
 * the connection is broken. Returns 0 if it is something else.
 */
static int explain_hang_up(ssh_link *link, penstock_error *error) {
  const char *greeting = link->greeting;
  const char *host = link->settings.host;
  if (strstr(greeting, "Exceeded MaxStartups")) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s has too many logins under way, and turned this one away (MaxStartups)",
                        host);
    penstock_next(error, "It is tried again. If that goes on, raise `MaxStartups` in its sshd_config, or look for what "
                         "connects to it all the time");
  } else if (strstr(greeting, "Not allowed at this time")) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "the SSH server of %s turns this address away for a while, after failed logins "
                        "(PerSourcePenalties)",
                        host);
    penstock_next(error, "It is tried again. Mend the logins that fail; its administrator sees them in sshd's log");
  } else {
    return 0;
  }
  return 1;
}

void ssh_handshake_explain(ssh_link *link, int is_late, penstock_error *error) {
  const char *reason = ssh_get_error(link->session);
  const char *host = link->settings.host;
  unsigned port = link->settings.port;
  if (is_late) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "%s accepts connections on port %u, but no SSH server answered in time", host, port);
    penstock_next(error, "Check that port %u is the SSH server's, and that the machine is not overloaded", port);
  } else if (link->unpinned[0] && strstr(reason, "no match for method server host key")) {
    (void)ssh_refuse_pinned(link, error); /* all its keys were seen */
  } else if (strstr(reason, "verify server hostkey signature")) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                        "%s showed a host key, and could not prove that it has it: %s", host, reason);
    penstock_next(error,
                  "Someone may be in between: ask the administrator. A host key that is too short (RSA under 1024 "
                  "bits) is refused in this way too");
  } else if (strstr(reason, "no match for method") || strstr(reason, "kex error")) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_CONFIG, "no common algorithm with %s: %s", host,
                        reason);
    penstock_next(error, "If `ciphers` is set, add one that the server has; a very old server needs to be updated");
  } else if (explain_hang_up(link, error)) {
    return;
  } else if (!ssh_get_serverbanner(link->session)) {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "no SSH server answers on port %u of %s: %s",
                        port, host, reason);
    penstock_next(error, "Check `port`. A server that has too many logins under way (MaxStartups), or that blocks this "
                         "address, hangs up in this way");
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the SSH handshake with %s failed: %s", host,
                        reason);
    penstock_next(error, "Try `ssh -v %s`: it says more, and so does the log of the server's sshd", host);
  }
}

/* Fetches the shown key in wire form. */
static int take_shown_key(ssh_link *link, penstock_error *error) {
  ssh_shown_key *shown = &link->shown;
  ssh_key key = NULL;
  char *text = NULL;
  free(shown->blob);
  memset(shown, 0, sizeof(*shown));
  if (ssh_get_server_publickey(link->session, &key) == SSH_OK && ssh_pki_export_pubkey_base64(key, &text) == SSH_OK) {
    shown->blob = known_hosts_decode(text, strlen(text), &shown->blob_size);
  }
  ssh_string_free_char(text);
  ssh_key_free(key);
  if (!shown->blob || known_hosts_blob_type(shown->blob, shown->blob_size, shown->type, sizeof(shown->type))) {
    return penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "the host key of %s cannot be read",
                         link->settings.host);
  }
  known_hosts_fingerprint(shown->blob, shown->blob_size, shown->fingerprint);
  return 0;
}

int ssh_handshake_start(ssh_link *link, penstock_error *error) {
  known_hosts_unload(&link->known);
  if (ssh_load_known(link, &link->known, error)) {
    return PENSTOCK_E_FAILED;
  }
  link->session = ssh_new();
  /* libssh closes its descriptor whenever it finds the connection broken; the watched one must stay open. */
  penstock_socket duplicate = dial_duplicate(link->socket);
  if (!link->session || duplicate == PENSTOCK_SOCKET_NONE) {
    dial_close(duplicate);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no memory or descriptor for a session");
  }
  if (ssh_options_put(link->session, &link->settings, &link->known, link->host, error)) {
    dial_close(duplicate);
    return PENSTOCK_E_FAILED;
  }
  const socket_t descriptor = (socket_t)duplicate;
  (void)ssh_options_set(link->session, SSH_OPTIONS_FD, &descriptor); /* fails for no descriptor alone */
  ssh_reader_attach((int)duplicate);
  ssh_set_blocking(link->session, 0);
  return 0;
}

int ssh_handshake_step(ssh_link *link, penstock_error *error) {
  if (!ssh_get_serverbanner(link->session)) {
    char greeting[sizeof(link->greeting)];
    dial_peek(link->socket, greeting, sizeof(greeting));
    if (greeting[0]) {
      memcpy(link->greeting, greeting, sizeof(greeting));
    }
  }
  int result = ssh_connect(link->session);
  dial_set_nonblocking(link->socket); /* libssh clears it; on Windows for its own descriptor alone */
  dial_set_nonblocking((penstock_socket)ssh_get_fd(link->session));
  dial_quick_ack(link->socket); /* what was sent has turned it off */
  if (result == SSH_AGAIN) {
    return 1;
  }
  if (result != SSH_OK) {
    ssh_handshake_explain(link, 0, error);
    return PENSTOCK_E_FAILED;
  }
  if (take_shown_key(link, error)) {
    return PENSTOCK_E_FAILED;
  }
  link->shown.verdict = known_hosts_check(&link->known, link->shown.blob, link->shown.blob_size, NULL);
  return 0;
}
