/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_keywords.h"

enum { TOLD_MAX = 1024 /* a power of two; more warnings than any set of profiles has */, SHOWN_MAX = 200 };

/* --- once a process -------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t value, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text;; c++) { /* FNV-1a, with the NUL between two texts */
    value = (value ^ *c) * 1099511628211u;
    if (*c == '\0') {
      return value;
    }
  }
}

/* Reconnects, lanes and their threads say the same things: what was said is kept, without a lock. */
static int is_first(const char *profile, const char *topic) {
  static _Atomic uint64_t told[TOLD_MAX];
  uint64_t key = hash(hash(14695981039346656037u, profile), topic);
  for (size_t i = 0; i < TOLD_MAX; i++) {
    _Atomic uint64_t *slot = &told[(key + i) % TOLD_MAX];
    uint64_t found = 0;
    if (atomic_compare_exchange_strong(slot, &found, key)) {
      return 1;
    }
    if (found == key) {
      return 0;
    }
  }
  return 1;
}

void ssh_keywords_warn(const penstock_host *host, const char *profile, const char *topic, const char *format, ...) {
  char text[1024];
  if (!host || !is_first(profile, topic)) {
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  host->log(host, PENSTOCK_LOG_WARN, text);
}

/* --- judging --------------------------------------------------------------------------------------- */

/* Was it the profile that set the keyword? Else it stands in some ssh_config. */
static int is_from_profile(const ssh_request *request, const char *keyword) {
  size_t length = strlen(keyword);
  for (size_t i = 0; i < request->option_count; i++) {
    const char *option = request->options[i];
    if (strncasecmp(option, keyword, length) == 0 && strchr("= \t", option[length])) {
      return 1;
    }
  }
  return 0;
}

static int refuse(const ssh_keyword *keyword, const ssh_config_line *line, const ssh_request *request,
                  penstock_error *error) {
  int is_own = is_from_profile(request, keyword->name);
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s %.*s (%s%s): %s", keyword->name, SHOWN_MAX,
                      line->value, is_own ? "in the profile, for " : "in ssh_config, for ", request->host,
                      keyword->note);
  penstock_next(error, "%s",
                keyword->next ? keyword->next : "`transport = openssh` honours it: it uses the system's ssh");
  return PENSTOCK_E_FAILED;
}

static void warn(const ssh_keyword *keyword, const ssh_config_line *line, const ssh_request *request,
                 const char *profile, const penstock_host *host) {
  int is_own = is_from_profile(request, keyword->name);
  ssh_keywords_warn(host, profile, keyword->name, "%s %.*s (%s%s) has no effect: %s%s%s", keyword->name, SHOWN_MAX,
                    line->value, is_own ? "in the profile, for " : "in ssh_config, for ", request->host, keyword->note,
                    keyword->next ? ". " : "", keyword->next ? keyword->next : "");
}

int ssh_keywords_judge(const ssh_config *lines, const ssh_request *request, const char *profile,
                       const penstock_host *host, penstock_error *error) {
  for (size_t i = 0; i < lines->count; i++) {
    const ssh_config_line *line = &lines->lines[i];
    const ssh_keyword *keyword = line->is_set ? ssh_keyword_find(line->keyword) : NULL;
    if (!line->is_set) {
      continue;
    }
    if (!keyword) {
      ssh_keywords_warn(host, profile, line->keyword,
                        "%s %.*s (in ssh_config, for %s) has no effect: penstock does not know this keyword",
                        line->keyword, SHOWN_MAX, line->value, request->host);
    } else if (keyword->matters && !keyword->matters(line->value)) {
      continue;
    } else if (keyword->use == SSH_KEYWORD_REFUSED) {
      return refuse(keyword, line, request, error);
    } else if (keyword->use == SSH_KEYWORD_WARNED) {
      warn(keyword, line, request, profile, host);
    }
  }
  return 0;
}
