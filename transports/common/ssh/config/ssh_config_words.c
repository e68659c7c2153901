/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_config_words.h"

#include <ctype.h>
#include <stdlib.h>

#define BLANKS " \t\r\n"

int ssh_words_add(ssh_words *words, const char *word, size_t size) {
  char **grown = realloc(words->items, (words->count + 1) * sizeof(*grown));
  if (!grown) {
    return PENSTOCK_E_FAILED;
  }
  words->items = grown;
  grown[words->count] = strndup(word, size);
  if (!grown[words->count]) {
    return PENSTOCK_E_FAILED;
  }
  words->count++;
  return 0;
}

void ssh_words_remove(ssh_words *words, size_t index) {
  free(words->items[index]);
  words->count--;
  memmove(&words->items[index], &words->items[index + 1], (words->count - index) * sizeof(words->items[0]));
}

void ssh_words_clear(ssh_words *words) {
  for (size_t i = 0; i < words->count; i++) {
    free(words->items[i]);
  }
  free(words->items);
  memset(words, 0, sizeof(*words));
}

/* Is the backslash at `at` there for the character after it, inside `quote` or (0) outside of quotes? */
static int is_escape(const char *at, char quote) {
  return at[1] == '\'' || at[1] == '"' || at[1] == '\\' || (quote == 0 && at[1] == ' ');
}

/* One word from `*at` on, into `word`, which has room for all that is left. Returns its size; *at is moved behind it.
 * `*open` tells whether a quote was not closed. */
static size_t take_word(const char **at, char *word, int *open) {
  size_t size = 0;
  char quote = 0;
  const char *c = *at;
  for (; *c; c++) {
    if (*c == '\\' && is_escape(c, quote)) {
      word[size++] = *++c;
    } else if (quote == 0 && (*c == ' ' || *c == '\t')) {
      break;
    } else if (quote == 0 && (*c == '"' || *c == '\'')) {
      quote = *c;
    } else if (quote != 0 && *c == quote) {
      quote = 0;
    } else {
      word[size++] = *c;
    }
  }
  *at = c;
  *open = quote != 0;
  return size;
}

int ssh_words_split(ssh_words *words, const char *text) {
  int result = 0;
  char *word = malloc(strlen(text) + 1);
  memset(words, 0, sizeof(*words));
  if (!word) {
    return PENSTOCK_E_FAILED;
  }
  for (const char *at = text + strspn(text, " \t"); *at && *at != '#' && result == 0; at += strspn(at, " \t")) {
    int open = 0;
    size_t size = take_word(&at, word, &open);
    result = open ? PENSTOCK_E_INVALID : ssh_words_add(words, word, size);
  }
  free(word);
  if (result) {
    ssh_words_clear(words);
  }
  return result;
}

/* The word between two double quotes; the first one stands at `quote`, inside or at the start of `word`. */
static char *next_quoted(char **rest, char *word, char *quote) {
  memmove(quote, quote + 1, strlen(quote)); /* what stood before the quote belongs to the word */
  char *end = strchr(quote, '"');
  if (!end) {
    *rest = NULL;
    return NULL;
  }
  *end = '\0';
  *rest = end + 1 + strspn(end + 1, BLANKS);
  return word;
}

char *ssh_words_next(char **rest) {
  char *word = *rest;
  if (!word) {
    return NULL;
  }
  char *end = strpbrk(word, BLANKS "\"=");
  if (!end) {
    *rest = NULL;
    return word;
  }
  if (*end == '"') {
    return next_quoted(rest, word, end);
  }
  int had_equals = *end == '=';
  *end++ = '\0';
  end += strspn(end, BLANKS);
  if (*end == '=' && !had_equals) {
    end++;
    end += strspn(end, BLANKS);
  }
  *rest = end;
  return word;
}

int ssh_pattern_match(const char *text, const char *pattern) {
  const char *star = NULL; /* the last `*` seen, and what it has been taken to match so far */
  const char *tried = NULL;
  while (*text) {
    if (*pattern == '*') {
      star = pattern++;
      tried = text;
    } else if (*pattern == '?' || *pattern == *text) {
      pattern++;
      text++;
    } else if (star) {
      pattern = star + 1;
      text = ++tried;
    } else {
      return 0;
    }
  }
  return pattern[strspn(pattern, "*")] == '\0';
}

int ssh_pattern_list_match(const char *text, const char *patterns, int fold) {
  int found = 0;
  char pattern[1024];
  while (*patterns) {
    int is_negated = *patterns == '!';
    patterns += is_negated;
    size_t length = strcspn(patterns, ",");
    if (length >= sizeof(pattern)) {
      return 0; /* as ssh: nobody writes such a name */
    }
    for (size_t i = 0; i < length; i++) {
      pattern[i] = patterns[i];
      if (fold) {
        pattern[i] = (char)tolower((unsigned char)pattern[i]);
      }
    }
    pattern[length] = '\0';
    if (ssh_pattern_match(text, pattern)) {
      if (is_negated) {
        return -1;
      }
      found = 1;
    }
    patterns += length + (patterns[length] == ',');
  }
  return found;
}
