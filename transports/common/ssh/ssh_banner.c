/* SPDX-License-Identifier: MIT */
/* What a server's administrator wants to be read before a login (sshd's Banner). */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/script.h"
#include "common/ssh/ssh_internal.h"

enum { LINES_MAX = 40, LINE_MAX_BYTES = 500 };

/* FNV-1a; only to know a text again. */
static uint64_t digest(const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) {
    hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  }
  return hash;
}

void ssh_log_banner(const ssh_link *link) {
  static atomic_uint_fast64_t shown; /* the last one: a link that comes again need not tell it again */
  const penstock_host *host = link->host;
  char *banner = ssh_get_issue_banner(link->session);
  if (!banner) {
    return;
  }
  uint64_t key = digest(banner);
  uint32_t level = atomic_exchange(&shown, key) == key ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_INFO;
  unsigned lines = 0;
  for (char *at = banner; (at = strchr(at, '\r')); at++) {
    *at = '\n';
  }
  script_make_printable(banner, strlen(banner)); /* it may hold what a terminal obeys */
  for (const char *line = banner, *end; *line && lines < LINES_MAX; line = end + strspn(end, "\n")) {
    end = line + strcspn(line, "\n");
    int length = (int)(end - line < LINE_MAX_BYTES ? end - line : LINE_MAX_BYTES);
    if (strspn(line, " \t") < (size_t)length) {
      penstock_logf(host, level, "%s says: %.*s", link->settings.host, length, line);
      lines++;
    }
  }
  ssh_string_free_char(banner);
}
