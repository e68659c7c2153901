/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_keywords.h
 * Every keyword of ssh_config(5) and what becomes of it here: one table, from which settings are made, warnings and
 * refusals are worded, and the table of docs/SSH.md is printed.
 */
#ifndef TRANSPORTS_SSH_KEYWORDS_H
#define TRANSPORTS_SSH_KEYWORDS_H

#include "common/ssh/ssh_settings.h"

/** What becomes of a keyword. */
typedef enum ssh_keyword_use {
  SSH_KEYWORD_HONOURED,       /**< it does here what it does for ssh */
  SSH_KEYWORD_NOT_APPLICABLE, /**< it is about what penstock does not do (a terminal, X11, …): nothing is lost */
  SSH_KEYWORD_WARNED,         /**< it would do something that is not done here: said once */
  SSH_KEYWORD_REFUSED         /**< it changes security or routing and cannot be honoured: an error if it is set */
} ssh_keyword_use;

/** A keyword. */
typedef struct ssh_keyword {
  const char *name; /**< as ssh_config(5) writes it */
  ssh_keyword_use use;
  /** Puts a line into the settings; called for each line with the keyword, in order. NULL if nothing is to be done. */
  int (*apply)(ssh_settings *settings, const ssh_config_line *line, penstock_error *error);
  /** WARNED and REFUSED: does this value ask for anything at all? NULL = every value that is set does. */
  int (*matters)(const char *value);
  const char *note; /**< one sentence for the table: how it is honoured, why not, or the way out */
} ssh_keyword;

/** The table, `*count` entries in alphabetical order. */
const ssh_keyword *ssh_keywords(size_t *count);
/** The entry of a keyword in any case of letters; NULL if there is none. */
const ssh_keyword *ssh_keyword_find(const char *name);

#endif
