/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_keywords.h
 * Every keyword of ssh_config(5) and what becomes of it here: one table, from which settings are made, warnings and
 * refusals are worded, and the table of docs/SSH.md is printed.
 */
#ifndef TRANSPORTS_SSH_KEYWORDS_H
#define TRANSPORTS_SSH_KEYWORDS_H

#include "common/ssh/config/ssh_settings.h"

/** What becomes of a keyword. */
typedef enum ssh_keyword_use {
  SSH_KEYWORD_HONOURED,       /**< it does here what it does for ssh */
  SSH_KEYWORD_NOT_APPLICABLE, /**< it is about what penstock does not do (a terminal, X11, …): nothing is lost */
  SSH_KEYWORD_WARNED,         /**< it would do something that is not done here: said once */
  SSH_KEYWORD_REFUSED         /**< it changes security or routing and cannot be honoured: an error if it is set */
} ssh_keyword_use;

/** Puts a line into the settings. Returns 0, or a negative code with `error`. */
typedef int ssh_keyword_apply(ssh_settings *settings, const ssh_config_line *line, penstock_error *error);

/** A keyword. */
typedef struct ssh_keyword {
  const char *name; /**< as ssh_config(5) writes it */
  ssh_keyword_use use;
  ssh_keyword_apply *apply; /**< called for each line with the keyword, in order; NULL if nothing is to be done */
  /** WARNED and REFUSED: does this value ask for anything at all? NULL = every value that is set does. */
  int (*matters)(const char *value);
  const char *note; /**< one sentence: how it is honoured, or why not */
  const char *next; /**< WARNED and REFUSED: the way out; NULL = `transport = openssh` */
} ssh_keyword;

/** The table, `*count` entries in alphabetical order. */
const ssh_keyword *ssh_keywords(size_t *count);
/** The entry of a keyword in any case of letters; NULL if there is none. */
const ssh_keyword *ssh_keyword_find(const char *name);

/**
 * Judges all lines: warns of what is not done here, and of keywords that nobody knows, in the log of `host` (NULL =
 * no log), once a process for each profile and keyword. Returns 0, or a negative code with `error` (class CONFIG) if
 * one that is set must be refused. `request` tells whether it was the profile that set it.
 */
int ssh_keywords_judge(const ssh_config *lines, const ssh_request *request, const char *profile,
                       const penstock_host *host, penstock_error *error);
/** Warns in the log of `host` (NULL = nowhere), once a process for each profile and `topic`. */
PENSTOCK_PRINTF(4, 5)
void ssh_keywords_warn(const penstock_host *host, const char *profile, const char *topic, const char *format, ...);

#endif
