/* SPDX-License-Identifier: MIT */
/**
 * @file pointers.h
 * A list of pointers that grows.
 */
#ifndef PS_POINTERS_H
#define PS_POINTERS_H

#include <stddef.h>

/** Adds an item to a list of pointers (`list` is its address). Returns 0, or PENSTOCK_E_NOMEM and it is as before. */
int ps_pointers_add(void *list, size_t *count, void *item);

#endif
