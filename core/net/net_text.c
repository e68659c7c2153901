/* SPDX-License-Identifier: MIT */
#include <strings.h>

#include "net/net.h"

int ps_net_split_address(const char *address, char *host, size_t host_size, char *port, size_t port_size) {
  const char *colon = strrchr(address, ':');
  if (!colon || colon == address || strlen(colon + 1) == 0 || strlen(colon + 1) >= port_size) {
    return -1;
  }
  const char *begin = address;
  size_t length = (size_t)(colon - address);
  if (begin[0] == '[' && length >= 2 && begin[length - 1] == ']') {
    begin++;
    length -= 2;
  }
  if (length >= host_size) {
    return -1;
  }
  memcpy(host, begin, length);
  host[length] = '\0';
  memcpy(port, colon + 1, strlen(colon + 1) + 1);
  return 0;
}

int ps_net_is_localhost(const char *host) {
  return strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0;
}
