/* SPDX-License-Identifier: MIT */
/**
 * @file nearest.h
 * "Did you mean": the known word that is nearest to a mistyped one.
 */
#ifndef PS_NEAREST_H
#define PS_NEAREST_H

#include <stddef.h>

/** A search. Begin with ps_nearest_init, offer each known word, then read `best`. */
typedef struct ps_nearest {
  const char *word; /**< what was typed; borrowed */
  const char *best; /**< nearest word offered, borrowed; NULL if none is near enough to be meant */
  size_t distance;  /**< edits between them */
} ps_nearest;

/** Begins a search for `word`. */
void ps_nearest_init(ps_nearest *nearest, const char *word);
/** Offers a known word. The first of equally near ones stays. */
void ps_nearest_offer(ps_nearest *nearest, const char *candidate);

#endif
