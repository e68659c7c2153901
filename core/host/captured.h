/* SPDX-License-Identifier: MIT */
/**
 * @file captured.h
 * What a child process wrote, as much of it as is wanted. What went through may be a password on its way, so all memory
 * is wiped. Thread: the loop's.
 */
#ifndef PS_CAPTURED_H
#define PS_CAPTURED_H

#include <penstock/sdk.h>

/** Zero-initialise. */
typedef struct ps_captured {
  char *data; /**< NUL-terminated; NULL = nothing yet */
  size_t size;
  size_t room;
} ps_captured;

/** Keeps as much as the limit and the memory allow; the rest is dropped. */
void ps_captured_keep(ps_captured *to, const char *data, size_t size, size_t limit);
/** Lends both outputs to the result. */
void ps_captured_tell(const ps_captured *output, const ps_captured *error_output, penstock_exit *result);
void ps_captured_clear(ps_captured *captured);
/** Wipes and frees. NULL is fine. */
void ps_free_wiped(char *data, size_t size);

#endif
