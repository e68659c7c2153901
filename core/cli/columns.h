/* SPDX-License-Identifier: MIT */
/**
 * @file columns.h
 * How much room text takes on a terminal. Marks (marks.h) take none.
 */
#ifndef PS_COLUMNS_H
#define PS_COLUMNS_H

#include <stddef.h>

/** Columns that a character takes, by its number: 0, 1 or 2. */
unsigned ps_columns_of(unsigned long point);
/** Columns that `size` bytes of UTF-8 take. */
size_t ps_columns(const char *text, size_t size);
/** How many bytes from its beginning on take `columns` at most. */
size_t ps_columns_fit(const char *text, size_t size, size_t columns);
/**
 * Length in bytes of the first character of a text that ends with NUL or a new line, if every terminal takes it to be
 * one column wide (ASCII, and what we draw with); else 0.
 */
size_t ps_columns_plain(const char *text);

#endif
