/* SPDX-License-Identifier: MIT */
/* Values of ssh_config(5) that name places: forwardings and hosts on the way. */
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_config_syntax.h"

enum { FIELDS_MAX = 4, PLACE_SIZE = 1200, PART_MAX = 500 };

/* Cuts the first field of `[host]:port` or `host:port` off, in place. Brackets make a field of an IPv6 address.
 * Returns the field; *rest is moved behind the colon, or NULL at the end. NULL if a bracket is not closed. */
static char *cut_field(char **rest) {
  char *field = *rest;
  char *end = field;
  if (field[0] == '[') {
    end = strchr(field, ']');
    if (!end || (end[1] != ':' && end[1] != '\0')) {
      return NULL;
    }
    *end++ = '\0';
    field++;
  } else {
    end += strcspn(end, ":");
  }
  *rest = *end ? end + 1 : NULL;
  *end = '\0';
  return field;
}

/* Cuts a place into at most FIELDS_MAX fields. Returns how many there are, 0 if it is not well formed. */
static size_t cut_fields(char *place, char *fields[FIELDS_MAX]) {
  size_t count = 0;
  char *rest = place;
  while (rest) {
    if (count == FIELDS_MAX) {
      return 0;
    }
    fields[count] = cut_field(&rest);
    if (!fields[count++]) {
      return 0;
    }
  }
  return count;
}

/* Renders "[host]:port", "port" or the path of a socket. Returns 0, or PENSTOCK_E_INVALID. `may_be_any`: port 0 lets
 * the server choose. */
static int render_place(char *rendered, const char *place, int may_be_any) {
  char copy[PART_MAX + 1];
  char *fields[FIELDS_MAX];
  if (strlen(place) > PART_MAX) {
    return PENSTOCK_E_INVALID;
  }
  if (strchr(place, '/')) {
    (void)snprintf(rendered, PLACE_SIZE, "%s", place);
    return 0;
  }
  (void)snprintf(copy, sizeof(copy), "%s", place);
  size_t count = cut_fields(copy, fields);
  if (count == 0 || count > 2) {
    return PENSTOCK_E_INVALID;
  }
  const char *text = fields[count - 1];
  unsigned port = ssh_syntax_port(text);
  if (port == 0 && !(may_be_any && strcmp(text, "0") == 0)) {
    return PENSTOCK_E_INVALID;
  }
  if (count == 1) {
    (void)snprintf(rendered, PLACE_SIZE, "%u", port);
  } else {
    (void)snprintf(rendered, PLACE_SIZE, "[%s]:%u", fields[0], port);
  }
  return 0;
}

int ssh_syntax_read_forward(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                            char *why, size_t why_size) {
  char listen[PLACE_SIZE];
  char target[PLACE_SIZE];
  char both[2 * PLACE_SIZE];
  int is_remote = syntax->keyword[0] == 'r';
  (void)text;
  if (is_remote && arguments->count == 1) { /* as a SOCKS proxy; how ssh prints it is its own affair */
    if (render_place(listen, arguments->items[0], 1)) {
      return ssh_syntax_bad(why, why_size, "%s is not [address:]port", arguments->items[0]);
    }
    (void)snprintf(both, sizeof(both), "%s [socks]:0", listen);
    return ssh_words_add(values, both, strlen(both));
  }
  if (arguments->count != 2 || render_place(listen, arguments->items[0], is_remote) ||
      render_place(target, arguments->items[1], 0) || (target[0] != '[' && !strchr(target, '/'))) {
    return ssh_syntax_bad(why, why_size, "[address:]port host:port is wanted, or paths of sockets");
  }
  (void)snprintf(both, sizeof(both), "%s %s", listen, target);
  return ssh_words_add(values, both, strlen(both));
}

int ssh_syntax_read_dynamic(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                            char *why, size_t why_size) {
  char listen[PLACE_SIZE];
  (void)syntax;
  (void)text;
  if (arguments->count != 1 || render_place(listen, arguments->items[0], 0)) {
    return ssh_syntax_bad(why, why_size, "[address:]port is wanted");
  }
  return ssh_words_add(values, listen, strlen(listen));
}

int ssh_jump_host_read(ssh_jump_host *jump, char *text) {
  static const char scheme[] = "ssh://";
  memset(jump, 0, sizeof(*jump));
  int is_uri = strncmp(text, scheme, sizeof(scheme) - 1) == 0;
  text += is_uri ? sizeof(scheme) - 1 : 0;
  size_t length = strlen(text);
  if (is_uri && length > 0 && text[length - 1] == '/') {
    text[length - 1] = '\0';
  }
  char *at = strrchr(text, '@');
  if (at) {
    *at = '\0';
    jump->user = text;
    text = at + 1;
  }
  char *rest = text;
  jump->host = cut_field(&rest);
  if (!jump->host || jump->host[0] == '\0' || (jump->user && jump->user[0] == '\0') || strchr(jump->host, '/')) {
    return PENSTOCK_E_INVALID;
  }
  if (rest && rest[0]) {
    jump->port = ssh_syntax_port(rest);
    return jump->port ? 0 : PENSTOCK_E_INVALID;
  }
  return 0;
}

/* ssh prints the last host its own way, the ones before it as they were written. */
static int render_jump(char *rendered, size_t size, const char *before, const ssh_jump_host *last) {
  char port[16] = "";
  int is_number = strchr(last->host, ':') || strspn(last->host, "1234567890.") == strlen(last->host);
  if (last->port) {
    (void)snprintf(port, sizeof(port), ":%u", last->port);
  }
  return snprintf(rendered, size, "%s%s%s%s%s%s%s%s", before, before[0] ? "," : "", last->user ? last->user : "",
                  last->user ? "@" : "", is_number ? "[" : "", last->host, is_number ? "]" : "", port);
}

int ssh_syntax_read_jump(const ssh_syntax *syntax, const char *text, const ssh_words *arguments, ssh_words *values,
                         char *why, size_t why_size) {
  ssh_jump_host jump = {0};
  int result = PENSTOCK_E_NOMEM;
  (void)syntax;
  (void)arguments;
  text += strspn(text, " \t\r\n=");
  size_t length = strcspn(text, "#");
  while (length > 0 && strchr(" \t\r\n", text[length - 1])) {
    length--;
  }
  size_t size = length + 16; /* brackets and all */
  char *list = strndup(text, length);
  char *before = strndup(text, length);
  char *rendered = malloc(size);
  if (!list || !before || !rendered) {
    goto out;
  }
  if (strcasecmp(list, "none") == 0) {
    result = ssh_words_add(values, "none", 4);
    goto out;
  }
  char *comma = strrchr(before, ',');
  before[comma ? comma - before : 0] = '\0';
  char *rest = list;
  while (rest) {
    char *word = rest;
    rest = strchr(word, ',');
    if (rest) {
      *rest++ = '\0';
    }
    if (ssh_jump_host_read(&jump, word)) {
      result = ssh_syntax_bad(why, why_size, "[user@]host[:port] is wanted, with commas between");
      goto out;
    }
  }
  (void)render_jump(rendered, size, before, &jump);
  result = ssh_words_add(values, rendered, strlen(rendered));
out:
  free(list);
  free(before);
  free(rendered);
  return result;
}
