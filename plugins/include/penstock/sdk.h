/* SPDX-License-Identifier: MIT */
/**
 * @file sdk.h
 * Small helpers for plugin authors, all inline: nothing here crosses the ABI, and nothing needs linking.
 */
#ifndef PENSTOCK_SDK_H
#define PENSTOCK_SDK_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugin.h"

/** @def PENSTOCK_PRINTF
 * Lets the compiler check the arguments against a printf format. */
#if defined(__MINGW_PRINTF_FORMAT)
#define PENSTOCK_PRINTF(format_at, first_at) __attribute__((format(__MINGW_PRINTF_FORMAT, format_at, first_at)))
#elif defined(__GNUC__)
#define PENSTOCK_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define PENSTOCK_PRINTF(format_at, first_at)
#endif

/** Cuts a UTF-8 text that vsnprintf truncated, back to a whole character. `size` is the buffer's size in bytes. */
static inline void penstock_utf8_trim(char *text, size_t size) {
  size_t length = strlen(text);
  if (length + 1 < size) {
    return;
  }
  size_t start = length;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
    start--;
  }
  if (start == 0) {
    return;
  }
  unsigned char lead = (unsigned char)text[start - 1];
  size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (length - (start - 1) < want) {
    text[start - 1] = '\0';
  }
}

/** Fills in `what` of an error and clears the rest. `error` may be NULL. Returns PENSTOCK_E_FAILED, for `return`. */
PENSTOCK_PRINTF(4, 5)
static inline int32_t penstock_fail(penstock_error *error, uint32_t leg, uint32_t error_class, const char *format,
                                    ...) {
  if (error) {
    va_list arguments;
    error->struct_size = (uint32_t)sizeof(*error);
    error->leg = leg;
    error->error_class = error_class;
    error->reserved = 0;
    error->next[0] = '\0';
    error->detail[0] = '\0';
    va_start(arguments, format);
    (void)vsnprintf(error->what, sizeof(error->what), format, arguments);
    va_end(arguments);
    penstock_utf8_trim(error->what, sizeof(error->what));
  }
  return PENSTOCK_E_FAILED;
}

/** Adds the next step to an error. `error` may be NULL. */
PENSTOCK_PRINTF(2, 3)
static inline void penstock_next(penstock_error *error, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->next, sizeof(error->next), format, arguments);
    va_end(arguments);
    penstock_utf8_trim(error->next, sizeof(error->next));
  }
}

/** Logs a formatted line through the host. */
PENSTOCK_PRINTF(3, 4)
static inline void penstock_logf(const penstock_host *host, uint32_t level, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(text, sizeof(text));
  host->log(host, level, text);
}

#endif
