/* SPDX-License-Identifier: MIT */
/**
 * @file shell_words.h
 * A command line from the user, split into words as a POSIX shell would: quotes, backslashes, `~`, `$NAME`. What only a
 * shell can do (pipes, lists, redirections, command substitution) is an error that says at which character it stands.
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SHELL_WORDS_H
#define TRANSPORTS_SHELL_WORDS_H

#include <penstock/sdk.h>

/** One word. */
typedef struct shell_word {
  char *text;
  size_t size; /**< bytes in it */
  /** For each byte, and for the word's end, the character of the line that it came from, counted from 1. */
  uint32_t *at;
} shell_word;

/** The words of a line. Zero-initialise; shell_words_clear. */
typedef struct shell_words {
  shell_word *items;
  size_t count;
  uint32_t end; /**< the character after the last word */
} shell_words;

/** What a line may ask about the machine. Both are called with `context`. */
typedef struct shell_words_world {
  void *context;
  /** The environment variable `name`; NULL if it is not set. Borrowed until the next call. */
  const char *(*variable)(void *context, const char *name);
  /** Is there such a file? */
  int (*exists)(void *context, const char *path);
  /** Paths have backslashes, as on Windows: one stands for itself, but before a double quote or a line's end. */
  int has_backslashes;
} shell_words_world;

/** This process's environment and files. Of the system: shell_words_unix.c, shell_words_win.c. */
extern const shell_words_world shell_words_here;

/**
 * Splits `line`. Blanks and line ends around it, a prompt (`$ `) before it, and lines that end with a backslash are
 * fine. On failure returns a negative code with `error` (class CONFIG), and nothing is to be freed.
 */
int shell_words_split(shell_words *words, const char *line, const shell_words_world *world, penstock_error *error);
/** Frees what the words own. */
void shell_words_clear(shell_words *words);

/**
 * Fills in an error (leg LOCAL, class CONFIG) about character `at` of `line`; its detail shows the place. Returns
 * PENSTOCK_E_FAILED.
 */
int shell_words_fail(penstock_error *error, const char *line, uint32_t at, const char *format, ...)
    PENSTOCK_PRINTF(4, 5);

#endif
