/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_config_words.h
 * Words and patterns of ssh_config(5): how a line is cut into words, and what `*`, `?` and `!` match. No I/O.
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_CONFIG_WORDS_H
#define TRANSPORTS_SSH_CONFIG_WORDS_H

#include <penstock/sdk.h>

/** Some words. The text is their own. */
typedef struct ssh_words {
  char **items;
  size_t count;
} ssh_words;

/** Adds a copy of the first `size` bytes of `word`. Returns 0, or a negative code if there is no memory. */
int ssh_words_add(ssh_words *words, const char *word, size_t size);
/** Takes the word at `index` out. */
void ssh_words_remove(ssh_words *words, size_t index);
/** Frees all of them. */
void ssh_words_clear(ssh_words *words);

/**
 * Cuts the arguments of a keyword into words: quotes of both kinds, a backslash before a quote, a backslash or (outside
 * of quotes) a blank; a `#` that begins a word begins a comment. Returns 0, PENSTOCK_E_INVALID if a quote is not
 * closed, or another negative code if there is no memory; nothing is to be freed then.
 */
int ssh_words_split(ssh_words *words, const char *text);

/**
 * The next word of a keyword or of the criteria of Match: up to blanks and at most one `=`, or between double quotes.
 * Cuts `*rest` in place and moves it behind the word; it becomes NULL with the last one. NULL if there is no word, or
 * a quote is not closed.
 */
char *ssh_words_next(char **rest);

/** Does `text` match `pattern` as a whole? `*` is any text, `?` any one character. */
int ssh_pattern_match(const char *text, const char *pattern);
/**
 * Does `text` match a list of patterns with commas between? 1 = yes, 0 = no, -1 = one that begins with `!` matches.
 * `fold`: take the patterns in lower case.
 */
int ssh_pattern_list_match(const char *text, const char *patterns, int fold);

#endif
