/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_line_internal.h
 * What the files that read a `ssh …` line share. Not for others.
 */
#ifndef TRANSPORTS_SSH_LINE_INTERNAL_H
#define TRANSPORTS_SSH_LINE_INTERNAL_H

#include "common/ssh/line/ssh_line.h"

/** A line being read. */
typedef struct ssh_line_reader {
  ssh_line *line;
  const char *text; /**< the line itself, for messages */
  const shell_words_world *world;
  shell_words words;
  size_t next;             /**< the word to read next */
  int log_level;           /**< -v and -q so far, as an index of ssh's levels; -1 = not said */
  unsigned verbosity;      /**< -v so far */
  int has_jump_option;     /**< -J was given */
  unsigned char told[128]; /**< options that a note was made for */
  penstock_error *error;
} ssh_line_reader;

/** An argument: a part of a word. */
typedef struct ssh_line_argument {
  const char *text; /**< borrowed from the words */
  const uint32_t *at;
} ssh_line_argument;

/** Fails about a character of an argument. `next` (may be NULL) is what to do. Returns PENSTOCK_E_FAILED. */
int ssh_line_fail(ssh_line_reader *self, uint32_t at, const char *next, const char *format, ...) PENSTOCK_PRINTF(4, 5);
/** No memory. Returns PENSTOCK_E_FAILED. */
int ssh_line_no_memory(ssh_line_reader *self);
/** Adds a note. Returns 0, or a negative code. */
int ssh_line_tell(ssh_line_reader *self, int is_warning, const char *format, ...) PENSTOCK_PRINTF(3, 4);
/** Adds a setting. Returns 0, or a negative code. */
int ssh_line_add(ssh_line_reader *self, const char *keyword, const char *value, int is_written);
/** Puts a setting in the place of all with its keyword. Returns 0, or a negative code. */
int ssh_line_replace(ssh_line_reader *self, const char *keyword, const char *value);

/** Reads the options at self->next, up to the first word that is none (ssh_line_options.c). `*is_ended` is set if "--"
 * ended them. */
int ssh_line_read_options(ssh_line_reader *self, int *is_ended);
/** Reads what -L, -D or -R asks for (ssh_line_forward.c). */
int ssh_line_read_forward(ssh_line_reader *self, char letter, ssh_line_argument argument);
/** Is this a port number? Puts it into `*port`. */
int ssh_line_is_port(const char *text, size_t size, unsigned *port);

#endif
