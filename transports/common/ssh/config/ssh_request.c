/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_request.h"

#include <stdlib.h>

enum { HOST_MAX = 245 /* so that [host]:port fits into known_hosts' 256 */ };

/* What goes into a packet, a command line or a file name of ours must be one word that nobody can take for more. */
static int is_host(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || length > HOST_MAX || text[0] == '-' || strpbrk(text, "/@,*?!|#\"'`$\\;&<>(){}")) {
    return 0;
  }
  for (const char *c = text; *c; c++) {
    if ((unsigned char)*c <= ' ' || *c == 0x7F) {
      return 0;
    }
  }
  return 1;
}

int ssh_request_is_user(const char *user) {
  size_t length = strlen(user);
  if (length == 0 || user[0] == '-' || user[length - 1] == '\\' || strpbrk(user, "\"'`$;&<>|(){}")) {
    return 0;
  }
  for (const char *c = user; *c; c++) {
    if ((unsigned char)*c <= ' ' || *c == 0x7F) {
      return 0;
    }
  }
  return 1;
}

int ssh_request_set_host(ssh_request *request, const char *host, penstock_error *error) {
  if (!host || !is_host(host)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: not the name or address of a host",
                        host ? host : "");
    penstock_next(error, "Write the host alone (gpu01.example.com); port and user have options of their own");
    return PENSTOCK_E_FAILED;
  }
  /* "[::1]" is how an address is written next to a port. */
  size_t length = strlen(host);
  int is_bracketed = host[0] == '[' && length > 2 && host[length - 1] == ']';
  free(request->host);
  request->host = is_bracketed ? strndup(host + 1, length - 2) : strdup(host);
  return request->host ? 0 : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* Takes over `option`. */
static int add_option(ssh_request *request, char *option) {
  char **grown = option ? realloc(request->options, (request->option_count + 1) * sizeof(*grown)) : NULL;
  if (!grown) {
    free(option);
    return PENSTOCK_E_FAILED;
  }
  request->options = grown;
  grown[request->option_count++] = option;
  return 0;
}

int ssh_request_add_written(ssh_request *request, const char *keyword, const char *value) {
  if (strpbrk(value, "\r\n")) {
    return PENSTOCK_E_INVALID;
  }
  size_t size = strlen(keyword) + strlen(value) + 2;
  char *option = malloc(size);
  if (option) {
    (void)snprintf(option, size, "%s=%s", keyword, value);
  }
  return add_option(request, option);
}

int ssh_request_add(ssh_request *request, const char *keyword, const char *value) {
  if (strchr(value, '"')) {
    return PENSTOCK_E_INVALID;
  }
  if (value[0] != '\0' && !strpbrk(value, " \t#'\\")) {
    return ssh_request_add_written(request, keyword, value);
  }
  char *quoted = malloc(2 * strlen(value) + 3);
  if (!quoted) {
    return PENSTOCK_E_FAILED;
  }
  char *to = quoted;
  *to++ = '"';
  for (const char *c = value; *c; c++) {
    if (*c == '\\') {
      *to++ = '\\'; /* a backslash quotes itself and quotes, and stays before anything else */
    }
    *to++ = *c;
  }
  *to++ = '"';
  *to = '\0';
  int result = ssh_request_add_written(request, keyword, quoted);
  free(quoted);
  return result;
}

int ssh_request_copy(ssh_request *copy, const ssh_request *request) {
  memset(copy, 0, sizeof(*copy));
  copy->host = request->host ? strdup(request->host) : NULL;
  copy->config_file = request->config_file ? strdup(request->config_file) : NULL;
  int failed = (request->host && !copy->host) || (request->config_file && !copy->config_file);
  for (size_t i = 0; i < request->option_count && !failed; i++) {
    failed = add_option(copy, strdup(request->options[i])) != 0;
  }
  if (failed) {
    ssh_request_clear(copy);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

void ssh_request_clear(ssh_request *request) {
  for (size_t i = 0; i < request->option_count; i++) {
    free(request->options[i]);
  }
  free(request->options);
  free(request->config_file);
  free(request->host);
  memset(request, 0, sizeof(*request));
}
