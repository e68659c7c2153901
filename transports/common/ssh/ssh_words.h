/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_words.h
 * A pasted command line, split into words as a POSIX shell would: quotes, backslashes, `~`, `$NAME`. What only a shell
 * can do (pipes, lists, redirections, command substitution) is an error that says at which character it stands.
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_WORDS_H
#define TRANSPORTS_SSH_WORDS_H

#include <penstock/sdk.h>

/** One word. */
typedef struct ssh_word {
  char *text;
  size_t size; /**< bytes in it */
  /** For each byte, and for the word's end, the character of the line that it came from, counted from 1. */
  uint32_t *at;
} ssh_word;

/** The words of a line. Zero-initialise; ssh_words_clear. */
typedef struct ssh_words {
  ssh_word *items;
  size_t count;
  uint32_t end; /**< the character after the last word */
} ssh_words;

/** What a line may ask about the machine. Both are called with `context`. */
typedef struct ssh_words_world {
  void *context;
  /** The environment variable `name`; NULL if it is not set. Borrowed until the next call. */
  const char *(*variable)(void *context, const char *name);
  /** Is there such a file? */
  int (*exists)(void *context, const char *path);
} ssh_words_world;

/** This process's environment and files. */
extern const ssh_words_world ssh_words_here;

/**
 * Splits `line`. Blanks and line ends around it, a prompt (`$ `) before it, and lines that end with a backslash are
 * fine. On failure returns a negative code with `error` (class CONFIG), and nothing is to be freed.
 */
int ssh_words_split(ssh_words *words, const char *line, const ssh_words_world *world, penstock_error *error);
/** Frees what the words own. */
void ssh_words_clear(ssh_words *words);

/**
 * Fills in an error (leg LOCAL, class CONFIG) about character `at` of `line`; its detail shows the place. Returns
 * PENSTOCK_E_FAILED.
 */
int ssh_words_fail(penstock_error *error, const char *line, uint32_t at, const char *format, ...) PENSTOCK_PRINTF(4, 5);

#endif
