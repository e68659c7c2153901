/* SPDX-License-Identifier: MIT */
#include "common/container/container_there.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LISTED_MAX = 20, IMAGES_MAX = 12, CONSIDERED_MAX = 500, WORD_MAX = 64 };

typedef struct entry {
  const char *line;
  size_t length;
  size_t distance;
} entry;

static char lower(char c) {
  return (char)tolower((unsigned char)c);
}

/* Edits between two words (Levenshtein), letters' case aside; only their beginnings count. One that begins with the
 * other is nearer than any other. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t row[WORD_MAX + 1];
  a_length = a_length < WORD_MAX ? a_length : WORD_MAX;
  b_length = b_length < WORD_MAX ? b_length : WORD_MAX;
  for (size_t j = 0; j <= b_length; j++) {
    row[j] = j;
  }
  size_t same = 0;
  while (same < a_length && same < b_length && lower(a[same]) == lower(b[same])) {
    same++;
  }
  for (size_t i = 1; i <= a_length; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t change = corner + (lower(a[i - 1]) != lower(b[j - 1]));
      size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
      corner = row[j];
      row[j] = change < least ? change : least;
    }
  }
  return same > 0 && (same == a_length || same == b_length) ? 1 : row[b_length];
}

/* Keeps the nearest, sorted; of equally near ones in the order in which they come. */
static size_t keep(entry *entries, size_t count, entry found) {
  size_t at = count;
  while (at > 0 && entries[at - 1].distance > found.distance) {
    at--;
  }
  if (at == LISTED_MAX) {
    return count;
  }
  size_t moved = (count < LISTED_MAX ? count : LISTED_MAX - 1) - at;
  memmove(entries + at + 1, entries + at, moved * sizeof(*entries));
  entries[at] = found;
  return count < LISTED_MAX ? count + 1 : count;
}

/* The next line of `text` that is not empty, or NULL. */
static const char *next_line(const char **text, size_t *length) {
  while (**text == '\n') {
    (*text)++;
  }
  const char *line = *text;
  *length = strcspn(line, "\n");
  *text += *length;
  return *length > 0 ? line : NULL;
}

/* "  name   image   status" */
static size_t print_entry(const entry *found, char *text, size_t size) {
  const char *parts[3] = {found->line, "", ""};
  size_t lengths[3] = {found->length, 0, 0};
  for (size_t i = 0; i < 2; i++) {
    const char *tab = memchr(parts[i], '\t', lengths[i]);
    if (!tab) {
      break;
    }
    parts[i + 1] = tab + 1;
    lengths[i + 1] = lengths[i] - (size_t)(tab + 1 - parts[i]);
    lengths[i] = (size_t)(tab - parts[i]);
  }
  int written =
      snprintf(text, size, "\n  %-20.*s  %-28.*s  %.*s", (int)(lengths[0] < 64 ? lengths[0] : 64), parts[0],
               (int)(lengths[1] < 80 ? lengths[1] : 80), parts[1], (int)(lengths[2] < 48 ? lengths[2] : 48), parts[2]);
  if (written < 0 || (size_t)written >= size) {
    text[0] = '\0'; /* half a line says nothing */
    return 0;
  }
  return (size_t)written;
}

/* Is `word` in the name of an image, letters' case aside? */
static int holds(const char *line, size_t length, const char *word) {
  size_t word_length = strlen(word);
  for (size_t at = 0; word_length > 0 && at + word_length <= length; at++) {
    size_t same = 0;
    while (same < word_length && lower(line[at + same]) == lower(word[same])) {
      same++;
    }
    if (same == word_length) {
      return 1;
    }
  }
  return 0;
}

/* "Images: a:1, b:2"; as many as there is room for. */
static void print_images(const char *images, char *text, size_t size) {
  size_t used = 0;
  size_t length = 0;
  size_t count = 0;
  for (const char *line; (line = next_line(&images, &length));) {
    if (holds(line, length, "<none>") || length > 128) {
      continue;
    }
    int is_too_many = count == IMAGES_MAX;
    int written = is_too_many
                      ? snprintf(text + used, size - used, ", …")
                      : snprintf(text + used, size - used, "%s%.*s", count ? ", " : "\nImages: ", (int)length, line);
    if (written < 0 || (size_t)written >= size - used) {
      text[used] = '\0';
      return;
    }
    if (is_too_many) {
      return;
    }
    used += (size_t)written;
    count++;
  }
}

void container_there_list(const char *name, const char *where, const char *there, const char *images, char *text,
                          size_t size) {
  entry entries[LISTED_MAX];
  size_t count = 0;
  size_t all = 0;
  size_t length = 0;
  text[0] = '\0';
  if (!there) {
    return;
  }
  for (const char *line; all < CONSIDERED_MAX && (line = next_line(&there, &length)); all++) {
    size_t word = 0;
    while (word < length && line[word] != '\t') {
      word++;
    }
    count = keep(entries, count, (entry){line, length, distance(name, strlen(name), line, word)});
  }
  int written = count == 0    ? snprintf(text, size, "There is no container on %.100s.", where)
                : count < all ? snprintf(text, size, "Containers on %.100s, the nearest %zu of %zu:", where, count, all)
                              : snprintf(text, size, "Containers on %.100s:", where);
  size_t used = (size_t)written;
  for (size_t i = 0; i < count; i++) {
    used += print_entry(&entries[i], text + used, size - used);
  }
  if (images) {
    print_images(images, text + used, size - used);
  }
}

static int take_image(const char *images, const char *word, char *image, size_t size) {
  size_t length = 0;
  for (const char *line; (line = next_line(&images, &length));) {
    if (!holds(line, length, "<none>") && holds(line, length, word)) {
      (void)snprintf(image, size, "%.*s", (int)(length < size ? length : size - 1), line);
      return 1;
    }
  }
  return 0;
}

void container_there_image(const char *name, const char *images, char *image, size_t size) {
  static const char *const usual[] = {"ppf", "contact-solver", "zozo"};
  (void)snprintf(image, size, "IMAGE");
  if (!images || take_image(images, name, image, size)) {
    return;
  }
  for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
    if (take_image(images, usual[i], image, size)) {
      return;
    }
  }
}
