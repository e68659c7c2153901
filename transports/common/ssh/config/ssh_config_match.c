/* SPDX-License-Identifier: MIT */
/* Does a block of ssh_config hold for the host that is asked for? */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_config_reader.h"

int ssh_reader_host(ssh_reader *reader, const ssh_words *patterns, ssh_reader_scope *scope) {
  int holds = 0;
  for (size_t i = 0; i < patterns->count; i++) {
    const char *pattern = patterns->items[i];
    int is_negated = pattern[0] == '!';
    if (pattern[0] == '\0') {
      return ssh_reader_fail(reader, scope, "Host: one of the patterns is empty");
    }
    if (ssh_pattern_match(reader->host, pattern + is_negated)) {
      holds = !is_negated;
      if (is_negated) {
        break;
      }
    }
  }
  scope->is_active = holds && !scope->never;
  return 0;
}

/* `text` in lower case. The caller frees it. */
static char *lower(const char *text) {
  char *copy = strdup(text);
  for (char *c = copy; c && *c; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
  return copy;
}

/* Host names are compared without regard to case. Returns 1, 0, or a negative code. */
static int matches_host(const ssh_reader *reader, const char *host, const char *patterns) {
  char *name = host ? lower(host) : NULL;
  int result = name ? ssh_pattern_list_match(name, patterns, 1) == 1 : ssh_reader_out_of_memory(reader);
  free(name);
  return result;
}

/* What cannot be judged here, because it would run a command or is about what only ssh knows. */
static int cannot_judge(const ssh_reader *reader, const ssh_reader_scope *scope, const char *criterion) {
  (void)ssh_reader_fail(reader, scope, "Match %s cannot be judged without an ssh client", criterion);
  penstock_next(reader->error,
                "Install an OpenSSH client (package openssh-client): penstock then asks `ssh -G`; or "
                "write a Host block for %s above this line",
                reader->request->host);
  return PENSTOCK_E_FAILED;
}

/* One criterion with its argument. Returns 1 if it matches, 0 if not, or a negative code. `matters`: the result is
 * not settled yet. */
static int judge(const ssh_reader *reader, const ssh_reader_scope *scope, const char *criterion, const char *argument,
                 int matters) {
  static const char *const unknown[] = {"exec", "localnetwork", "version", "command", "sessiontype", NULL};
  if (strcasecmp(criterion, "host") == 0) {
    char *host = reader->is_final ? strdup(reader->host) : ssh_reader_host_name(reader);
    int result = matches_host(reader, host, argument);
    free(host);
    return result;
  }
  if (strcasecmp(criterion, "originalhost") == 0) {
    return matches_host(reader, reader->request->host, argument);
  }
  if (strcasecmp(criterion, "user") == 0) {
    const char *user = ssh_reader_value(reader, "user");
    return ssh_pattern_list_match(user ? user : reader->local.user, argument, 0) == 1;
  }
  if (strcasecmp(criterion, "localuser") == 0) {
    return ssh_pattern_list_match(reader->local.user, argument, 0) == 1;
  }
  if (strcasecmp(criterion, "tagged") == 0) {
    const char *tag = ssh_reader_value(reader, "tag");
    return tag ? ssh_pattern_list_match(tag, argument, 0) == 1 : argument[0] == '\0';
  }
  for (size_t i = 0; unknown[i]; i++) {
    if (strcasecmp(criterion, unknown[i]) == 0) {
      return matters ? cannot_judge(reader, scope, unknown[i]) : 0;
    }
  }
  return ssh_reader_fail(reader, scope, "Match: there is no criterion %s", criterion);
}

/* Is nothing but a comment left? */
static int is_end(const char *rest) {
  return !rest || rest[0] == '\0' || rest[0] == '#';
}

/* `all` stands alone, or after `canonical` or `final`. */
static int match_all(const ssh_reader *reader, const ssh_reader_scope *scope, const char *rest, int before) {
  if (before > 1 || !is_end(rest)) {
    return ssh_reader_fail(reader, scope, "Match: `all` cannot stand beside other criteria");
  }
  return 1;
}

int ssh_reader_match(ssh_reader *reader, char *criteria, ssh_reader_scope *scope) {
  char *rest = criteria;
  int holds = 1;
  int count = 0;
  while (!is_end(rest)) {
    char *criterion = ssh_words_next(&rest);
    int is_negated = criterion && criterion[0] == '!';
    int matches = 0;
    if (!criterion || criterion[is_negated] == '\0') {
      return ssh_reader_fail(reader, scope, "Match: a criterion is missing");
    }
    criterion += is_negated;
    if (strcasecmp(criterion, "all") == 0) {
      matches = match_all(reader, scope, rest, count);
      rest = NULL;
    } else if (strcasecmp(criterion, "canonical") == 0 || strcasecmp(criterion, "final") == 0) {
      reader->wants_final |= tolower((unsigned char)criterion[0]) == 'f';
      matches = reader->is_final;
    } else {
      char *argument = rest && rest[0] != '#' ? ssh_words_next(&rest) : NULL;
      if (!argument || (argument[0] == '\0' && strcasecmp(criterion, "tagged") != 0)) {
        return ssh_reader_fail(reader, scope, "Match %s: there is nothing to compare with", criterion);
      }
      matches = judge(reader, scope, criterion, argument, holds && !scope->never);
    }
    if (matches < 0) {
      return PENSTOCK_E_FAILED;
    }
    count++;
    holds = holds && matches == !is_negated;
  }
  if (count == 0) {
    return ssh_reader_fail(reader, scope, "Match: a criterion is missing");
  }
  scope->is_active = holds && !scope->never;
  return 0;
}
