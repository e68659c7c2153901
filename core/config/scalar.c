/* SPDX-License-Identifier: MIT */
/* Durations and addresses. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

typedef struct unit {
  const char *name;
  int64_t ms;
} unit;

static const unit units[] = {{"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* More digits than any duration of ours has, and few enough for every product to fit. */
#define MOST_DIGITS 10

static int fail_duration(const char *text, ps_text *fault) {
  ps_text_addf(fault, "'%s' is no duration: write a number with ms, s, m or h, such as 500ms or 20s", text);
  return PENSTOCK_E_INVALID;
}

int ps_duration_parse(const char *text, int64_t *ms, ps_text *fault) {
  const char *at = text;
  int64_t whole = 0;
  int64_t part = 0;
  int64_t scale = 1;
  int digits = 0;
  for (; isdigit((unsigned char)*at) && digits <= MOST_DIGITS; at++, digits++) {
    whole = whole * 10 + (*at - '0');
  }
  if (digits == 0 || digits > MOST_DIGITS) {
    return fail_duration(text, fault);
  }
  if (*at == '.') {
    for (at++, digits = 0; isdigit((unsigned char)*at) && digits <= MOST_DIGITS; at++, digits++) {
      part = part * 10 + (*at - '0');
      scale *= 10;
    }
    if (digits == 0 || digits > MOST_DIGITS) {
      return fail_duration(text, fault);
    }
  }
  while (*at == ' ') {
    at++;
  }
  for (size_t i = 0; i < UNITS; i++) {
    if (strcmp(at, units[i].name) == 0) {
      if (part * units[i].ms % scale != 0) {
        ps_text_addf(fault, "'%s' is no whole number of milliseconds", text);
        return PENSTOCK_E_INVALID;
      }
      *ms = whole * units[i].ms + part * units[i].ms / scale;
      return 0;
    }
  }
  return fail_duration(text, fault);
}

void ps_duration_add(ps_text *text, int64_t ms) {
  size_t best = ms == 0 ? 2 : 0;
  for (size_t i = 0; i < UNITS; i++) {
    if (units[i].name[0] && ms != 0 && ms % units[i].ms == 0) {
      best = i;
    }
  }
  ps_text_addf(text, "%lld%s", (long long)(ms / units[best].ms), units[best].name);
}

/* The number of a port; -1 if the text is none. */
static int parse_port(const char *text) {
  int port = 0;
  size_t size = strlen(text);
  if (size == 0 || size > 5) {
    return -1;
  }
  for (; *text; text++) {
    if (!isdigit((unsigned char)*text)) {
      return -1;
    }
    port = port * 10 + (*text - '0');
  }
  return port <= 65535 ? port : -1;
}

/* Is the host an IPv6 address, with or without a %scope? */
static int is_v6(const char *host) {
  char copy[INET6_ADDRSTRLEN];
  unsigned char bytes[16];
  size_t size = strcspn(host, "%");
  if (size >= sizeof(copy) || (host[size] == '%' && !host[size + 1])) {
    return 0;
  }
  memcpy(copy, host, size);
  copy[size] = '\0';
  return inet_pton(AF_INET6, copy, bytes) == 1;
}

/* What is wrong with a host that is no IPv6 address; NULL if nothing. */
static const char *fault_of_host(const char *host) {
  unsigned char bytes[4];
  if (strspn(host, "0123456789.") == strlen(host) && inet_pton(AF_INET, host, bytes) != 1) {
    return "the host is no IPv4 address";
  }
  if (strlen(host) > 253) {
    return "the host's name is too long";
  }
  for (const char *at = host; *at; at++) {
    /* Letters beyond ASCII are for the resolver to judge. */
    if (!isalnum((unsigned char)*at) && !strchr("-._", *at) && (unsigned char)*at < 0x80) {
      return "the host holds a character that no name has";
    }
  }
  return host[0] == '-' ? "the host begins with `-`" : NULL;
}

/* Splits `copy` in place. Returns what is wrong with its form, or NULL. */
static const char *split(char *copy, char **host, char **port, int *is_bracketed) {
  *is_bracketed = copy[0] == '[';
  if (*is_bracketed) {
    char *close = strchr(copy, ']');
    if (!close || close[1] != ':') {
      return "an IPv6 address is written as [address]:port";
    }
    *close = '\0';
    *host = copy + 1;
    *port = close + 2;
    return is_v6(*host) ? NULL : "there is no IPv6 address in the brackets";
  }
  char *colon = strrchr(copy, ':');
  if (!colon) {
    *host = NULL;
    *port = copy;
    return isdigit((unsigned char)copy[0]) && !strchr(copy, '.') ? NULL : "the port is missing: write host:port";
  }
  if (strchr(copy, ':') != colon) {
    return "put an IPv6 address in brackets: [address]:port";
  }
  *colon = '\0';
  *host = copy;
  *port = colon + 1;
  return copy[0] ? fault_of_host(copy) : "the host is missing: write host:port (0.0.0.0:port for every interface)";
}

int ps_address_parse(const char *text, int any_port, ps_text *out, ps_text *fault) {
  char *copy = strdup(text);
  char *host = NULL;
  char *port = NULL;
  int is_bracketed = 0;
  int result = PENSTOCK_E_INVALID;
  const char *wrong = copy ? split(copy, &host, &port, &is_bracketed) : "out of memory";
  int number = wrong ? -1 : parse_port(port);
  if (wrong) {
    ps_text_addf(fault, "'%s' is no address: %s", text, wrong);
  } else if (number < (any_port ? 0 : 1)) {
    ps_text_addf(fault, "'%s': the port is a number from %d to 65535", text, any_port ? 0 : 1);
  } else {
    ps_text_addf(out, is_bracketed ? "[%s]:%d" : "%s:%d", host ? host : "127.0.0.1", number);
    result = 0;
  }
  free(copy);
  return result;
}
