/* SPDX-License-Identifier: MIT */
#include "common/far_denial.h"

void far_denial_error(penstock_error *error, const char *where, const char *server, const char *host, uint16_t port,
                      unsigned code, const char *text) {
  if (code == FAR_DENIAL_NO_SESSION) { /* whatever it says, it is nothing about who listens there */
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "ssh cannot log in to %s once more: %s",
                        where, text);
    penstock_next(error, "Each connection is a login of its own here: the server may have had too many at once "
                         "(MaxStartups), or want an answer each time; `transport = ssh` logs in once");
  } else if (code == 3 || strstr(text, "'session'")) { /* tinysshd: only one 'session' channel allowed */
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG,
                        "the SSH server of %s cannot pass on connections: it does not know direct-tcpip", where);
    penstock_next(error, "It calls itself %s. Run another one there, OpenSSH's sshd or dropbear",
                  server && server[0] ? server : "nothing");
  } else if (code == 1) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG,
                        "the SSH server of %s does not allow connections to %s:%u%s%s", where, host, (unsigned)port,
                        text[0] ? ": " : "", text);
    penstock_next(error,
                  "Its sshd_config needs `AllowTcpForwarding yes` (or `local`) and no `DisableForwarding`; PermitOpen, "
                  "if set, must name %s:%u; the key's line in authorized_keys must not say restrict, "
                  "no-port-forwarding or another permitopen",
                  host, (unsigned)port);
  } else if (code == 4) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "%s is short of resources: %s", where,
                        text);
  } else if (text[0] == '\0' || strstr(text, "refused")) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "nothing listens on %s:%u of %s", host,
                        (unsigned)port, where);
  } else {
    /* OpenSSH's words for a name that does not resolve there; anything else may pass. */
    int is_name = strstr(text, "not known") || strstr(text, "No address");
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, is_name ? PENSTOCK_CLASS_CONFIG : PENSTOCK_CLASS_TRANSIENT,
                        "%s cannot connect to %s:%u: %s", where, host, (unsigned)port, text);
    penstock_next(error, "`endpoint` is an address as %s sees it", where);
  }
}
