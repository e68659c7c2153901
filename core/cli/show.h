/* SPDX-License-Identifier: MIT */
/**
 * @file show.h
 * Values as people read them, and durations as they write them.
 */
#ifndef PS_SHOW_H
#define PS_SHOW_H

#include <stddef.h>
#include <stdint.h>

/**
 * Copies text that came from elsewhere (a plugin, the far side, a file), escaped as ps_text_add_safe does,
 * so that it cannot drive the terminal. Cut to `size` at a character. Returns `buffer`.
 */
const char *ps_show_safe(char *buffer, size_t size, const char *text);
/** The same for `length` bytes, which may hold NUL. */
const char *ps_show_bytes(char *buffer, size_t size, const void *bytes, size_t length);
/** Writes a span of time ("0.4 ms", "12 ms", "1.3 s"). Returns `buffer`. */
const char *ps_show_span(char *buffer, size_t size, uint64_t nanoseconds);

/** Writes how long something has lasted ("12 s", "3.4 h", "5.0 days"), where less than a second does not matter.
 * Returns `buffer`. */
const char *ps_show_age(char *buffer, size_t size, uint64_t milliseconds);
/** Writes a count of bytes ("512 bytes", "1.2 MiB"). Returns `buffer`. */
const char *ps_show_size(char *buffer, size_t size, uint64_t bytes);

#endif
