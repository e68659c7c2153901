/* SPDX-License-Identifier: MIT */
/**
 * @file pages.h
 * Memory that is not swapped, and not dumped where the system can be told so. For vault.c; the platform is behind it.
 */
#ifndef PS_PAGES_H
#define PS_PAGES_H

#include <stddef.h>

/** At least `size` bytes, *room of them. NULL if there is no memory, or it cannot be locked. */
char *ps_pages_new(size_t size, size_t *room);
void ps_pages_free(char *pages, size_t room);

#endif
