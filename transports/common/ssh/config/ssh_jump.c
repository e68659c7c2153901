/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_jump.h"

#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_request.h"

static int bad_item(const char *item, const char *why, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "ProxyJump \"%s\": %s", item, why);
  penstock_next(error, "Write each host as [user@]host[:port], an IPv6 address in brackets, with commas between");
  return PENSTOCK_E_FAILED;
}

/* Copies a part that may not be empty. */
static int take(char *to, size_t size, const char *from, size_t length) {
  if (length == 0 || length >= size) {
    return PENSTOCK_E_FAILED;
  }
  memcpy(to, from, length);
  to[length] = '\0';
  return 0;
}

static int parse_port(const char *text, uint16_t *port) {
  size_t length = strspn(text, "0123456789");
  unsigned long value = length > 0 && length < 6 && text[length] == '\0' ? strtoul(text, NULL, 10) : 0;
  *port = (uint16_t)value;
  return value >= 1 && value <= 65535 ? 0 : PENSTOCK_E_FAILED;
}

static int parse_item(const char *item, ssh_jump *jump, penstock_error *error) {
  char text[600];
  static const char scheme[] = "ssh://";
  int is_uri = strncasecmp(item, scheme, sizeof(scheme) - 1) == 0;
  if (take(text, sizeof(text), item + (is_uri ? sizeof(scheme) - 1 : 0), strlen(item + (is_uri ? 6 : 0)))) {
    return bad_item(item, "there is no host", error);
  }
  if (is_uri && text[strlen(text) - 1] == '/') {
    text[strlen(text) - 1] = '\0';
  }
  char *at = strrchr(text, '@');
  if (at && (take(jump->user, sizeof(jump->user), text, (size_t)(at - text)) || !ssh_request_is_user(jump->user))) {
    return bad_item(item, "what stands before @ is no user name", error);
  }
  const char *host = at ? at + 1 : text;
  const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
  if (host[0] == '[' && !end) {
    return bad_item(item, "the ] is missing", error);
  }
  const char *after = end ? end + 1 : host + strcspn(host, ":");
  if (take(jump->host, sizeof(jump->host), end ? host + 1 : host, (size_t)((end ? end - 1 : after) - host)) ||
      strpbrk(jump->host, " \t\"'\\")) {
    return bad_item(item, "there is no host", error);
  }
  if (!end && *after && strchr(after + 1, ':')) {
    return bad_item(item, "an IPv6 address is written in brackets", error);
  }
  if (*after && (*after != ':' || parse_port(after + 1, &jump->port))) {
    return bad_item(item, "the port is no number from 1 to 65535", error);
  }
  return 0;
}

int ssh_jump_last(const char *list, ssh_jump *jump, char *rest, penstock_error *error) {
  char item[600];
  const char *comma = strrchr(list, ',');
  const char *start = comma ? comma + 1 : list;
  memset(jump, 0, sizeof(*jump));
  rest[0] = '\0';
  if (comma) {
    memcpy(rest, list, (size_t)(comma - list));
    rest[comma - list] = '\0';
  }
  start += strspn(start, " \t");
  size_t length = strlen(start);
  while (length > 0 && (start[length - 1] == ' ' || start[length - 1] == '\t')) {
    length--;
  }
  if (take(item, sizeof(item), start, length) || (comma && rest[strspn(rest, " \t")] == '\0')) {
    return bad_item(list, "there is nothing before or after a comma", error);
  }
  return parse_item(item, jump, error);
}

char *ssh_jump_check(const char *list, penstock_error *error) {
  size_t length = strlen(list);
  char *tight = calloc(1, length + 1);
  char *left = malloc(length + 1);
  char *rest = malloc(length + 1);
  ssh_jump jump;
  int result = 0;
  if (!tight || !left || !rest) {
    result = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    goto out;
  }
  size_t used = 0;
  for (const char *at = list; *at; at++) { /* a blank within an item is refused below */
    size_t blanks = strspn(at, " \t");
    int is_edge = used == 0 || tight[used - 1] == ',' || at[blanks] == ',' || at[blanks] == '\0';
    at += is_edge ? blanks : 0;
    if (!*at) {
      break;
    }
    tight[used++] = *at;
  }
  memcpy(left, tight, length + 1);
  while (!result && left[0] && strcasecmp(tight, "none") != 0) {
    char *swap = left;
    result = ssh_jump_last(left, &jump, rest, error);
    left = rest;
    rest = swap;
  }
  if (!result && tight[0] == '\0') {
    result = bad_item(list, "there is no host", error);
  }
out:
  free(left);
  free(rest);
  if (result) {
    free(tight);
    tight = NULL;
  }
  return tight;
}
