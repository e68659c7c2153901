/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_line.h
 * A pasted `ssh …` line, read as ssh(1) reads it: which host it asks for, with which settings, and what of it has no
 * meaning here. The same options win as in ssh: the first of two -p, the last of two -c.
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_LINE_H
#define TRANSPORTS_SSH_LINE_H

#include "common/shell_words.h"
#include "common/ssh/config/ssh_request.h"

/** One setting that the line makes. */
typedef struct ssh_line_setting {
  char *keyword;   /**< of ssh_config(5) */
  char *value;     /**< as it is meant; for a written one as ssh_config(5) would have it, with its quotes */
  int is_written;  /**< the user wrote it with -o */
  int is_relative; /**< it is a path that counts from the folder in which ssh is started */
} ssh_line_setting;

/** Something to tell the user about a line. */
typedef struct ssh_line_note {
  int is_warning; /**< a part of the line has no effect; else it is only explained */
  char *text;
} ssh_line_note;

/** What a line means. Zero-initialise; ssh_line_clear. */
typedef struct ssh_line {
  char *host;        /**< as it was typed, without `user@` */
  char *config_file; /**< of -F; NULL = none was given */
  ssh_line_setting *settings;
  size_t setting_count;
  char *listen;   /**< local side of the first -L, as host:port; NULL = there is none that penstock could have */
  char *endpoint; /**< its far side, likewise */
  ssh_line_note *notes;
  size_t note_count;
} ssh_line;

/**
 * Reads a line. `world` NULL = this process's environment and files. On failure returns a negative code with `error`
 * (class CONFIG, beginning with "character N: ", N counted from 1), and nothing is to be freed.
 */
int ssh_line_parse(ssh_line *line, const char *text, const shell_words_world *world, penstock_error *error);
/** The line as a request. Returns 0, or a negative code with `error`; nothing is to be freed then. */
int ssh_line_request(ssh_request *request, const ssh_line *line, penstock_error *error);
/** The first setting with `keyword` (in any case of letters); NULL if there is none. */
const ssh_line_setting *ssh_line_find(const ssh_line *line, const char *keyword);
/** Frees what the line owns. */
void ssh_line_clear(ssh_line *line);

#endif
