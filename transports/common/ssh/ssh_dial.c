/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_dial.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "common/ssh/ssh_dial_internal.h"

enum { REASON_SIZE = 160 };

/* --- addresses ------------------------------------------------------------------------------------- */

socklen_t dial_address_set(dial_address *out, const penstock_address *address) {
  memset(out, 0, sizeof(*out));
  if (address->family == 6) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(address->port);
    out->v6.sin6_scope_id = address->scope;
    memcpy(&out->v6.sin6_addr, address->bytes, 16);
    return sizeof(out->v6);
  }
  out->v4.sin_family = AF_INET;
  out->v4.sin_port = htons(address->port);
  memcpy(&out->v4.sin_addr, address->bytes, 4);
  return sizeof(out->v4);
}

static int from_system(const struct sockaddr *address, penstock_address *out) {
  dial_address in;
  memset(out, 0, sizeof(*out));
  out->struct_size = (uint32_t)sizeof(*out);
  if (address->sa_family == AF_INET6) {
    memcpy(&in.v6, address, sizeof(in.v6));
    out->family = 6;
    out->port = ntohs(in.v6.sin6_port);
    out->scope = in.v6.sin6_scope_id;
    memcpy(out->bytes, &in.v6.sin6_addr, 16);
  } else if (address->sa_family == AF_INET) {
    memcpy(&in.v4, address, sizeof(in.v4));
    out->family = 4;
    out->port = ntohs(in.v4.sin_port);
    memcpy(out->bytes, &in.v4.sin_addr, 4);
  }
  return out->family != 0;
}

void dial_text(const penstock_address *address, char text[DIAL_TEXT_SIZE]) {
  char host[INET6_ADDRSTRLEN] = "?";
  (void)inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, host, sizeof(host));
  (void)snprintf(text, DIAL_TEXT_SIZE, address->family == 6 ? "[%s]:%u" : "%s:%u", host, (unsigned)address->port);
}

uint32_t dial_resolve(const char *host, uint16_t port, uint32_t family, penstock_address *addresses, uint32_t room,
                      penstock_error *error) {
  char service[8];
  char reason[REASON_SIZE];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  hints.ai_family = family == 6 ? AF_INET6 : family == 4 ? AF_INET : AF_UNSPEC;
  struct addrinfo *list = NULL;
  uint32_t count = 0;
  (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
  int code = getaddrinfo(host, service, &hints, &list);
  for (struct addrinfo *each = list; code == 0 && each && count < room; each = each->ai_next) {
    count += (uint32_t)from_system(each->ai_addr, &addresses[count]);
  }
  if (list) {
    freeaddrinfo(list);
  }
  if (count == 0) {
    dial_name_error(error, host, code ? dial_name_reason(code, reason, sizeof(reason)) : "it has no address");
  }
  return count;
}

/* --- waiting --------------------------------------------------------------------------------------- */

int dial_poll(penstock_socket socket, uint32_t events, uint64_t timeout_ms) {
  dial_poller poller = {.socket = socket, .events = events};
  return dial_poll_all(&poller, 1, timeout_ms) > 0;
}

/* --- words ----------------------------------------------------------------------------------------- */

void dial_name_error(penstock_error *error, const char *host, const char *reason) {
  static const char words[] = "cannot resolve ";
  int is_said = strncmp(reason, words, sizeof(words) - 1) == 0; /* a reason may come as a whole sentence */
  (void)penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT, "%s%s%s%s", is_said ? "" : words,
                      is_said ? "" : host, is_said ? "" : ": ", reason);
  penstock_next(error,
                "Check the spelling and the network. If %s is meant to be an alias of ssh_config, `ssh -G %s` shows "
                "what it stands for there (hostname)",
                host, host);
}

void dial_connect_error(penstock_error *error, const char *host, const char *address, const dial_options *options,
                        int code) {
  char reason[REASON_SIZE];
  if (code < 0) {
    const char *name = options->bind_address ? options->bind_address : options->bind_interface;
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s (%s) from %s %s: %s",
                        host, address, options->bind_address ? "the address" : "the interface", name,
                        dial_reason(-code, reason, sizeof(reason)));
    dial_source_next(error, options);
    return;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s (%s): %s", host, address,
                      dial_reason(code, reason, sizeof(reason)));
  if (dial_is_refused(code)) {
    penstock_next(error, "The machine answers, but no SSH server listens there: check `port`, and that sshd runs");
  } else {
    penstock_next(error, "Check that the machine is on, that a VPN it needs is up, and that no firewall is between");
  }
}
