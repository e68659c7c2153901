/* SPDX-License-Identifier: MIT */
/**
 * @file text.h
 * Text that grows, and text that is safe to show.
 */
#ifndef PS_TEXT_H
#define PS_TEXT_H

#include <stddef.h>

#include <penstock/sdk.h>

/** A growing string. Zero-initialise; `data` is NULL until something was added, then NUL-terminated; free() it. */
typedef struct ps_text {
  char *data;
  size_t size;   /**< bytes without the NUL */
  size_t room;   /**< bytes allocated */
  int no_memory; /**< 1 = something could not be added, and the text is not whole */
} ps_text;

/** Adds `size` bytes. */
void ps_text_add(ps_text *text, const char *bytes, size_t size);
/** Adds a string. */
void ps_text_adds(ps_text *text, const char *string);
/** Adds formatted text. */
void ps_text_addf(ps_text *text, const char *format, ...) PENSTOCK_PRINTF(2, 3);
/**
 * Adds a string with everything escaped that could forge a line or steer a terminal: control characters,
 * line separators, marks that turn the writing direction, and bytes that are no UTF-8.
 */
void ps_text_add_safe(ps_text *text, const char *string);
/** Adds a string with only the bytes escaped that are no UTF-8. */
void ps_text_add_utf8(ps_text *text, const char *string);

/**
 * Length in bytes (1..4) of the UTF-8 character that starts at `bytes` (NUL-terminated), with its number in
 * `*point`; 0 if there is none: truncated, overlong, a surrogate, beyond U+10FFFF.
 */
size_t ps_utf8_next(const char *bytes, unsigned long *point);

#endif
