/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Longer words are no names of ours. */
#define LONGEST 64
/* Fewer letters begin too many words. */
#define SHORTEST_PREFIX 3

static size_t least(size_t a, size_t b, size_t c) {
  size_t ab = a < b ? a : b;
  return ab < c ? ab : c;
}

static int same(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits (insert, delete, replace, swap of neighbours) between two words of at most LONGEST bytes; case does not count.
 */
static size_t edits(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t rows[3][LONGEST + 1];
  size_t *before = rows[0]; /* row i - 2 */
  size_t *above = rows[1];  /* row i - 1 */
  size_t *row = rows[2];
  for (size_t j = 0; j <= b_size; j++) {
    above[j] = j;
    before[j] = 0;
  }
  for (size_t i = 1; i <= a_size; i++) {
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1));
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < row[j]) {
        row[j] = before[j - 2] + 1;
      }
    }
    size_t *oldest = before;
    before = above;
    above = row;
    row = oldest;
  }
  return above[b_size];
}

/* How many edits may still be a slip of the hand: a third of the word, at least one. */
static size_t most_edits(const char *word) {
  return strlen(word) / 3 + 1;
}

void ps_nearest_init(ps_nearest *nearest, const char *word) {
  nearest->word = word;
  nearest->best = NULL;
  nearest->distance = most_edits(word) + 1;
}

void ps_nearest_offer(ps_nearest *nearest, const char *candidate) {
  size_t word_size = strlen(nearest->word);
  size_t size = strlen(candidate);
  if (word_size == 0 || word_size > LONGEST || size > LONGEST) {
    return;
  }
  size_t distance = edits(nearest->word, word_size, candidate, size);
  /* The beginning of a word is near it, though less so than a slip. */
  if (distance > most_edits(nearest->word) && word_size >= SHORTEST_PREFIX &&
      strncasecmp(nearest->word, candidate, word_size) == 0) {
    distance = most_edits(nearest->word);
  }
  /* A replacement of every character is no likeness, however short the word. */
  if (distance < nearest->distance && distance < size) {
    nearest->best = candidate;
    nearest->distance = distance;
  }
}
