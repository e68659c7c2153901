/* SPDX-License-Identifier: MIT */
#include "common/address.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

int address_split(const char *address, char host[ADDRESS_HOST_SIZE], uint16_t *port) {
  const char *colon = address ? strrchr(address, ':') : NULL;
  if (!colon || !isdigit((unsigned char)colon[1])) {
    return PENSTOCK_E_INVALID;
  }
  char *end = NULL;
  unsigned long number = strtoul(colon + 1, &end, 10);
  size_t length = (size_t)(colon - address);
  if (*end != '\0' || number > 65535) {
    return PENSTOCK_E_INVALID;
  }
  if (address[0] == '[') {
    if (length < 3 || address[length - 1] != ']') {
      return PENSTOCK_E_INVALID;
    }
    address++;
    length -= 2;
  }
  if (length == 0 || length >= ADDRESS_HOST_SIZE) {
    return PENSTOCK_E_INVALID;
  }
  memcpy(host, address, length);
  host[length] = '\0';
  *port = (uint16_t)number;
  return PENSTOCK_OK;
}

int address_is_wildcard(const char *host) {
  return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int is_localhost(const char *host) {
  return strcasecmp(host, "localhost") == 0;
}

int address_is_loopback(const char *host) {
  return is_localhost(host) || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* What the name localhost may stand for. */
static int is_first_loopback(const char *host) {
  return is_localhost(host) || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

int address_reaches(const char *to, const char *listener) {
  char to_host[ADDRESS_HOST_SIZE];
  char listener_host[ADDRESS_HOST_SIZE];
  uint16_t to_port = 0;
  uint16_t listener_port = 0;
  if (address_split(to, to_host, &to_port) || address_split(listener, listener_host, &listener_port) ||
      to_port != listener_port || to_port == 0) {
    return 0;
  }
  if (strcasecmp(to_host, listener_host) == 0) {
    return 1;
  }
  if (address_is_wildcard(listener_host) || address_is_wildcard(to_host)) {
    return (address_is_wildcard(to_host) || address_is_loopback(to_host)) &&
           (address_is_wildcard(listener_host) || address_is_loopback(listener_host));
  }
  return (is_localhost(to_host) && is_first_loopback(listener_host)) ||
         (is_localhost(listener_host) && is_first_loopback(to_host));
}
