/* SPDX-License-Identifier: MIT */
/**
 * @file pin.h
 * A plugin file pinned by its SHA-256: only that very file is loaded.
 *
 * Thread: any.
 */
#ifndef PS_PIN_H
#define PS_PIN_H

#include <penstock/sdk.h>

/**
 * Compares the SHA-256 of a file's bytes with `pin` (64 hex digits, either case). Returns 0, or a negative
 * code with `error` (leg LOCAL, class CONFIG) that tells both sums. `path` is for messages.
 */
int ps_pin_check(const void *bytes, size_t size, const char *pin, const char *path, penstock_error *error);

#endif
